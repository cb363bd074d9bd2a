/**
 * Which slot an open stream belongs to. Ids count up, so the lowest bits find nearly every stream at once; one that
 * stays open while thousands pass it shares its place with a later one, which then goes into a map.
 */

const FREE = -1;
const INITIAL_PLACES = 256;

export class StreamTable {
  #slots = new Int32Array(INITIAL_PLACES).fill(FREE);
  #ids = new Int32Array(INITIAL_PLACES);
  #mask = INITIAL_PLACES - 1;
  #others = new Map<number, number>();
  #count = 0;

  /** Open streams. */
  get size(): number {
    return this.#count;
  }

  add(id: number, slot: number): void {
    this.#count++;
    if (this.#count > this.#slots.length / 2) this.#widen();
    this.#place(id, slot);
  }

  /** The stream's slot, or -1 when it is not open. */
  find(id: number): number {
    const at = (id >>> 1) & this.#mask;
    if (this.#ids[at] === id) return this.#slots[at]!;
    return this.#others.size === 0 ? FREE : (this.#others.get(id) ?? FREE);
  }

  /** Removes an open stream. */
  remove(id: number): void {
    this.#count--;
    const at = (id >>> 1) & this.#mask;
    if (this.#ids[at] === id) {
      this.#ids[at] = 0;
      this.#slots[at] = FREE;
    } else this.#others.delete(id);
  }

  /** Ids and slots of all open streams, as they are now. */
  entries(): readonly (readonly [id: number, slot: number])[] {
    const placed = [...this.#ids].flatMap((id, at) => (id === 0 ? [] : [[id, this.#slots[at]!] as const]));
    return [...placed, ...this.#others];
  }

  #place(id: number, slot: number): void {
    const at = (id >>> 1) & this.#mask;
    if (this.#ids[at] !== 0) {
      this.#others.set(id, slot);
      return;
    }
    this.#ids[at] = id;
    this.#slots[at] = slot;
  }

  #widen(): void {
    const open = this.entries();
    const places = 4 * this.#slots.length;
    this.#slots = new Int32Array(places).fill(FREE);
    this.#ids = new Int32Array(places);
    this.#mask = places - 1;
    this.#others = new Map();
    for (const [id, slot] of open) this.#place(id, slot);
  }
}
