/** How many requests the server can have counted between two looks at it, from what its client sent and got back. */
import { outcomeCodes } from '../../client/outcome.js';
import type { Instant } from '../../common/units.js';
import type { RequestColumns } from '../../load/request-columns.js';
import type { LongLevel } from '../long/long-level.js';
import type { PossibleCount } from './server-times.js';

/** When a look was asked for, and when it was answered: the server took it in between. */
export interface LookTime {
  readonly asked: Instant;
  readonly told: Instant;
}

/** Share of the requests by which counts may differ without a word. */
const TOLERANCE = 0.05;

/**
 * Requests are counted a little before or after their answer arrives, so what was in flight at either look may be on both
 * sides. A request that failed here may have succeeded there. A long level's rows are a sample and stand
 * for as many more; requests that were given up on have none.
 */
export function possibleCount(
  columns: RequestColumns,
  from: LookTime,
  to: LookTime,
  long?: LongLevel,
  unfinishedCount = 0,
): PossibleCount {
  const { sentNs, receivedNs, outcomes, length } = columns;
  let [least, most, inFlight, failed] = [0, 0, 0, 0];
  for (let row = 0; row < length; row++) {
    const sent = sentNs[row]!;
    const received = receivedNs[row]!;
    const isOk = outcomes[row] === outcomeCodes.ok;
    if (!isOk) failed++;
    if (received > from.asked && received <= to.told) most++;
    if (isOk && received > from.told && received <= to.asked) least++;
    if (sent <= from.told && received > from.asked) inFlight++;
    if (sent <= to.told && received > to.asked) inFlight++;
  }
  const weight = long === undefined || length === 0 ? 1 : Math.max(1, long.dueCount / length);
  const warmup = long !== undefined && from.asked < long.from ? long.warmupCount : 0;
  const slack = 2 * (inFlight + unfinishedCount) + 2;
  return {
    least: Math.max(0, Math.floor((least * (1 - TOLERANCE) - slack) * weight)),
    most: Math.ceil((most * (1 + TOLERANCE) + slack + failed) * weight + warmup * (1 + TOLERANCE)),
  };
}
