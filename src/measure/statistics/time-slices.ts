/**
 * A level cut into slices of equal time: how many requests each slice completed and how long they took. The one place
 * that decides how requests at the edge of a slice or a window count.
 */
import { outcomeCodes } from '../../client/outcome.js';
import type { Instant } from '../../common/units.js';
import { type RequestColumns, sliceColumns } from '../../load/request-columns.js';

export interface TimeSlices {
  readonly fromNs: number;
  readonly widthNs: number;
  /**
   * Successful requests of each slice. A completion is spread evenly over the time of its request, or over the length
   * of one slice before its receipt where that is shorter: requests that a server completes in batches would otherwise make
   * a count jump by a whole batch at each edge.
   */
  readonly completions: Float64Array;
  /** Successful requests received in each slice, whole. */
  readonly received: Float64Array;
  /** Their summed latency in nanoseconds. */
  readonly latencySumNs: Float64Array;
}

/** Cuts [from, to) into `count` slices; one pass over the rows that reach into it. */
export function sliceTime(columns: RequestColumns, from: Instant, to: Instant, count: number): TimeSlices {
  const widthNs = (to - from) / count;
  const completions = new Float64Array(count);
  const received = new Float64Array(count);
  const latencySumNs = new Float64Array(count);
  const rows = sliceColumns(columns, from);
  for (let row = 0; row < rows.length; row++) {
    if (rows.outcomes[row] !== outcomeCodes.ok) continue;
    const latency = rows.receivedNs[row]! - rows.intendedNs[row]!;
    const end = rows.receivedNs[row]! - from;
    const last = Math.floor(end / widthNs);
    if (last < count) {
      received[last]! += 1;
      latencySumNs[last]! += latency;
    }
    // At most one slice long, so it reaches into two.
    const spread = Math.min(latency, widthNs);
    const inLast = spread > 0 ? Math.min(1, (end - last * widthNs) / spread) : 1;
    if (last < count) completions[last]! += inLast;
    if (last > 0 && last <= count) completions[last - 1]! += 1 - inLast;
  }
  return { fromNs: from, widthNs, completions, received, latencySumNs };
}
