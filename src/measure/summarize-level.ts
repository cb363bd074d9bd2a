/** Turns a level's raw columns into its record: pure, so a record can be made again from saved samples. */
import { outcomeCodes } from '../client/outcome.js';
import { type Instant, instant } from '../common/units.js';
import type { MismatchCounts } from '../load/load-session.js';
import type { RequestColumns } from '../load/request-columns.js';
import type { GeneratorUsage } from '../load/worker-gauge.js';
import type { LoadLevel, StopRule } from '../plan/load-plan.js';
import type { EndReason, LatencySummary, LevelRecord, RecordedLoad, ServerTimes } from '../record/run-record.js';
import type { ClientCeiling } from './limits/client-ceiling.js';
import type { LongLevel } from './long/long-level.js';
import { longInFlight, longTimeline, longWindow, summarizeHistogram } from './long/long-summary.js';
import { accountForLatency } from './server/latency-parts.js';
import { meanOf, percentileOf, type SortedSamples, sortSamples } from './statistics/percentile.js';
import { sliceTime } from './statistics/time-slices.js';
import { judgeLevel } from './verdict.js';
import { openVisitedWindow } from './visits/visited-window.js';
import { inFlightTime } from './windows/in-flight-time.js';
import { estimateRate, latencyIntervals, percentileInterval } from './windows/intervals.js';
import { findLastAnswer } from './windows/last-answer.js';
import { type MeasuredWindow, openWindow } from './windows/measured-window.js';
import { isKeptWhole, isVaried, requestsTogether } from './windows/requests-together.js';

const TIMELINE_SLICES = 60;
/** Sent later than this after its intended start, a request counts as delayed. */
const DELAYED_NS = 1e6;
/** Requests that a slice of the time plot needs on average. */
const REQUESTS_PER_SLICE = 10;

export interface LevelSamples {
  readonly level: LoadLevel;
  readonly rule: StopRule;
  readonly columns: RequestColumns;
  /** The counts of a long level, of which `columns` are a random sample. */
  readonly long?: LongLevel | undefined;
  readonly begin: Instant;
  /** When sending ended. */
  readonly end: Instant;
  readonly endReason: EndReason;
  readonly errors: Readonly<Record<string, number>>;
  readonly maxBusyRatio: number;
  readonly cpuNs: number;
  readonly generator?: GeneratorUsage | undefined;
  readonly receiveMeanNs?: number | undefined;
  readonly handOverMeanNs?: number | undefined;
  /** Share of requests that may fail; `DEFAULT_MAX_ERROR_RATIO` by default. */
  readonly maxErrorRatio?: number | undefined;
  /** What the run's latency limit speaks of; the record has it where it is not among the usual percentiles. */
  readonly percentile?: number | undefined;
  /** Answers held against what the input data expects, where it expects any. */
  readonly answers?: MismatchCounts | undefined;
  /** Of an open loop; none by default. */
  readonly droppedCount?: number;
  /** Requests without a response that the end of the level gave up on; none by default. */
  readonly unfinishedCount?: number;
  /** What the generator can do on this host, where it was calibrated. */
  readonly ceiling?: ClientCeiling | undefined;
  /** Set where the level was visited several times, or may have been: `columns` are then those of splice.ts, from `begin` on. */
  readonly visits?: VisitedSamples;
}

export interface VisitedSamples {
  /** Where each visit begins in the spliced time, and where the last ends. */
  readonly bounds: readonly Instant[];
  /** Every row of the visits, warm-up included. */
  readonly all: RequestColumns;
  /** Cut from the visits' begins. */
  readonly warmupNs: number;
  readonly warmupRequestCount: number;
  /** When the server stopped answering, in time spent at the level. */
  readonly silenceNs: number | undefined;
  readonly isWarmUpOver: boolean;
}

