/**
 * The measured window of a level that was visited several times. Its figures are of all visits together. How well they are known
 * within the run, and whether anything drifts, is told by how requests vary inside of each visit, as if all visits had had
 * the same mean; how the visits differ is for the interval of a repeat.
 */
import { outcomeCodes } from '../../client/outcome.js';
import type { Instant } from '../../common/units.js';
import type { RequestColumns } from '../../load/request-columns.js';
import { meanOf, type SortedSamples, sortSamples } from '../statistics/percentile.js';
import { sliceTime } from '../statistics/time-slices.js';
import { type MeasuredWindow, openWindow } from '../windows/measured-window.js';

/** Batches that a visit needs so that its own spread says something. */
const MIN_BATCHES = 3;

/** What one visit measured on its own. */
export interface VisitMeans {
  readonly requestsPerSec: number;
  readonly latencyMeanNs: number;
  readonly orderedLatenciesNs: SortedSamples;
}

export interface VisitedWindow extends MeasuredWindow {
  readonly visits: readonly VisitMeans[];
}

/** `columns` and `bounds` as splice.ts makes them. */
export function openVisitedWindow(
  columns: RequestColumns,
  bounds: readonly Instant[],
  together: number,
): VisitedWindow {
  const count = bounds.length - 1;
  const window = openWindow(columns, bounds[0]!, bounds[count]!, together, false, true);
  const perVisit = Math.max(1, Math.floor(window.batchCount / count));
  const visitOf = visitsOfRows(columns, bounds, window.latenciesNs.length);
  const visits: VisitMeans[] = [];
  const rates: Float64Array[] = [];
  for (let visit = 0; visit < count; visit++) {
    const slices = sliceTime(columns, bounds[visit]!, bounds[visit + 1]!, perVisit);
    const own = slices.completions.map((completed) => (completed * 1e9) / slices.widthNs);
    const latencies = window.latenciesNs.filter((_, row) => visitOf[row] === visit);
    rates.push(own);
    visits.push({
      requestsPerSec: meanOf(own),
      latencyMeanNs: latencies.length === 0 ? 0 : meanOf(latencies),
      orderedLatenciesNs: sortSamples(latencies),
    });
  }
  if (count < 2 || perVisit < MIN_BATCHES) return { ...window, visits };
  return { ...window, visits, centred: centre(window, visits, rates, visitOf) };
}

/** Of each successful request, in order of receipt. */
function visitsOfRows(columns: RequestColumns, bounds: readonly Instant[], count: number): Uint16Array {
  const visitOf = new Uint16Array(count);
  let at = 0;
  for (let row = 0; row < columns.length; row++) {
    const intended = columns.intendedNs[row]!;
    if (columns.outcomes[row] !== outcomeCodes.ok || intended >= bounds.at(-1)!) continue;
    visitOf[at++] = bounds.findLastIndex((bound) => bound <= intended);
  }
  return visitOf;
}

function centre(
  window: MeasuredWindow,
  visits: readonly VisitMeans[],
  rates: readonly Float64Array[],
  visitOf: Uint16Array,
): MeasuredWindow {
  const rate = meanOf(window.rates);
  const latency = meanOf(window.latenciesNs);
  const total = rates.reduce((sum, own) => sum + own.length, 0);
  // Taking a mean out of each visit takes a degree of freedom with it.
  const stretch = Math.sqrt((total - 1) / (total - rates.length));
  const centredRates = Float64Array.from(
    rates.flatMap((own, visit) => [...own].map((value) => rate + (value - visits[visit]!.requestsPerSec) * stretch)),
  );
  const factors = visits.map(({ latencyMeanNs }) => (latencyMeanNs > 0 ? latency / latencyMeanNs : 1));
  const latenciesNs = window.latenciesNs.map((value, row) => value * factors[visitOf[row]!]!);
  return {
    ...window,
    rates: centredRates,
    batchCount: total,
    latenciesNs,
    orderedLatenciesNs: sortSamples(latenciesNs),
  };
}
