/**
 * Measures one level: starts its load, looks at it a few times a second until the stop rule ends it, drains, and sums
 * up. Knows nothing of other levels, nor of how requests are sent.
 */
import { outcomeCodes } from '../client/outcome.js';
import type { ServerAdmin } from '../client/server-admin.js';
import type { Clock } from '../common/clock.js';
import { after, elapsed, type Instant, instant, millis, type Nanos, nanos } from '../common/units.js';
import type { LevelRun, LoadWorkerPool } from '../load/load-session.js';
import type { RequestColumns } from '../load/request-columns.js';
import type { LoadLevel, StopRule } from '../plan/load-plan.js';
import type { EndReason, LevelRecord } from '../record/run-record.js';
import { type HostReaders, watchLimits } from './level-watch.js';
import type { ClientCeiling } from './limits/client-ceiling.js';
import type { LevelMonitor, LevelProgress, MeasureListener } from './measurement.js';
import type { WeighedModel } from './model-shares.js';
import { endOfRows, ownDuration, ownEndReason, sendWarmUp } from './own-end.js';
import { possibleCount } from './server/possible-count.js';
import { StatisticsLog } from './server/statistics-log.js';
import type { HostDrift } from './statistics/repeat-interval.js';
import { decideStop, nextLookInstant } from './stop-rule.js';
import { summarizeVisit } from './summarize-visit.js';
import type { Visit, VisitPart } from './visits/visit.js';
import { LevelRows } from './windows/level-rows.js';
import { recentFigures } from './windows/recent-figures.js';

export interface MeasureLevelOptions extends HostReaders {
  readonly pool: LoadWorkerPool;
  readonly admin: ServerAdmin;
  readonly model: string;
  /** Empty lets the server choose. */
  readonly modelVersion: string;
  /** All models under load where there are several; the server's statistics are then not read. */
  readonly models?: readonly WeighedModel[];
  readonly level: LoadLevel;
  /** Levels before this one, and how many are known in all; for the progress only. Default: the only one. */
  readonly levelIndex?: number;
  readonly levelCount?: number;
  /** Time spent at the level in earlier visits, what is left of the run at most, and which visit this is; for the progress only. */
  readonly spentNs?: number;
  readonly leftNs?: number;
  readonly visit?: LevelProgress['visit'];
  readonly rule: StopRule;
  readonly clock: Clock;
  /** Ends the level early; the record then says `interrupted`. */
  readonly signal: AbortSignal;
  /** `onLevel` is told the record and the raw samples before this returns. */
  readonly listener?: Partial<MeasureListener>;
  /** Watches the server beside the requests; nothing is watched by default. */
  readonly monitor?: LevelMonitor | undefined;
  /** What the generator can do on this host, where it was calibrated. */
  readonly ceiling?: ClientCeiling | undefined;
  /** How this host's speed drifts, where it was measured. */
  readonly drift?: HostDrift | undefined;
  /** Share of requests that may fail; `DEFAULT_MAX_ERROR_RATIO` by default. */
  readonly maxErrorRatio?: number | undefined;
  /** What the run's latency limit speaks of; the mean, or one that every record has, needs no saying. */
  readonly percentile?: number | undefined;
}

const POLL_INTERVAL = millis(200);
/** Looking may take one part in so many of the time, so that long levels are not disturbed by being watched. */
const POLL_COST_FACTOR = 20;
/** Snapshots of the server's statistics before warm-up can have ended at the latest. */
const STATISTICS_COUNT = 20;
const MIN_STATISTICS_INTERVAL = millis(250);

/**
 * Runs the level to its end. Failed requests never reject; what rejects is a load worker that died (PerfTsError of the
 * pool) or a listener that failed, and the load is stopped then too.
 */
export async function measureLevel(options: MeasureLevelOptions): Promise<LevelRecord> {
  const visit = await makeVisit(options);
  const record = await summarizeVisit(options, visit);
  await options.listener?.onLevel?.(record, visit.columns, visit.exchanges);
  return record;
}

