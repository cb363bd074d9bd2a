/**
 * Measures one level: starts its load, looks at it a few times a second until the stop rule ends it, drains, and sums
 * up. Knows nothing of other levels, nor of how requests are sent.
 */
import type { ServerAdmin } from '../client/server-admin.js';
import type { Clock } from '../common/clock.js';
import { after, elapsed, type Instant, instant, millis, type Nanos, nanos } from '../common/units.js';
import type { LevelRun, LoadWorkerPool } from '../load/load-session.js';
import type { RequestColumns } from '../load/request-columns.js';
import type { LoadLevel, StopRule } from '../plan/load-plan.js';
import type { EndReason, LevelRecord } from '../record/run-record.js';
import { pressureWarnings, readCpuPressure } from './cpu-pressure.js';
import type { MeasureListener } from './measurement.js';
import { recentFigures } from './recent-figures.js';
import { StatisticsLog } from './statistics-log.js';
import { decideStop, nextLookInstant } from './stop-rule.js';
import { summarizeLevel } from './summarize-level.js';

export interface MeasureLevelOptions {
  readonly pool: LoadWorkerPool;
  readonly admin: ServerAdmin;
  readonly model: string;
  /** Empty lets the server choose. */
  readonly modelVersion: string;
  readonly level: LoadLevel;
  /** Levels before this one, and how many are known in all; for the progress only. Default: the only one. */
  readonly levelIndex?: number;
  readonly levelCount?: number;
  readonly rule: StopRule;
  readonly clock: Clock;
  /** Ends the level early; the record then says `interrupted`. */
  readonly signal: AbortSignal;
  /** `onLevel` is told the record and the raw samples before this returns. */
  readonly listener?: Partial<MeasureListener>;
  /** For tests. */
  readonly readPressure?: typeof readCpuPressure;
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
  const { pool, admin, model, modelVersion, level, rule, clock, listener } = options;
  const readPressure = options.readPressure ?? readCpuPressure;
  const statistics = new StatisticsLog(admin, model, modelVersion, clock);
  await statistics.take();
  const pressure = readPressure();
  const started = clock.now();
  const run = await pool.startLevel(level);
  let ended: LevelEnd;
  let usage: ReturnType<LevelRun['usage']>;
  try {
    ended = await watchLevel(options, run, started, statistics);
    usage = run.usage();
  } catch (fault) {
    await run.stop().catch(() => undefined);
    throw fault;
  }
  await Promise.all([statistics.take(), run.stop()]);
  const columns = run.columns();
  const begin = beginOf(columns, started, level.concurrency);
  const summary = summarizeLevel(
    { level, rule, columns, begin, ...ended, errors: run.errors(), ...usage },
    (from, to) => statistics.between(from, to),
  );
  const hostWarnings = pressureWarnings(pressure, readPressure(), elapsed(started, clock.now()));
  const record = { ...summary, warnings: [...summary.warnings, ...statistics.warnings(), ...hostWarnings] };
  await listener?.onLevel?.(record, columns);
  return record;
}

interface LevelEnd {
  readonly endReason: EndReason;
  /** Where the measured window ends. */
  readonly end: Instant;
}

async function watchLevel(
  options: MeasureLevelOptions,
  run: LevelRun,
  started: Instant,
  statistics: StatisticsLog,
): Promise<LevelEnd> {
  const { level, rule, clock, signal } = options;
  const statisticsInterval = nanos(Math.max(MIN_STATISTICS_INTERVAL, rule.maxDuration / 2 / STATISTICS_COUNT));
  let begin = started;
  let looksDone = 0;
  let halfWidth: number | undefined;
  let statisticsDue = after(started, statisticsInterval);
  let pause: Nanos = POLL_INTERVAL;
  for (;;) {
    const now = clock.now();
    const wake = Math.min(after(now, pause), Math.max(now, nextLookInstant(rule, begin, looksDone)));
    await clock.sleep(nanos(wake - now), signal);
    if (signal.aborted) return { endReason: 'interrupted', end: clock.now() };
    const polled = clock.now();
    const columns = run.columns();
    begin = beginOf(columns, started, level.concurrency);
    const decision = decideStop({ columns, rule, concurrency: level.concurrency, begin, now: polled, looksDone });
    if ('precision' in decision) halfWidth = decision.precision?.throughput ?? halfWidth;
    tellProgress(options, run, columns, begin, polled, halfWidth);
    if (decision.kind === 'target-met') return { endReason: decision.kind, end: decision.until };
    if (decision.kind !== 'continue') return { endReason: decision.kind, end: polled };
    looksDone = decision.nextLook;
    if (polled >= statisticsDue && elapsed(begin, polled) <= rule.maxDuration / 2) {
      statisticsDue = after(polled, statisticsInterval);
      void statistics.take();
    }
    pause = nanos(Math.max(POLL_INTERVAL, elapsed(polled, clock.now()) * POLL_COST_FACTOR));
  }
}

/** The first intended start, which lies among the first requests of each slot; `started` while none has ended. */
function beginOf(columns: RequestColumns, started: Instant, concurrency: number): Instant {
  if (columns.length === 0) return started;
  return instant(columns.intendedNs.subarray(0, concurrency).reduce((least, at) => Math.min(least, at), Infinity));
}

function tellProgress(
  options: MeasureLevelOptions,
  run: LevelRun,
  columns: RequestColumns,
  begin: Instant,
  now: Instant,
  halfWidth: number | undefined,
): void {
  const { level, rule, listener, levelIndex = 0, levelCount = 1 } = options;
  if (listener?.onProgress === undefined) return;
  const errorCount = Object.values(run.errors()).reduce((sum, count) => sum + count, 0);
  const { requestsPerSec, ...latency } = recentFigures(columns, begin, now);
  listener.onProgress({
    level,
    levelIndex,
    levelCount,
    elapsedNs: Math.max(0, elapsed(begin, now)),
    maxDurationNs: rule.maxDuration,
    requestCount: columns.length - Math.min(errorCount, columns.length),
    errorCount,
    throughputPerSec: requestsPerSec === undefined ? undefined : requestsPerSec * level.batchSize,
    ...latency,
    halfWidth,
  });
}