/** The record, and the window it speaks of. `server` of the record is filled by `serverBetween` for that window. */
export function summarizeLevel(
  samples: LevelSamples,
  serverBetween: (from: Instant, to: Instant) => ServerTimes | undefined,
): LevelRecord {
  const { level, columns, rule, endReason, errors, droppedCount = 0, unfinishedCount = 0 } = samples;
  const end = instant(Math.max(samples.end, samples.begin + 1));
  const together = requestsTogether(level, columns);
  const { long, visits } = samples;
  const every = visits?.all ?? columns;
  // The time after it would be measured as service, and the warm-up sought in it.
  const lastAnswer = long === undefined && visits === undefined ? findLastAnswer(columns, end, together) : undefined;
  const to = lastAnswer ?? end;
  const window: MeasuredWindow =
    visits !== undefined
      ? { ...openVisitedWindow(columns, visits.bounds, together), isWarmUpOver: visits.isWarmUpOver }
      : long === undefined
        ? openWindow(columns, samples.begin, to, together, isVaried(level), isKeptWhole(level))
        : longWindow(long, openWindow(columns, long.from, to, together, true), to, isVaried(level));
  const successCount = long?.successCount ?? countOf(every.outcomes, (outcome) => outcome === outcomeCodes.ok);
  const totalCount = long?.requestCount ?? every.length;
  const errorCount = Object.values(errors).reduce((sum, count) => sum + count, 0);
  const visitCount = visits === undefined ? 1 : visits.bounds.length - 1;
  const inFlight =
    long === undefined ? { ...inFlightTime(columns, window.from, window.to), visitCount } : longInFlight(long, to);
  const silenceNs = lastAnswer === undefined ? visits?.silenceNs : lastAnswer - samples.begin;
  const maxBusyRatio = samples.generator?.busyRatio ?? samples.maxBusyRatio;
  const verdict = judgeLevel({
    level,
    window,
    rule,
    endReason,
    successCount,
    errorCount,
    droppedCount,
    unfinishedCount,
    inFlight,
    maxBusyRatio,
    busySliceRatio: samples.generator?.busySliceRatio,
    offeredCount: inFlight.dueCount + droppedCount,
    ceiling: samples.ceiling,
    maxErrorRatio: samples.maxErrorRatio,
    answers: samples.answers,
    ...(silenceNs !== undefined && { silence: { sinceNs: silenceNs, cause: mostFrequent(errors) } }),
  });
  const latencyNs = long === undefined ? summarizeLatency(window.orderedLatenciesNs) : summarizeHistogram(long.latency);
  const sendLagMeanNs = long === undefined ? meanOf(window.sendLagsNs) : long.sendLag.mean;
  const account = accountForLatency(
    serverBetween(window.from, window.to) ?? null,
    latencyNs && {
      totalNs: latencyNs.mean,
      sendNs: Math.max(0, sendLagMeanNs) + (samples.handOverMeanNs ?? 0),
      receiveNs: samples.receiveMeanNs ?? null,
    },
  );
  const requestsPerSec = estimateRate(window, 1);
  return {
    load: recordLoad(level),
    ...verdict,
    warnings: [...verdict.warnings, ...account.warnings],
    endReason,
    throughputPerSec: estimateRate(window, level.batchSize),
    requestsPerSec: requestsPerSec.value,
    latencyNs,
    latencyIntervalNs: latencyIntervals(window),
    ...otherPercentile(samples.percentile, window, long),
    serviceNs: long === undefined ? summarizeLatency(sortSamples(window.servicesNs)) : summarizeHistogram(long.service),
    sendLagNs: lagOf(
      long === undefined ? summarizeLatency(sortSamples(window.sendLagsNs)) : summarizeHistogram(long.sendLag),
    ),
    requestCount: long?.latency.total ?? window.latenciesNs.length,
    errorCount,
    errors: { ...errors },
    durationNs: window.to - window.from,
    clockBeginNs: samples.begin,
    warmupNs: visits?.warmupNs ?? window.from - samples.begin,
    warmupRequestCount: visits?.warmupRequestCount ?? window.warmupRequestCount,
    clientCpuNsPerRequest: totalCount === 0 ? null : Math.round(samples.cpuNs / totalCount),
    droppedCount,
    delayedCount:
      long?.delayedCount ?? countOf(every.sentNs, (sentNs, row) => sentNs - every.intendedNs[row]! > DELAYED_NS),
    ...(unfinishedCount > 0 && { unfinishedCount }),
    mismatchCount: samples.answers?.mismatchCount ?? null,
    server: account.server,
    latencyParts: account.latencyParts,
    generator: null,
    monitors: null,
    models: [],
    timeline:
      long === undefined ? drawTimeline(columns, window, level.batchSize) : longTimeline(long, to, level.batchSize),
  };
}

const mostFrequent = (errors: Readonly<Record<string, number>>): string | undefined =>
  Object.entries(errors).sort(([, a], [, b]) => b - a)[0]?.[0];

function countOf(values: Float64Array | Uint8Array, isCounted: (value: number, row: number) => boolean): number {
  let count = 0;
  for (let row = 0; row < values.length; row++) if (isCounted(values[row]!, row)) count++;
  return count;
}

function recordLoad(level: LoadLevel): RecordedLoad {
  const { batchSize, shapes } = level;
  const common = { batchSize, ...(shapes !== undefined && { shapes }) };
  if (level.kind === 'closed') return { kind: 'closed', concurrency: level.concurrency, ...common };
  return { kind: 'open', requestRatePerSec: level.requestRatePerSec, arrival: level.arrival.kind, ...common };
}

/** Null for no samples. */
export function summarizeLatency(samples: SortedSamples): LatencySummary | null {
  if (samples.length === 0) return null;
  const at = (percentile: number): number => Math.max(0, percentileOf(samples, percentile));
  return {
    mean: Math.max(0, Math.round(meanOf(samples))),
    p50: at(50),
    p90: at(90),
    p95: at(95),
    p99: at(99),
    p99_9: at(99.9),
    max: at(100),
  };
}

function lagOf(summary: LatencySummary | null): LevelRecord['sendLagNs'] {
  return summary && { p50: summary.p50, p99: summary.p99, max: summary.max };
}

/** Percentiles that every record has. */
const usualPercentiles: readonly number[] = [50, 90, 95, 99, 99.9];

function otherPercentile(
  percentile: number | undefined,
  window: MeasuredWindow,
  long: LongLevel | undefined,
): Pick<LevelRecord, 'otherPercentile'> {
  if (percentile === undefined || usualPercentiles.includes(percentile) || window.latenciesNs.length === 0) return {};
  const latencyNs = long?.latency.percentile(percentile) ?? percentileOf(window.orderedLatenciesNs, percentile);
  const intervalNs = percentileInterval(window, percentile);
  return { otherPercentile: { percentile, latencyNs: Math.max(0, latencyNs), intervalNs } };
}

/** Slices of the window for the time plot; `startNs` counts from the window's start. */
function drawTimeline(columns: RequestColumns, window: MeasuredWindow, batchSize: number): LevelRecord['timeline'] {
  const wanted = Math.floor(window.latenciesNs.length / REQUESTS_PER_SLICE);
  const count = Math.min(TIMELINE_SLICES, Math.max(1, wanted));
  const slices = sliceTime(columns, window.from, window.to, count);
  return Array.from(slices.completions, (completed, slice) => {
    const received = slices.received[slice]!;
    return {
      startNs: Math.round(slice * slices.widthNs),
      throughputPerSec: (completed * batchSize * 1e9) / slices.widthNs,
      latencyMeanNs: received === 0 ? null : Math.round(slices.latencySumNs[slice]! / received),
    };
  });
}
