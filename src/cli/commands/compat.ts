/** What `--compat perf_analyzer` takes back: its steps, its protocol, its three windows, its text. */
import type { OptionValues } from '../../common/option-row.js';
import { millis, type Nanos, nanos, seconds } from '../../common/units.js';
import type { Protocol } from '../../kserve/protocol.js';
import type { LevelSequence, LoadPlan, StopRule, WindowRule } from '../../plan/load-plan.js';
import type { PlanOptions } from '../../plan/plan.js';
import type { PerfAnalyzerSettings } from '../../report/perf-analyzer/console-header.js';
import type { measureRows } from './measure-options.js';

type MeasureValues = OptionValues<typeof measureRows>;
type LoadOptions = Omit<PlanOptions, 'protocol' | 'endpoint'>;

const DEFAULT_INTERVAL_MS = 5000;
const DEFAULT_STABILITY_RATIO = 0.1;
const DEFAULT_MAX_TRIALS = 10;
/** Windows of requests have no length of their own; a server that never fills one must not hold the run for ever. */
const LONGEST_COUNTED_LEVEL = seconds(600);
/** Windows last 1.2 times the interval; the rest is for the last one to be looked at. */
const STRETCHED = 1.3;
const SLACK = seconds(5);

/** `options` as perf_analyzer would mean them. */
export const compatibleLoad = (options: LoadOptions, values: MeasureValues): LoadOptions => ({
  ...options,
  sequence: steppedByOne(options.sequence),
  stopRule: windowedRule(options.stopRule, values),
});

/** Its own default is HTTP, whatever the port says. */
export const compatibleProtocol = (protocol: Protocol | undefined): Protocol => protocol ?? 'http';

function steppedByOne(sequence: LevelSequence): LevelSequence {
  if (sequence.kind === 'open-ended') return { step: 1, ...sequence };
  if (sequence.kind !== 'adaptive') return sequence;
  const { start, end } = sequence;
  const count = Math.floor(end - start) + 1;
  return { kind: 'stepped', values: Array.from({ length: Math.max(1, count) }, (_, index) => start + index) };
}

function windowedRule(rule: StopRule, values: MeasureValues): StopRule {
  const interval = millis(values.measurementInterval ?? DEFAULT_INTERVAL_MS);
  const maxWindows = values.maxTrials ?? DEFAULT_MAX_TRIALS;
  const isTimed = values.measurementMode === 'time_windows';
  const windows: WindowRule = {
    kind: isTimed ? 'time' : 'count',
    interval,
    requestCount: values.measurementRequestCount,
    stabilityRatio:
      values.stabilityPercentage === undefined ? DEFAULT_STABILITY_RATIO : values.stabilityPercentage / 100,
    maxWindows,
    ...(values.percentile !== undefined && { percentile: values.percentile }),
    ...(values.latencyThreshold !== undefined && { latencyLimit: values.latencyThreshold }),
    acceptsThroughputAlone: values.async,
  };
  const timed: Nanos = nanos(interval * maxWindows * STRETCHED + SLACK);
  const maxDuration = isTimed ? timed : nanos(Math.max(timed, LONGEST_COUNTED_LEVEL));
  return { minDuration: interval, maxDuration, targetHalfWidth: rule.targetHalfWidth, windows };
}

/** What its text says of the run before the levels. */
export function describeSettings(values: MeasureValues, plan: LoadPlan): PerfAnalyzerSettings {
  const isOpen = plan.load.kind === 'open';
  const isOfIntervals = plan.load.kind === 'open' && plan.load.arrival.kind === 'intervals';
  return {
    protocol: plan.protocol,
    batchSize: plan.batchSizes[0] ?? 1,
    warmupRequestCount: plan.warmupRequestCount,
    requestCount: plan.requestCount,
    measurementMode: values.measurementMode,
    measurementIntervalMs: values.measurementInterval ?? DEFAULT_INTERVAL_MS,
    measurementRequestCount: values.measurementRequestCount,
    percentile: values.percentile,
    latencyLimitMs: values.latencyThreshold === undefined ? 0 : Math.floor(values.latencyThreshold / 1e6),
    rangeEnd: rangeEnd(plan.sequence),
    loadKind: isOfIntervals ? 'intervals' : isOpen ? 'request-rate' : 'concurrency',
    distribution: values.requestDistribution,
    isBinarySearch: values.binarySearch,
    isAsync: values.async,
    isVerbose: values.verbose,
    collectsMetrics: collectsMetrics(values),
  };
}

/** Undefined for a single level. */
function rangeEnd(sequence: LevelSequence): number | undefined {
  // perf_analyzer prints an open end as the 0 that it was given as.
  if (sequence.kind === 'open-ended') return 0;
  if (sequence.kind !== 'stepped') return sequence.end;
  return sequence.values.length > 1 ? sequence.values.at(-1) : undefined;
}

/** Whether the server's metrics endpoint was asked for. */
export const collectsMetrics = (values: object): boolean =>
  (values as { readonly collectMetrics?: boolean }).collectMetrics === true;
