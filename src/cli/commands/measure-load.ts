/** What the load options of the command line mean together: a load, a sequence of levels, and when a level ends. */
import { readFile } from 'node:fs/promises';
import { messageOf, PerfTsError, type Problem } from '../../common/errors.js';
import type { OptionValues } from '../../common/option-row.js';
import { millis, type Nanos, nanos, seconds } from '../../common/units.js';
import { ownRate } from '../../plan/arrival-rate.js';
import type { Arrival, LevelSequence, LoadKind, StopRule } from '../../plan/load-plan.js';
import { combineShapes } from '../../plan/parse-load-options.js';
import { parseIntervals } from '../../plan/parse-profile.js';
import type { PlanOptions } from '../../plan/plan.js';
import type { measureRows } from './measure-options.js';
import { readRequestOptions } from './measure-requests.js';

type MeasureValues = OptionValues<typeof measureRows>;

/** Far more than a served rate keeps in flight; beyond it a backlog only fills memory. */
const DEFAULT_MAX_IN_FLIGHT = 16_384;
/** As long as perf_analyzer's window, unless the level may not last that long. */
const DEFAULT_MIN_TIME = seconds(5);
/** A level's least time is spent in so many visits, with the other levels between them. */
const VISITS = 4;
const LONG_LEVEL = seconds(60);
const DEFAULT_PEAK_PERCENTILE = 99;

/** Throws PerfTsError BAD_OPTION or BAD_FILE with every problem that the options have with one another. */
export async function readLoadOptions(values: MeasureValues): Promise<Omit<PlanOptions, 'protocol' | 'endpoint'>> {
  const problems: Problem[] = [];
  const load = await readLoad(values);
  const requests = await readRequestOptions(values);
  const sequence = readSequence(values, load, problems);
  const stopRule = readStopRule(values, problems);
  if (values.models.length > 1 && values.modelVersion !== '') {
    problems.push({ where: '-x', what: 'names the version of one model, and there are several', hint: 'leave it out' });
  }
  if (problems.length > 0) throw new PerfTsError('BAD_OPTION', problems);
  return {
    load,
    sequence,
    stopRule,
    client: values.client,
    batchSizes: values.batchSizes,
    shapeVariants: combineShapes(values.shapes),
    ...requests,
    requestCount: values.requestCount,
    warmupRequestCount: values.warmupRequestCount,
    latencyLimit: values.latencyThreshold,
    latencyPercentile: values.percentile ?? (values.peak ? DEFAULT_PEAK_PERCENTILE : undefined),
    maxErrorRatio: values.maxErrorRate,
    requestTimeout: values.requestTimeout,
    workerCount: values.workers,
    seed: values.seed,
  };
}

async function readLoad(values: MeasureValues): Promise<LoadKind> {
  const arrival = await readArrival(values);
  const isOpen = values.requestRateRange !== undefined || values.peak || arrival.kind === 'intervals';
  if (!isOpen && arrival.kind !== 'profile') return { kind: 'closed' };
  // perf_analyzer's threads each wait for their request, unless it sends asynchronously.
  const threads = values.async ? undefined : values.maxThreads;
  if (values.maxInFlight === undefined && threads !== undefined) {
    return { kind: 'open', arrival, maxInFlight: threads, waitsWhenFull: true };
  }
  return { kind: 'open', arrival, maxInFlight: values.maxInFlight ?? DEFAULT_MAX_IN_FLIGHT };
}

async function readArrival(values: MeasureValues): Promise<Arrival> {
  const isPoisson = values.requestDistribution === 'poisson';
  if (values.profile !== undefined) return { kind: 'profile', segments: values.profile, isPoisson };
  if (values.requestIntervals === undefined) return { kind: values.requestDistribution };
  const file = values.requestIntervals;
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new PerfTsError('BAD_FILE', { where: `--request-intervals ${file}`, what: messageOf(cause) }, cause);
  });
  return { kind: 'intervals', intervalsNs: parseIntervals(text, file) };
}

