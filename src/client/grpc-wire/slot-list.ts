/** A list of slot numbers with constant-time removal from the middle and no allocation: links in two arrays. */

const NONE = -1;

export class SlotList {
  /** The slot that was added before all others, or -1. */
  first = NONE;
  #last = NONE;
  #next = new Int32Array(64).fill(NONE);
  #previous = new Int32Array(64).fill(NONE);

  get isEmpty(): boolean {
    return this.first === NONE;
  }

  /** Adds at the end a slot that is not in the list. */
  push(slot: number): void {
    if (slot >= this.#next.length) this.#grow(slot + 1);
    this.#previous[slot] = this.#last;
    this.#next[slot] = NONE;
    if (this.#last === NONE) this.first = slot;
    else this.#next[this.#last] = slot;
    this.#last = slot;
  }

  /** Removes a slot that is in the list. */
  remove(slot: number): void {
    const next = this.#next[slot]!;
    const previous = this.#previous[slot]!;
    if (previous === NONE) this.first = next;
    else this.#next[previous] = next;
    if (next === NONE) this.#last = previous;
    else this.#previous[next] = previous;
  }

  /** Removes and returns the first slot; the list must not be empty. */
  shift(): number {
    const slot = this.first;
    this.remove(slot);
    return slot;
  }

  /** The slot behind `slot`, or -1. */
  after(slot: number): number {
    return this.#next[slot]!;
  }

  #grow(needed: number): void {
    const capacity = Math.max(needed, 2 * this.#next.length);
    this.#next = widen(this.#next, capacity);
    this.#previous = widen(this.#previous, capacity);
  }
}

function widen(links: Int32Array, capacity: number): Int32Array<ArrayBuffer> {
  const wider = new Int32Array(capacity).fill(NONE);
  wider.set(links);
  return wider;
}
