/** Request columns written down row by row, for tests that know every instant. */
import { type OutcomeCode, outcomeCodes } from '../../src/client/outcome.js';
import type { RequestColumns } from '../../src/load/request-columns.js';

export interface RequestRow {
  readonly intended: number;
  /** Default: as intended. */
  readonly sent?: number;
  readonly received: number;
  /** Default: ok. */
  readonly outcome?: OutcomeCode;
}

/** Columns of `rows` in order of receipt. */
export function columnsOf(rows: readonly RequestRow[]): RequestColumns {
  const ordered = rows.toSorted((a, b) => a.received - b.received);
  return {
    length: ordered.length,
    intendedNs: Float64Array.from(ordered, (row) => row.intended),
    sentNs: Float64Array.from(ordered, (row) => row.sent ?? row.intended),
    receivedNs: Float64Array.from(ordered, (row) => row.received),
    outcomes: Uint8Array.from(ordered, (row) => row.outcome ?? outcomeCodes.ok),
  };
}

/** One slot, one request after the other, each taking `latencyNs(start)`, from `begin` until `end`. */
export function consecutiveRows(begin: number, end: number, latencyNs: (startNs: number) => number): RequestRow[] {
  const rows: RequestRow[] = [];
  for (let at = begin; at < end; ) {
    const received = at + latencyNs(at);
    rows.push({ intended: at, received });
    at = received;
  }
  return rows;
}
