/**
 * Did the server stop answering for good while a level lasted? Then the level's figures are of the time before. Requests
 * that were given up on, for their timeout or at the end, tell of a server that is too slow as well, and are no sign of it.
 */
import { outcomeCodes } from '../../client/outcome.js';
import { type Instant, instant, millis } from '../../common/units.js';
import type { RequestColumns } from '../../load/request-columns.js';

/** A shorter silence at the end of a level says nothing. */
const LEAST_SILENCE = millis(250);
/** Nor does one that slow answers explain. */
const SILENCE_PER_LATENCY = 3;

/**
 * Just after the last good answer, where only failures came from then to `to`: at least `together` of them, so that each request
 * under way at once has failed. Undefined for a server that answered to the end, or never.
 */
export function findLastAnswer(columns: RequestColumns, to: Instant, together: number): Instant | undefined {
  const { intendedNs, receivedNs, outcomes, length } = columns;
  let last: number | undefined;
  let longestNs = 0;
  for (let row = 0; row < length; row++) {
    if (outcomes[row] !== outcomeCodes.ok) continue;
    longestNs = Math.max(longestNs, receivedNs[row]! - intendedNs[row]!);
    if (last === undefined || receivedNs[row]! > receivedNs[last]!) last = row;
  }
  if (last === undefined) return undefined;
  const lastNs = receivedNs[last]!;
  if (to - lastNs < Math.max(LEAST_SILENCE, SILENCE_PER_LATENCY * longestNs)) return undefined;
  let failures = 0;
  for (let row = 0; row < length; row++) {
    if (outcomes[row] === outcomeCodes.error && receivedNs[row]! > lastNs) failures++;
  }
  return failures >= Math.max(1, together) ? instant(lastNs + 1) : undefined;
}