function readSequence(values: MeasureValues, load: LoadKind, problems: Problem[]): LevelSequence {
  const given = load.kind === 'closed' ? values.concurrencyRange : values.requestRateRange;
  const own = load.kind === 'open' ? ownRate(load.arrival) : undefined;
  if (own !== undefined) return { kind: 'stepped', values: [own] };
  if (values.peak) return peakSequence(given);
  const sequence = given ?? { kind: 'stepped', values: [1] };
  if (sequence.kind === 'open-ended' && values.latencyThreshold === undefined) {
    const where = load.kind === 'closed' ? '--concurrency-range' : '--request-rate-range';
    const hint = 'add --latency-threshold MS, or give the range an end';
    problems.push({ where, what: 'an open end (0) goes on until a latency is exceeded, and none is given', hint });
  }
  if (!values.binarySearch) return sequence;
  const where = '--binary-search';
  if (values.latencyThreshold === undefined) {
    problems.push({ where, what: 'needs a latency to hold', hint: 'add --latency-threshold MS' });
  }
  if (sequence.kind === 'adaptive') return { kind: 'binary-search', start: sequence.start, end: sequence.end, step: 1 };
  const [start = 1, second] = sequence.kind === 'stepped' ? sequence.values : [];
  if (sequence.kind !== 'stepped' || second === undefined) {
    problems.push({ where, what: 'needs a range with an end', hint: 'give START:END:STEP' });
    return sequence;
  }
  return { kind: 'binary-search', start, end: sequence.values.at(-1)!, step: second - start };
}

/** A range beside --peak says where to begin and where to end. */
function peakSequence(range: LevelSequence | undefined): LevelSequence {
  if (range === undefined || range.kind === 'peak') return { kind: 'peak' };
  if (range.kind === 'open-ended') return { kind: 'peak', start: range.start };
  if (range.kind !== 'stepped') return { kind: 'peak', start: range.start, end: range.end };
  const [start = 1, ...more] = range.values;
  return { kind: 'peak', start, ...(more.length > 0 && { end: more.at(-1)! }) };
}

function readStopRule(values: MeasureValues, problems: Problem[]): StopRule {
  const { duration, confidenceTarget, stabilityPercentage } = values;
  const targetHalfWidth = stabilityPercentage === undefined ? confidenceTarget : stabilityPercentage / 100;
  const isCounting = values.measurementMode === 'count_windows';
  const counted = isCounting ? { minRequestCount: values.measurementRequestCount } : {};
  if (duration !== undefined) return { minDuration: duration, maxDuration: duration, targetHalfWidth };
  const maxDuration = maxTimeOf(values);
  const minDuration = minTimeOf(values, maxDuration, problems);
  // What lasts so long shows how the host drifts by itself.
  const visitCount = minDuration < LONG_LEVEL && values.profileExportFile === undefined ? VISITS : 1;
  return { minDuration, maxDuration, targetHalfWidth, visitCount, ...counted };
}

function maxTimeOf({ maxTime, maxTrials, measurementInterval }: MeasureValues): Nanos {
  const interval = measurementInterval === undefined ? DEFAULT_MIN_TIME : millis(measurementInterval);
  if (maxTrials !== undefined) return nanos(interval * maxTrials);
  return measurementInterval === undefined ? maxTime : nanos(Math.max(maxTime, interval));
}

function minTimeOf({ minTime, measurementInterval }: MeasureValues, maxDuration: Nanos, problems: Problem[]): Nanos {
  const wanted = measurementInterval === undefined ? minTime : millis(measurementInterval);
  if (wanted === undefined) return maxDuration < DEFAULT_MIN_TIME ? maxDuration : DEFAULT_MIN_TIME;
  if (wanted > maxDuration) {
    problems.push({ where: '--min-time', what: 'is longer than --max-time', hint: 'raise --max-time too' });
  }
  return wanted;
}
