/**
 * Puts the windows of a level's visits together as if they had been one stretch of time, so that everything that reads a
 * level's rows reads these. What was under way at the end of one window takes the place of what was under way at the begin of
 * the next, so the seams are none in a steady state.
 */
import { type Instant, instant } from '../../common/units.js';
import { allocateColumns, joinColumns, orderByReceipt, type RequestColumns } from '../../load/request-columns.js';

export interface VisitRows {
  readonly columns: RequestColumns;
  /** The visit's window: requests whose intended start lies in [from, to). */
  readonly from: Instant;
  readonly to: Instant;
}

/** Where each visit begins in the spliced time, and where the last ends. */
export function spliceBounds(visits: readonly Pick<VisitRows, 'from' | 'to'>[]): readonly Instant[] {
  const bounds = [visits[0]!.from];
  for (const { from, to } of visits) bounds.push(instant(bounds.at(-1)! + (to - from)));
  return bounds;
}

/** The rows of the windows, moved so that each begins where the one before it ended. */
export function spliceVisits(visits: readonly VisitRows[]): RequestColumns {
  const bounds = spliceBounds(visits);
  const rows = visits.map(({ columns, from, to }) => rowsWithin(columns, from, to));
  const spliced = allocateColumns(rows.reduce((sum, own) => sum + own.length, 0));
  let at = 0;
  for (const [visit, { columns, from }] of visits.entries()) {
    const shift = bounds[visit]! - from;
    for (const row of rows[visit]!) {
      spliced.intendedNs[at] = columns.intendedNs[row]! + shift;
      spliced.sentNs[at] = columns.sentNs[row]! + shift;
      spliced.receivedNs[at] = columns.receivedNs[row]! + shift;
      spliced.outcomes[at++] = columns.outcomes[row]!;
    }
  }
  return orderByReceipt(spliced);
}

function rowsWithin({ intendedNs, length }: RequestColumns, from: Instant, to: Instant): Uint32Array {
  const rows = new Uint32Array(length);
  let count = 0;
  for (let row = 0; row < length; row++) if (intendedNs[row]! >= from && intendedNs[row]! < to) rows[count++] = row;
  return rows.subarray(0, count);
}

/** All rows of visits that followed one another, as they were; a single visit's own. */
export const joinRows = (parts: readonly RequestColumns[]): RequestColumns =>
  parts.length === 1 ? parts[0]! : joinColumns(parts);