/** One stretch of load at the level: all of its time, or where `part` is given a part of it. Rejects as measureLevel. */
export async function makeVisit(options: MeasureLevelOptions, part?: VisitPart): Promise<Visit> {
  const { pool, admin, model, modelVersion, models = [], level, rule, clock, signal } = options;
  const statistics = new StatisticsLog(admin, model, modelVersion, clock);
  if (part?.isFirst !== false) await sendWarmUp(pool, level, clock, signal);
  // Times of several models do not add up to those of a request.
  if (models.length < 2) await statistics.take();
  const watch = watchLimits(clock, options, options.monitor);
  const started = clock.now();
  const run = await pool.startLevel(level).catch((fault: unknown) => {
    // What watches on would keep the process from ending.
    options.monitor?.pause();
    throw fault;
  });
  const rows = new LevelRows(run, level, rule, models.length);
  let ended: LevelEnd;
  let usage: ReturnType<LevelRun['usage']>;
  try {
    ended = await watchLevel(options, run, rows, started, statistics, part);
    usage = run.usage();
    watch.end(usage);
  } catch (fault) {
    options.monitor?.pause();
    await run.stop().catch(() => undefined);
    throw fault;
  }
  await Promise.all([models.length < 2 ? statistics.take() : undefined, run.stop()]);
  const columns = rows.finish();
  const { long } = rows;
  const begin = run.begin ?? (long === undefined ? beginOf(columns, started, level) : ended.begin);
  if (ownEndReason(level) === ended.endReason) ended = { ...ended, end: endOfRows(columns) };
  const unfinishedCount = run.unfinishedCount?.() ?? 0;
  const ofModels = models.length < 2 ? [] : models;
  return {
    columns,
    modelColumns: ofModels.map((_, index) => run.columns(index)),
    modelErrors: ofModels.map((_, index) => run.errors(index)),
    errors: run.errors(),
    long,
    longOf: (model) => rows.longOf(model),
    begin,
    end: ended.end,
    endReason: ended.endReason,
    usage,
    droppedCount: run.arrivals?.().droppedCount ?? 0,
    unfinishedCount,
    answers: run.mismatches?.(),
    exchanges: run.exchanges?.(),
    watch,
    serverBetween: (from, to) =>
      statistics.between(from, to, (first, last) => possibleCount(columns, first, last, long, unfinishedCount)),
    // Which of them hold is known once a window was asked for.
    get warnings() {
      return statistics.warnings();
    },
  };
}

interface LevelEnd {
  readonly endReason: EndReason | 'visit-over';
  readonly begin: Instant;
  /** Where the measured window ends. */
  readonly end: Instant;
}

