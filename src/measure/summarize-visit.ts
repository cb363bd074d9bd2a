/** The record of a level: of one stretch of time, or of all its visits. */
import { outcomeCodes } from '../client/outcome.js';
import { after, type Instant, nanos } from '../common/units.js';
import type { LevelRun } from '../load/load-session.js';
import { mergeUsages } from '../load/merge-usages.js';
import type { RequestColumns } from '../load/request-columns.js';
import type { LoadLevel, StopRule } from '../plan/load-plan.js';
import type { EndReason, LevelRecord, Warning } from '../record/run-record.js';
import { type Disturbance, disturb, type LevelTimes, type Watched, withWatched } from './level-watch.js';
import type { ClientCeiling } from './limits/client-ceiling.js';
import { judgeOwnLimits } from './limits/own-limits.js';
import type { LongLevel } from './long/long-level.js';
import { judgeShares, summarizeShares, type WeighedModel } from './model-shares.js';
import { isDoubt } from './server/server-times.js';
import { assumedDrift, type HostDrift } from './statistics/repeat-interval.js';
import { detectWarmUp } from './statistics/warm-up.js';
import { type LevelSamples, summarizeLevel } from './summarize-level.js';
import { joinServerTimes, joinWatched } from './visits/join-watched.js';
import { repeatLatency, repeatRate, spreadOf } from './visits/repeat-estimates.js';
import { joinRows, spliceBounds, spliceVisits } from './visits/splice.js';
import type { Visit } from './visits/visit.js';
import { openVisitedWindow } from './visits/visited-window.js';
import { findLastAnswer } from './windows/last-answer.js';
import { requestsTogether } from './windows/requests-together.js';
import { summarizeWindows } from './windows/window-summary.js';

export interface SummaryOptions {
  readonly level: LoadLevel;
  readonly rule: StopRule;
  readonly models?: readonly WeighedModel[];
  readonly ceiling?: ClientCeiling | undefined;
  readonly maxErrorRatio?: number | undefined;
  /** A percentile that the record is to have beside the usual ones. */
  readonly percentile?: number | undefined;
  /** How this host's speed drifts; what hosts commonly do where it was not measured. */
  readonly drift?: HostDrift | undefined;
}

/** Of a level that was one stretch of time, whose intervals are those of that stretch. */
export async function summarizeVisit(options: SummaryOptions, visit: Visit): Promise<LevelRecord> {
  const { level, rule, models = [] } = options;
  const { begin, columns, long } = visit;
  const own = summarizeLevel(
    { ...samplesOf(options, [visit]), columns, long, begin, end: visit.end, endReason: endReasonOf(visit) },
    (from, to) => visit.serverBetween(from, to),
  );
  const summary =
    rule.windows === undefined
      ? own
      : summarizeWindows(own, { rule: rule.windows, columns, begin, end: endOf(own, begin) });
  const from = after(begin, nanos(summary.warmupNs));
  const to = endOf(summary, begin);
  const shares = summarizeShares(models, modelsOf([visit], visit.modelColumns), level.batchSize, from, to, (model) =>
    visit.longOf(model),
  );
  const warnings = [...summary.warnings, ...sampleNotes(long, columns), ...visit.warnings];
  const judged = judgeOwnLimits(judgeShares({ ...summary, models: shares, warnings }, options.maxErrorRatio));
  const inferenceCount = (judged.throughputPerSec.value * judged.durationNs) / 1e9;
  const watched = await visit.watch.watched(from, to, inferenceCount);
  return withWatched(judged, watched, { begin, windows: [{ from, to }] });
}

/** A visit with the part of it that counts. */
export interface SettledVisit {
  readonly visit: Visit;
  readonly from: Instant;
  readonly to: Instant;
  readonly isWarmUpOver: boolean;
  /** When the server stopped answering for good. */
  readonly lastAnswer: Instant | undefined;
  readonly watched: Watched;
}

/** Finds the part of a visit that counts, and ends what watched it. */
export async function settleVisit(level: LoadLevel, visit: Visit, isFirst: boolean): Promise<SettledVisit> {
  const { columns, begin } = visit;
  const end = after(begin, nanos(Math.max(1, visit.end - begin)));
  const together = requestsTogether(level, columns);
  const lastAnswer = findLastAnswer(columns, end, together);
  const to = lastAnswer ?? end;
  const warmUp = detectWarmUp(columns, begin, to, together);
  if (!isFirst && isUnanswered(columns)) {
    const watched = await visit.watch.watched(begin, end, 0);
    return { visit, from: begin, to: begin, isWarmUpOver: true, lastAnswer: begin, watched };
  }
  const okCount = spliceVisits([{ columns, from: warmUp.end, to }]).length;
  const watched = await visit.watch.watched(warmUp.end, to, okCount * level.batchSize);
  return { visit, from: warmUp.end, to, isWarmUpOver: warmUp.isOver, lastAnswer, watched };
}

