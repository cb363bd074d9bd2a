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

export class OutputMarks {
  readonly #words: Int32Array;
  readonly #wordPlaces: Int32Array;
  readonly #bytes: Uint8Array;
  /** Of outputs that are not made of words. */
  readonly #bytePlaces: Int32Array;

  /** `regions` are those of `memory` that a run writes outputs to; empty ones have nothing that could be from before. */
  constructor(memory: Uint8Array, regions: readonly MarkedRegion[]) {
    const filled = regions.filter(({ byteLength }) => byteLength > 0);
    const isOfWords = ({ offset, byteLength }: MarkedRegion): boolean =>
      (memory.byteOffset + offset) % WORD_BYTES === 0 && byteLength % WORD_BYTES === 0;
    // Views of words begin on a word of the buffer, so places count from there.
    const start = memory.byteOffset - (memory.byteOffset % WORD_BYTES);
    const wordCount = Math.floor((memory.byteOffset + memory.byteLength - start) / WORD_BYTES);
    this.#words = new Int32Array(memory.buffer, start, wordCount);
    this.#wordPlaces = placesOf(filled.filter(isOfWords), memory.byteOffset - start, WORD_BYTES);
    this.#bytes = memory;
    this.#bytePlaces = placesOf(
      filled.filter((region) => !isOfWords(region)),
      0,
      1,
    );
  }

  /** Before a run. */
  set(): void {
    const words = this.#words;
    const wordPlaces = this.#wordPlaces;
    for (let at = 0; at < wordPlaces.length; at++) words[wordPlaces[at]!] = MARK;
    const bytePlaces = this.#bytePlaces;
    for (let at = 0; at < bytePlaces.length; at++) this.#bytes[bytePlaces[at]!] = byteMark(bytePlaces[at]!);
  }

  /** After a run: true when an output was not written, or not to its end. */
  isAnyLeft(): boolean {
    const words = this.#words;
    const wordPlaces = this.#wordPlaces;
    for (let at = 0; at < wordPlaces.length; at += 2) {
      if (words[wordPlaces[at]!] === MARK && words[wordPlaces[at + 1]!] === MARK) return true;
    }
    const bytePlaces = this.#bytePlaces;
    for (let at = 0; at < bytePlaces.length; at += 2) {
      if (this.#hasByteMark(bytePlaces[at]!) && this.#hasByteMark(bytePlaces[at + 1]!)) return true;
    }
    return false;
  }

  #hasByteMark(place: number): boolean {
    return this.#bytes[place] === byteMark(place);
  }
}

/** The mark's bytes in turn, so that neighbours differ. */
const byteMark = (place: number): number => (MARK >>> (8 * (place % WORD_BYTES))) & 0xff;

/** The first two and the last two units of each region, `skipped` bytes further on. */
function placesOf(regions: readonly MarkedRegion[], skipped: number, unitBytes: number): Int32Array {
  const places = new Int32Array(regions.length * PLACES_EACH);
  regions.forEach(({ offset, byteLength }, index) => {
    const first = (skipped + offset) / unitBytes;
    const last = first + byteLength / unitBytes - 1;
    places.set([first, Math.min(first + 1, last), Math.max(first, last - 1), last], index * PLACES_EACH);
  });
  return places;
}
