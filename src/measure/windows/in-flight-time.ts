/**
 * Requests in flight over time, from the instants of each: their mean for Little's law, and their growth, which tells an
 * open loop that asks for more than the server gives.
 */
import { outcomeCodes } from '../../client/outcome.js';
import type { Instant } from '../../common/units.js';
import { type RequestColumns, sliceColumns } from '../../load/request-columns.js';
import { findTrend } from '../statistics/trend.js';

const SLICES = 20;
/** Growth that matters, as a share of the requests that were due in the same time. */
const MIN_GROWTH_SHARE = 0.01;
/** Probability of chance below which growth is believed. */
const MAX_PROBABILITY = 0.01;
/** A mean of so few requests says nothing. */
const MIN_REQUESTS = 100;
const MAX_DEVIATION = 0.05;

export interface InFlightTime {
  /** Mean number in flight, from intended start to end, in each of equal slices. */
  readonly means: Float64Array;
  /** Requests whose intended start lies in the window, and their mean time in flight. */
  readonly dueCount: number;
  readonly meanLatencyNs: number;
  /** Visits that the window is made of, whose seams are edges too; 1 when left out. */
  readonly visitCount?: number;
}

/** Of all requests that were sent, failed ones too; one pass over what reaches into [from, to). */
export function inFlightTime(
  columns: RequestColumns,
  from: Instant,
  to: Instant,
  slices: number = SLICES,
): InFlightTime {
  const widthNs = (to - from) / slices;
  const edges = new Float64Array(slices + 1);
  const means = new Float64Array(slices);
  let dueCount = 0;
  let latencyNs = 0;
  const rows = sliceColumns(columns, from);
  for (let row = 0; row < rows.length; row++) {
    if (rows.outcomes[row] === outcomeCodes.dropped) continue;
    const intended = rows.intendedNs[row]! - from;
    const received = rows.receivedNs[row]! - from;
    if (intended >= to - from) continue;
    if (intended >= 0) {
      dueCount++;
      latencyNs += received - intended;
    }
    addInterval(means, edges, Math.max(0, intended) / widthNs, Math.min(slices, received / widthNs));
  }
  // `edges` is the change in how many span a whole slice.
  let spanning = 0;
  for (let slice = 0; slice < slices; slice++) {
    spanning += edges[slice]!;
    means[slice]! += spanning;
  }
  return { means, dueCount, meanLatencyNs: dueCount === 0 ? 0 : latencyNs / dueCount };
}

/** Adds [begin, end), in slices, as partial slices at both ends and a count of whole ones between. */
function addInterval(partial: Float64Array, wholeEdges: Float64Array, begin: number, end: number): void {
  const first = Math.floor(begin);
  const last = Math.min(partial.length - 1, Math.floor(end));
  if (first >= partial.length) return;
  if (first === last) {
    partial[first]! += end - begin;
    return;
  }
  partial[first]! += first + 1 - begin;
  partial[last]! += end - last;
  wholeEdges[first + 1]! += 1;
  wholeEdges[last]! -= 1;
}

/**
 * How many more were in flight at the end of the window than at its begin, along a trend that is not chance, as a share of
 * the requests due in it: what the server falls behind by. Undefined where the backlog does not grow.
 */
export function backlogGrowth(time: InFlightTime): number | undefined {
  const trend = findTrend(time.means);
  if (trend.probability > MAX_PROBABILITY || trend.change <= 0) return undefined;
  const share = trend.change / Math.max(1, time.dueCount);
  return share >= MIN_GROWTH_SHARE ? share : undefined;
}

/**
 * Little's law: what is in flight on average is the rate of arrival times the time that each takes. `expected` is what the load
 * should keep in flight by it. Returns the relative deviation where it is more than 5 % and more than requests across the
 * edges of the window and of its visits explain; undefined where the law holds or there is too little to tell.
 */
export function littleDeviation(time: InFlightTime, expected: number, windowNs: number): number | undefined {
  if (time.dueCount < MIN_REQUESTS || expected <= 0) return undefined;
  const mean = time.means.reduce((sum, value) => sum + value, 0) / time.means.length;
  const deviation = mean / expected - 1;
  const edges = ((1 + (time.visitCount ?? 1)) * time.meanLatencyNs) / windowNs;
  return Math.abs(deviation) > Math.max(MAX_DEVIATION, edges) ? deviation : undefined;
}