/** Every request of the visit failed, though the level was answered before. */
const isUnanswered = ({ outcomes, length }: RequestColumns): boolean =>
  length > 0 && !outcomes.includes(outcomeCodes.ok);

/** A level whose first visit was still warming up is measured by the others, where there are any. */
export function countedVisits(visits: readonly SettledVisit[]): readonly SettledVisit[] {
  const [first, ...others] = visits.filter(({ from, to }, index) => index === 0 || to > from);
  return first!.isWarmUpOver || others.length === 0 ? [first!, ...others] : others;
}

/** Of a level of one visit or more; their intervals are for a repeat, and those within the run stand beside them. */
export function summarizeVisits(
  options: SummaryOptions,
  settled: readonly SettledVisit[],
  endReason: EndReason,
): LevelRecord {
  const { level, models = [], drift = assumedDrift } = options;
  const counted = countedVisits(settled);
  const visits = settled.map(({ visit }) => visit);
  const bounds = spliceBounds(counted);
  const columns = spliceVisits(counted.map(({ visit, from, to }) => ({ columns: visit.columns, from, to })));
  const [begin, end] = [bounds[0]!, bounds.at(-1)!];
  const all = joinRows(visits.map((visit) => visit.columns));
  const spentNs = visits.reduce((sum, visit) => sum + visit.end - visit.begin, 0);
  const warmupNs = spentNs - (end - begin);
  const silent = settled.findLast(({ lastAnswer }) => lastAnswer !== undefined);
  const summary = summarizeLevel(
    {
      ...samplesOf(options, visits),
      columns,
      begin,
      end,
      endReason,
      visits: {
        bounds,
        all,
        warmupNs: Math.max(0, warmupNs),
        warmupRequestCount: warmUpCount(settled, counted),
        silenceNs: silent && spentNs - (silent.visit.end - silent.to),
        isWarmUpOver: counted.every(({ isWarmUpOver }, index) => index > 0 || isWarmUpOver),
      },
    },
    () => {
      const parts = counted.map(({ visit, from, to }) => visit.serverBetween(from, to));
      // A server that cannot be believed in one visit is not believed in the others.
      return counted.some(({ visit }) => visit.warnings.some(isDoubt)) ? undefined : joinServerTimes(parts);
    },
  );
  const spliced = models.map((_, index) =>
    spliceVisits(
      counted.map(({ visit, from, to }) => ({ columns: visit.modelColumns[index] ?? visit.columns, from, to })),
    ),
  );
  const shares = summarizeShares(models, modelsOf(visits, spliced), level.batchSize, begin, end);
  const warnings = [...summary.warnings, ...firstOfEach(visits.flatMap((visit) => visit.warnings))];
  const judged = judgeOwnLimits(judgeShares({ ...summary, models: shares, warnings }, options.maxErrorRatio));
  const first = visits[0]!.begin;
  const times: LevelTimes = { begin: first, windows: counted };
  const visited = {
    window: openVisitedWindow(columns, bounds, requestsTogether(level, columns)),
    atNs: counted.map(({ from, to }) => (from + to) / 2),
    drift,
    isOpen: level.kind === 'open',
  };
  // What came from outside is a reason for visits that differ, and goes before them.
  const differing = disturb(judged, disagreement(visited, options.rule.targetHalfWidth, level.batchSize));
  const watched = withWatched(differing, joinWatched(settled.map((one) => one.watched)), times);
  const withinRun = { throughputPerSec: watched.throughputPerSec, latencyIntervalNs: watched.latencyIntervalNs };
  return {
    ...watched,
    clockBeginNs: first,
    throughputPerSec: repeatRate(visited, withinRun.throughputPerSec),
    latencyIntervalNs: repeatLatency(visited, watched.latencyNs, withinRun.latencyIntervalNs),
    repeat: {
      visits: counted.map(({ visit, from, to }, index) => ({
        startNs: from - first,
        durationNs: to - from,
        warmupNs: from - visit.begin,
        requestCount: visited.window.visits[index]!.orderedLatenciesNs.length,
        throughputPerSec: visited.window.visits[index]!.requestsPerSec * level.batchSize,
        latencyMeanNs: Math.round(visited.window.visits[index]!.latencyMeanNs) || null,
      })),
      withinRun,
      drift: { ratio: drift.ratio, correlationNs: drift.correlationNs, isMeasured: drift.isMeasured },
    },
  };
}

