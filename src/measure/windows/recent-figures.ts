/** Figures of the last seconds of a running level, for the progress line: their cost does not grow with the level. */
import { outcomeCodes } from '../../client/outcome.js';
import { type Instant, instant } from '../../common/units.js';
import { type RequestColumns, sliceColumns } from '../../load/request-columns.js';
import { percentileOf, sortSamples } from '../statistics/percentile.js';

const RECENT_NS = 2e9;
/** Rows looked at for percentiles. */
const MAX_ROWS = 20_000;

export interface RecentFigures {
  /** Successful requests a second; undefined before the first. */
  readonly requestsPerSec: number | undefined;
  readonly latencyP50Ns: number | undefined;
  readonly latencyP99Ns: number | undefined;
  /** When the newest successful one was received; undefined before the first and after two seconds without one. */
  readonly lastSuccess: Instant | undefined;
}

/** Figures of the last two seconds before `now`, or since `begin` where that is later. */
export function recentFigures(columns: RequestColumns, begin: Instant, now: Instant): RecentFigures {
  const from = instant(Math.max(begin, now - RECENT_NS));
  const recent = sliceColumns(columns, from);
  const latencies = new Float64Array(Math.min(MAX_ROWS, recent.length));
  let count = 0;
  let sampled = 0;
  let lastSuccess: Instant | undefined;
  for (let row = recent.length - 1; row >= 0; row--) {
    if (recent.outcomes[row] !== outcomeCodes.ok) continue;
    count++;
    lastSuccess ??= instant(recent.receivedNs[row]!);
    if (sampled < latencies.length) latencies[sampled++] = recent.receivedNs[row]! - recent.intendedNs[row]!;
  }
  if (count === 0 || now <= from) {
    return { requestsPerSec: undefined, latencyP50Ns: undefined, latencyP99Ns: undefined, lastSuccess };
  }
  const ordered = sortSamples(latencies.subarray(0, sampled));
  return {
    requestsPerSec: (count * 1e9) / (now - from),
    latencyP50Ns: percentileOf(ordered, 50),
    latencyP99Ns: percentileOf(ordered, 99),
    lastSuccess,
  };
}
