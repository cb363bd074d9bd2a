/**
 * What went in and out of each request of a level, for exports that list it. Requests repeat and most models answer alike, so
 * tensors are kept once for each different exchange. Within a bound of memory; what is beyond it has no contents.
 */
import { Buffer } from 'node:buffer';
import type { Tensor } from '../kserve/tensor.js';

/** Bytes of tensors kept a worker and level, and rows. */
const MAX_BYTES = 64 * 2 ** 20;
const MAX_ROWS = 1_000_000;

export type TensorContent = Pick<Tensor, 'name' | 'dataType' | 'bytes'>;

/** The tensors of a request and of its answer. */
export interface Exchange {
  readonly inputs: readonly TensorContent[];
  readonly outputs: readonly TensorContent[];
}

/** Plain data: row n, a good answer, had contents `contents[indices[n]]`. Its two instants are those of its row in the columns. */
export interface Exchanges {
  readonly contents: readonly Exchange[];
  readonly intendedNs: readonly number[];
  readonly receivedNs: readonly number[];
  readonly indices: readonly number[];
}

/** Of one worker and one level. */
export class ExchangeLog {
  readonly #contents: Exchange[] = [];
  /** By handle: the contents that its last answer had. */
  readonly #latest = new Map<number, number>();
  readonly #rows = { intendedNs: [] as number[], receivedNs: [] as number[], indices: [] as number[] };
  #byteCount = 0;
  #current: number | undefined;

  /** The exchange that `append` is told of next. `outputs` may be gone afterwards. */
  note(handle: number, inputs: readonly TensorContent[], outputs: readonly TensorContent[]): void {
    const latest = this.#latest.get(handle);
    if (latest !== undefined && isAlike(this.#contents[latest]!.outputs, outputs)) {
      this.#current = latest;
      return;
    }
    this.#current = undefined;
    // Inputs are shared by every exchange of a handle and are in memory anyway.
    const byteCount = outputs.reduce((sum, { bytes }) => sum + bytes.byteLength, 0);
    if (this.#byteCount + byteCount > MAX_BYTES) return;
    this.#byteCount += byteCount;
    const kept = outputs.map(({ name, dataType, bytes }) => ({ name, dataType, bytes: bytes.slice() }));
    this.#current = this.#contents.push({ inputs, outputs: kept }) - 1;
    this.#latest.set(handle, this.#current);
  }

  /** A request was answered well, with what was noted last. */
  append(intendedNs: number, receivedNs: number): void {
    const { intendedNs: intended, receivedNs: received, indices } = this.#rows;
    if (this.#current === undefined || indices.length >= MAX_ROWS) return;
    intended.push(intendedNs);
    received.push(receivedNs);
    indices.push(this.#current);
    this.#current = undefined;
  }

  exchanges(): Exchanges {
    return { contents: this.#contents, ...this.#rows };
  }
}

const isAlike = (kept: readonly TensorContent[], found: readonly TensorContent[]): boolean =>
  kept.length === found.length &&
  kept.every(
    ({ name, bytes }, index) => name === found[index]!.name && Buffer.compare(bytes, found[index]!.bytes) === 0,
  );

/** Of all workers, as one. */
export function mergeExchanges(parts: readonly Exchanges[]): Exchanges {
  let before = 0;
  const indices = parts.flatMap((part) => {
    const moved = part.indices.map((index) => index + before);
    before += part.contents.length;
    return moved;
  });
  return {
    contents: parts.flatMap(({ contents }) => contents),
    intendedNs: parts.flatMap(({ intendedNs }) => intendedNs),
    receivedNs: parts.flatMap(({ receivedNs }) => receivedNs),
    indices,
  };
}