/** Visits that differ by more than this many times the target, as a standard deviation, are not of one level. */
const MAX_SPREAD = 1.5;
const LEAST_MAX_SPREAD = 0.15;

function disagreement(
  visited: Parameters<typeof spreadOf>[0],
  target: number,
  batchSize: number,
): Disturbance | undefined {
  // Latencies of an open loop vary more than rates.
  const limit = Math.max(LEAST_MAX_SPREAD, MAX_SPREAD * target) * (visited.isOpen ? 2 : 1);
  if (!(spreadOf(visited) > limit)) return undefined;
  const { visits } = visited.window;
  const values = visits.map(({ requestsPerSec, latencyMeanNs }) =>
    visited.isOpen ? latencyMeanNs / 1e6 : requestsPerSec * batchSize,
  );
  const digits = (value: number): string => String(Number(value.toPrecision(3)));
  const range = `${digits(Math.min(...values))} to ${digits(Math.max(...values))}`;
  return {
    isTooMuch: true,
    warning: {
      code: 'VISITS_DIFFER',
      message: `${visits.length} visits to the level found ${visited.isOpen ? `a mean latency of ${range} ms` : `${range} inferences/s`}: the host or the server changes from one moment to the next; look for other load and throttling.`,
    },
  };
}

function samplesOf(
  { level, rule, ceiling, maxErrorRatio, percentile }: SummaryOptions,
  visits: readonly Visit[],
): Omit<LevelSamples, 'columns' | 'begin' | 'end' | 'endReason'> {
  const answers = visits.flatMap((visit) => (visit.answers === undefined ? [] : [visit.answers]));
  return {
    level,
    rule,
    errors: sumOfCounts(visits.map(({ errors }) => errors)),
    ...mergeUsages(
      visits.map((visit) => ({
        usage: visit.usage,
        elapsedNs: visit.end - visit.begin,
        responseCount: visit.columns.length,
      })),
    ),
    droppedCount: visits.reduce((sum, { droppedCount }) => sum + droppedCount, 0),
    unfinishedCount: visits.reduce((sum, { unfinishedCount }) => sum + unfinishedCount, 0),
    ceiling,
    maxErrorRatio,
    percentile,
    answers:
      answers.length === 0
        ? undefined
        : {
            checkedCount: answers.reduce((sum, { checkedCount }) => sum + checkedCount, 0),
            mismatchCount: answers.reduce((sum, { mismatchCount }) => sum + mismatchCount, 0),
            first: answers.find(({ first }) => first !== undefined)?.first,
          },
  };
}

const modelsOf = (
  visits: readonly Visit[],
  columns: readonly RequestColumns[],
): Pick<LevelRun, 'columns' | 'errors'> => ({
  columns: (index = 0) => columns[index]!,
  errors: (index = 0) => sumOfCounts(visits.map(({ modelErrors }) => modelErrors[index] ?? {})),
});

function sumOfCounts(parts: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const total: Record<string, number> = {};
  for (const part of parts) for (const [name, count] of Object.entries(part)) total[name] = (total[name] ?? 0) + count;
  return total;
}

/** Successful requests that were cut: before a visit's window, or all of a visit that does not count. */
function warmUpCount(settled: readonly SettledVisit[], counted: readonly SettledVisit[]): number {
  let count = 0;
  for (const one of settled) {
    const cutTo = counted.includes(one) ? one.from : one.to;
    const { intendedNs, outcomes, length } = one.visit.columns;
    for (let row = 0; row < length; row++) if (outcomes[row] === outcomeCodes.ok && intendedNs[row]! < cutTo) count++;
  }
  return count;
}

const firstOfEach = (warnings: readonly Warning[]): Warning[] => [
  ...new Map(warnings.map((warning) => [warning.code, warning])).values(),
];

/** A single stretch has no visits to come. */
const endReasonOf = ({ endReason }: Visit): EndReason => (endReason === 'visit-over' ? 'time-over' : endReason);

/** Where the measured window ends, which is before the level's end where the server stopped answering. */
const endOf = ({ warmupNs, durationNs }: LevelRecord, begin: Instant): Instant =>
  after(begin, nanos(warmupNs + durationNs));

/** What stands in the samples of a long level. */
function sampleNotes(long: LongLevel | undefined, { length }: RequestColumns): Warning[] {
  if (long === undefined) return [];
  return [
    {
      code: 'SAMPLED',
      message: `The level was long: figures are of all ${long.requestCount} requests, counted as they came, and the saved samples are ${length} of them at random.`,
    },
  ];
}
