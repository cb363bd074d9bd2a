/**
 * Raw samples of one load worker: three instants and an outcome a request, in shared memory, so that the main thread
 * reads them while the worker writes. A chunk is append-only in the order of completion; the published length is stored after
 * the row is complete, so a reader never sees half a row.
 */

import type { OutcomeCode } from '../client/outcome.js';
import { type Instant, instant } from '../common/units.js';

const HEADER_BYTES = 64;
const ROW_BYTES = 3 * 8 + 1;

/** Rows in one chunk: 65,536 requests in 1.6 MB. */
export const CHUNK_ROWS = 65_536;

export class RequestChunk {
  readonly buffer: SharedArrayBuffer;
  readonly intendedNs: Float64Array;
  readonly sentNs: Float64Array;
  readonly receivedNs: Float64Array;
  readonly outcomes: Uint8Array;
  readonly #header: Int32Array;

  /** Wraps a buffer made by another thread, or makes a new one. */
  constructor(buffer = new SharedArrayBuffer(HEADER_BYTES + CHUNK_ROWS * ROW_BYTES)) {
    this.buffer = buffer;
    this.#header = new Int32Array(buffer, 0, 2);
    this.intendedNs = new Float64Array(buffer, HEADER_BYTES, CHUNK_ROWS);
    this.sentNs = new Float64Array(buffer, HEADER_BYTES + CHUNK_ROWS * 8, CHUNK_ROWS);
    this.receivedNs = new Float64Array(buffer, HEADER_BYTES + CHUNK_ROWS * 16, CHUNK_ROWS);
    this.outcomes = new Uint8Array(buffer, HEADER_BYTES + CHUNK_ROWS * 24, CHUNK_ROWS);
  }

  /** Published rows. */
  get length(): number {
    return Atomics.load(this.#header, 0);
  }

  get isFull(): boolean {
    return this.length === CHUNK_ROWS;
  }

  /** The reader has taken the rows of a full chunk and will not look at it again: the writer may use it anew. */
  release(): void {
    Atomics.store(this.#header, 1, 1);
  }

  get isReleased(): boolean {
    return Atomics.load(this.#header, 1) === 1;
  }

  /** Empties a released chunk; the writer's to call, before it announces the chunk again. */
  reuse(): void {
    Atomics.store(this.#header, 0, 0);
    Atomics.store(this.#header, 1, 0);
  }

  /** Appends a completed request; the chunk must not be full. One writer only. */
  append(intendedNs: number, sentNs: number, receivedNs: number, outcome: OutcomeCode): void {
    const row = this.length;
    this.intendedNs[row] = intendedNs;
    this.sentNs[row] = sentNs;
    this.receivedNs[row] = receivedNs;
    this.outcomes[row] = outcome;
    Atomics.store(this.#header, 0, row + 1);
  }
}

/** Columns of completed requests, ordered by receive instant; merged over workers without loss. */
export interface RequestColumns {
  readonly length: number;
  readonly intendedNs: Float64Array;
  readonly sentNs: Float64Array;
  readonly receivedNs: Float64Array;
  readonly outcomes: Uint8Array;
}

export const noColumns: RequestColumns = {
  length: 0,
  intendedNs: new Float64Array(),
  sentNs: new Float64Array(),
  receivedNs: new Float64Array(),
  outcomes: new Uint8Array(),
};

/** Columns for so many rows, to be filled by whoever asked for them. */
export const allocateColumns = (length: number) => ({
  length,
  intendedNs: new Float64Array(length),
  sentNs: new Float64Array(length),
  receivedNs: new Float64Array(length),
  outcomes: new Uint8Array(length),
});

/** Copies the published rows of `chunks` into columns ordered by receive instant. */
export const collectColumns = (chunks: readonly RequestChunk[]): RequestColumns => joinColumns(chunks);

/** Copies all rows of `parts` into columns ordered by receive instant; of a chunk, those published at the call. */
export function joinColumns(parts: readonly RequestColumns[]): RequestColumns {
  // A chunk grows meanwhile, so its length is read once.
  const lengths = parts.map(({ length }) => length);
  const joined = allocateColumns(lengths.reduce((sum, rows) => sum + rows, 0));
  let row = 0;
  parts.forEach((part, index) => {
    const rows = lengths[index]!;
    joined.intendedNs.set(part.intendedNs.subarray(0, rows), row);
    joined.sentNs.set(part.sentNs.subarray(0, rows), row);
    joined.receivedNs.set(part.receivedNs.subarray(0, rows), row);
    joined.outcomes.set(part.outcomes.subarray(0, rows), row);
    row += rows;
  });
  return orderByReceipt(joined);
}

/** The same rows ordered by receive instant; cheap where they consist of few ordered stretches. */
export function orderByReceipt(columns: RequestColumns): RequestColumns {
  const { length, intendedNs, sentNs, receivedNs, outcomes } = columns;
  const runs = ascendingRuns(receivedNs);
  if (runs.length <= 2) return columns;
  const order = mergeRuns(receivedNs, runs);
  return {
    length,
    intendedNs: reorder(intendedNs, order),
    sentNs: reorder(sentNs, order),
    receivedNs: reorder(receivedNs, order),
    outcomes: reorder(outcomes, order),
  };
}

// Plain loops: a measurement looks at its columns several times a second, and TypedArray.from is ten times slower.
function reorder<Column extends Float64Array | Uint8Array>(column: Column, order: Uint32Array): Column {
  const ordered = column.slice() as Column;
  for (let row = 0; row < order.length; row++) ordered[row] = column[order[row]!]!;
  return ordered;
}

/** Where the stretches of ascending values begin, and the end of the last. Each worker's rows are one stretch. */
function ascendingRuns(values: Float64Array): readonly number[] {
  const bounds = [0];
  for (let i = 1; i < values.length; i++) {
    if (values[i]! < values[i - 1]!) bounds.push(i);
  }
  return [...bounds, values.length];
}

/** Indices of `values` in ascending order, equal ones in the order they had; merges neighbouring runs until one is left. */
function mergeRuns(values: Float64Array, bounds: readonly number[]): Uint32Array {
  let order = new Uint32Array(values.length);
  for (let i = 0; i < order.length; i++) order[i] = i;
  let merged = new Uint32Array(values.length);
  while (bounds.length > 2) {
    const next: number[] = [];
    for (let run = 0; run < bounds.length - 1; run += 2) {
      const start = bounds[run]!;
      const middle = bounds[run + 1]!;
      const end = bounds[run + 2] ?? middle;
      next.push(start);
      let left = start;
      let right = middle;
      for (let at = start; at < end; at++) {
        const isLeft = left < middle && (right >= end || values[order[left]!]! <= values[order[right]!]!);
        merged[at] = order[isLeft ? left++ : right++]!;
      }
    }
    bounds = [...next, values.length];
    [order, merged] = [merged, order];
  }
  return order;
}

/** Rows whose receive instant lies in [from, to); binary search, no copy. */
export function sliceColumns(columns: RequestColumns, from: Instant, to: Instant = instant(Infinity)): RequestColumns {
  const lower = (limit: number): number => {
    let low = 0;
    let high = columns.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (columns.receivedNs[middle]! < limit) low = middle + 1;
      else high = middle;
    }
    return low;
  };
  const start = lower(from);
  const end = lower(to);
  return {
    length: end - start,
    intendedNs: columns.intendedNs.subarray(start, end),
    sentNs: columns.sentNs.subarray(start, end),
    receivedNs: columns.receivedNs.subarray(start, end),
    outcomes: columns.outcomes.subarray(start, end),
  };
}
