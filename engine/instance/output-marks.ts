/**
 * Tells whether a run wrote the outputs that it was given memory for. ONNX Runtime leaves that memory as it was where an
 * output's value lies elsewhere by the time: it is a feed, say, or a branch put another value in its place. So a few bytes
 * at both ends are marked before a run. A mark that is still there means that the bytes are from before, or, once in a
 * very long time, that the model returned just those.
 */

const WORD_BYTES = 4;
/** Its bytes differ, so that no tensor that is filled with one value looks like it. */
const MARK = 0x96c3_a55a | 0;
/** Of these, the first two are the output's beginning and the others its end; in a small one some are the same. */
const PLACES_EACH = 4;

export interface MarkedRegion {
  readonly offset: number;
  readonly byteLength: number;
}

interface MarkedPlaces {
  readonly view: Int32Array | Uint8Array;
  readonly places: Int32Array;
  /** What each place is marked with. */
  readonly marks: Int32Array;
}

export class OutputMarks {
  readonly #kinds: readonly MarkedPlaces[];

  /** `regions` are those of `memory` that a run writes outputs to; empty ones have nothing that could be from before. */
  constructor(memory: Uint8Array, regions: readonly MarkedRegion[]) {
    const filled = regions.filter(({ byteLength }) => byteLength > 0);
    const isOfWords = ({ offset, byteLength }: MarkedRegion): boolean =>
      (memory.byteOffset + offset) % WORD_BYTES === 0 && byteLength % WORD_BYTES === 0;
    const firstWord = Math.ceil(memory.byteOffset / WORD_BYTES) * WORD_BYTES;
    const wordCount = Math.floor((memory.byteOffset + memory.byteLength - firstWord) / WORD_BYTES);
    const words = new Int32Array(memory.buffer, firstWord, Math.max(0, wordCount));
    const skipped = firstWord - memory.byteOffset;
    this.#kinds = [
      placesOf(
        words,
        filled
          .filter(isOfWords)
          .map(({ offset, byteLength }) => ({
            first: (offset - skipped) / WORD_BYTES,
            count: byteLength / WORD_BYTES,
          })),
        () => MARK,
      ),
      placesOf(
        memory,
        filled
          .filter((region) => !isOfWords(region))
          .map(({ offset, byteLength }) => ({ first: offset, count: byteLength })),
        (place) => (MARK >>> (8 * (place % WORD_BYTES))) & 0xff,
      ),
    ].filter(({ places }) => places.length > 0);
  }

  /** Before a run. */
  set(): void {
    for (const { view, places, marks } of this.#kinds) {
      for (let at = 0; at < places.length; at++) view[places[at]!] = marks[at]!;
    }
  }

  /** After a run: true when an output was not written, or not to its end. */
  isAnyLeft(): boolean {
    for (const { view, places, marks } of this.#kinds) {
      for (let at = 0; at < places.length; at += 2) {
        if (view[places[at]!] === marks[at] && view[places[at + 1]!] === marks[at + 1]) return true;
      }
    }
    return false;
  }
}

function placesOf(
  view: Int32Array | Uint8Array,
  regions: readonly { readonly first: number; readonly count: number }[],
  markOf: (place: number) => number,
): MarkedPlaces {
  const places = new Int32Array(regions.length * PLACES_EACH);
  regions.forEach(({ first, count }, index) => {
    const last = first + count - 1;
    places.set([first, Math.min(first + 1, last), Math.max(first, last - 1), last], index * PLACES_EACH);
  });
  return { view, places, marks: places.map(markOf) };
}
