/** Which parts of a stretch of memory are free: first fit, lowest place first, neighbours joined when one comes back. */

interface Gap {
  readonly start: number;
  readonly end: number;
}

/** Places start on cache lines, which also satisfies every element type. */
const ALIGNMENT = 64;

export class FreeList {
  readonly totalBytes: number;
  #gaps: Gap[];
  #usedBytes = 0;

  constructor(totalBytes: number) {
    this.totalBytes = totalBytes;
    this.#gaps = totalBytes > 0 ? [{ start: 0, end: totalBytes }] : [];
  }

  /** Including what alignment adds. */
  get usedBytes(): number {
    return this.#usedBytes;
  }

  /** Where `byteLength` bytes may lie from now on, or undefined when no gap is large enough. */
  take(byteLength: number): number | undefined {
    const size = sizeOf(byteLength);
    const index = this.#gaps.findIndex(({ start, end }) => end - start >= size);
    if (index === -1) return undefined;
    const { start, end } = this.#gaps[index]!;
    this.#gaps.splice(index, 1, ...(end - start > size ? [{ start: start + size, end }] : []));
    this.#usedBytes += size;
    return start;
  }

  /** Gives back what `take` gave for `byteLength` bytes. */
  free(start: number, byteLength: number): void {
    const size = sizeOf(byteLength);
    this.#usedBytes -= size;
    const index = this.#gaps.findIndex((gap) => gap.start > start);
    this.#gaps.splice(index === -1 ? this.#gaps.length : index, 0, { start, end: start + size });
    this.#gaps = this.#gaps.reduce<Gap[]>((joined, gap) => {
      const last = joined.at(-1);
      if (last !== undefined && last.end === gap.start) joined[joined.length - 1] = { start: last.start, end: gap.end };
      else joined.push(gap);
      return joined;
    }, []);
  }
}

const sizeOf = (byteLength: number): number => Math.max(1, Math.ceil(byteLength / ALIGNMENT)) * ALIGNMENT;