async function watchLevel(
  options: MeasureLevelOptions,
  run: LevelRun,
  rows: LevelRows,
  started: Instant,
  statistics: StatisticsLog,
  wanted: VisitPart | undefined,
): Promise<LevelEnd> {
  const { level, rule, clock, signal, models = [] } = options;
  const statisticsInterval = nanos(Math.max(MIN_STATISTICS_INTERVAL, rule.maxDuration / 2 / STATISTICS_COUNT));
  let begin = started;
  let looksDone = 0;
  let halfWidth: number | undefined;
  let statisticsDue = after(started, statisticsInterval);
  const takeStatistics = (now: Instant): void => {
    if (models.length > 1 || now < statisticsDue || elapsed(begin, now) > rule.maxDuration / 2) return;
    statisticsDue = after(now, statisticsInterval);
    void statistics.take();
  };
  const ownEnd = ownEndReason(level);
  let part = wanted;
  let pause: Nanos = POLL_INTERVAL;
  for (;;) {
    const now = clock.now();
    const look = nextLookInstant(rule, begin, looksDone);
    // Past its end, a level of slow requests is looked at like any other, not without a pause.
    const nextLook = ownEnd === undefined && look > now ? look : Infinity;
    const partEnd = part === undefined ? Infinity : Math.max(now, after(begin, part.duration));
    const wake = Math.min(after(now, pause), nextLook, partEnd > now ? partEnd : Infinity);
    await clock.sleep(nanos(wake - now), signal);
    if (signal.aborted) return { endReason: 'interrupted', begin, end: clock.now() };
    const polled = clock.now();
    const columns = rows.look(begin, polled);
    if (rows.long === undefined) begin = run.begin ?? beginOf(columns, started, level);
    if (ownEnd !== undefined) {
      tellProgress(options, run, rows, columns, begin, polled, undefined);
      if (run.isFinished?.() === true) return { endReason: ownEnd, begin, end: polled };
      takeStatistics(polled);
      continue;
    }
    if (part !== undefined && elapsed(begin, polled) >= part.duration) {
      if (countOk(columns) >= part.minResponses) return { endReason: 'visit-over', begin, end: polled };
      // Too slow a level for visits: it stays one stretch.
      part = undefined;
    }
    // A level that has become long is past looking for precision.
    const decision =
      rows.long === undefined || elapsed(begin, polled) >= rule.maxDuration
        ? decideStop({ columns, rule, level, begin, now: polled, looksDone })
        : ({ kind: 'continue', nextLook: looksDone } as const);
    if ('precision' in decision) halfWidth = decision.precision?.throughput ?? halfWidth;
    tellProgress(options, run, rows, columns, begin, polled, halfWidth);
    if (decision.kind === 'target-met') return { endReason: decision.kind, begin, end: decision.until };
    if (decision.kind !== 'continue') return { endReason: decision.kind, begin, end: polled };
    looksDone = decision.nextLook;
    takeStatistics(polled);
    // A long level's looks cost what came since the last one, so waiting longer would only put it off.
    const costPause = elapsed(polled, clock.now()) * POLL_COST_FACTOR;
    pause = rows.long === undefined ? nanos(Math.max(POLL_INTERVAL, costPause)) : POLL_INTERVAL;
  }
}

function countOk({ outcomes, length }: RequestColumns): number {
  let count = 0;
  for (let row = 0; row < length; row++) if (outcomes[row] === outcomeCodes.ok) count++;
  return count;
}

/** The first intended start, which lies among the first requests of each slot; `started` while none has ended. */
function beginOf(columns: RequestColumns, started: Instant, level: LoadLevel): Instant {
  if (columns.length === 0) return started;
  const slotCount = level.kind === 'closed' ? level.concurrency : level.maxInFlight;
  return instant(columns.intendedNs.subarray(0, slotCount).reduce((least, at) => Math.min(least, at), Infinity));
}

function tellProgress(
  options: MeasureLevelOptions,
  run: LevelRun,
  rows: LevelRows,
  columns: RequestColumns,
  begin: Instant,
  now: Instant,
  halfWidth: number | undefined,
): void {
  const { level, rule, listener, levelIndex = 0, levelCount = 1, spentNs = 0, leftNs, visit } = options;
  if (listener?.onProgress === undefined) return;
  const errorCount = Object.values(run.errors()).reduce((sum, count) => sum + count, 0);
  const { requestsPerSec, ...latency } = recentFigures(columns, begin, now);
  listener.onProgress({
    level,
    levelIndex,
    levelCount,
    elapsedNs: spentNs + Math.max(0, elapsed(begin, now)),
    ...(leftNs !== undefined && { leftNs: Math.max(0, leftNs - Math.max(0, elapsed(begin, now))) }),
    ...(visit !== undefined && { visit }),
    maxDurationNs: ownDuration(level) ?? rule.maxDuration,
    requestCount: Math.max(0, columns.length + (rows.long?.requestCount ?? 0) - errorCount),
    errorCount,
    throughputPerSec: requestsPerSec === undefined ? undefined : requestsPerSec * level.batchSize,
    ...latency,
    halfWidth,
  });
}
