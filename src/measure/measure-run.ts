/**
 * Measures all levels of a plan, one after the other, each handed over before the next starts: its sequence for every
 * shape and batch size, or the search for its peak.
 */
import type { ServerAdmin } from '../client/server-admin.js';
import type { Clock } from '../common/clock.js';
import { elapsed, nanos } from '../common/units.js';
import type { Exchanges } from '../load/exchange-log.js';
import type { LoadWorkerPool } from '../load/load-session.js';
import type { RequestColumns } from '../load/request-columns.js';
import { createLevelSequence, type SteppingSequence } from '../plan/level-sequence.js';
import type { LoadLevel, LoadPlan, StopRule } from '../plan/load-plan.js';
import type { LevelRecord, PeakRecord, Warning } from '../record/run-record.js';
import type { SearchRecord } from '../record/search-record.js';
import { type MeasureLevelOptions, measureLevel } from './measure-level.js';
import type { LevelProgress, MeasureListener } from './measurement.js';
import { isOverloaded } from './peak/judge-rate.js';
import { limitLatency } from './peak/limit-latency.js';
import { type MeasuredPeak, measurePeak } from './peak/measure-peak.js';
import {
  type LevelBase,
  levelBases,
  type MeasuredLevel,
  type MeasureOne,
  type MeasureOneOptions,
  openLevel,
} from './run-levels.js';
import { judgeSearched, type SearchCourse, type SearchedLevel, searchResult } from './search-result.js';
import { leastRoundNs, VisitedLevel, visitCountOf } from './visited-level.js';

export interface MeasureRunOptions
  extends Pick<MeasureLevelOptions, 'readPressure' | 'readHost' | 'monitor' | 'ceiling' | 'drift'> {
  readonly plan: LoadPlan;
  readonly pool: LoadWorkerPool;
  readonly admin: ServerAdmin;
  readonly clock: Clock;
  /** Ends the run; finished levels are kept, and the running one if it got far enough for an interval. */
  readonly signal: AbortSignal;
  readonly listener: MeasureListener;
}

export interface MeasuredRun {
  readonly levels: readonly LevelRecord[];
  readonly state: 'complete' | 'interrupted';
  /** Set when the run looked for it and got as far as a rate. */
  readonly peak?: PeakRecord;
  /** Set by a binary search, one for each batch size and shape that was begun. */
  readonly searches?: readonly SearchRecord[];
  /** What a reader of the whole run must know. */
  readonly warnings: readonly Warning[];
}

/**
 * Rejects as measureLevel does; the listener has every finished level by then. There is no separate warm-up of the
 * model: the first level's own warm-up detection covers it.
 */
export async function measureRun(options: MeasureRunOptions): Promise<MeasuredRun> {
  const { plan, signal } = options;
  const levels: LevelRecord[] = [];
  const visited: VisitedEntry[] = [];
  const bases = levelBases(plan);
  let peak: MeasuredPeak | undefined;
  const searches: SearchRecord[] = [];
  for (const [index, base] of bases.entries()) {
    if (signal.aborted) break;
    const measureOne: MeasureOne = (level, { levelCount, ...how }) =>
      measureAndKeep(options, levels, visited, level, { levelCount: levelCount * (bases.length - index), ...how });
    const { sequence } = plan;
    if (sequence.kind === 'peak') peak = await measurePeak(plan, sequence, base, measureOne);
    else {
      const course = await measureSequence(plan, sequence, base, measureOne);
      if (sequence.kind === 'binary-search') searches.push(searchResult(plan, sequence, base, course));
    }
  }
  await visitAgain(options, levels, visited);
  const isInterrupted = signal.aborted || levels.some(({ endReason }) => endReason === 'interrupted');
  const state = isInterrupted ? 'interrupted' : 'complete';
  return {
    levels,
    state,
    warnings: peak?.warnings ?? [],
    ...(peak && { peak: peak.record }),
    ...(searches.length > 0 && { searches }),
  };
}

async function measureSequence(
  plan: LoadPlan,
  steps: SteppingSequence,
  base: LevelBase,
  measureOne: MeasureOne,
): Promise<SearchCourse> {
  const levels: SearchedLevel[] = [];
  const sequence = createLevelSequence(steps, { latencyLimit: plan.latencyLimit });
  for (let value = sequence.next(); value !== undefined; value = sequence.next()) {
    const level: LoadLevel =
      plan.load.kind === 'closed' ? { kind: 'closed', concurrency: value, ...base } : openLevel(plan, base, value);
    const measured = await measureOne(level, { levelCount: sequence.remainingCount() });
    if (measured === undefined) return { levels, isInterrupted: true };
    const searched = judgeSearched(value, measured, plan);
    levels.push(searched);
    // As perf_analyzer: a range ends at its first level that was never stable; a search goes on below one that the limit ended.
    const isSearch = steps.kind === 'binary-search';
    const isOver = isSearch && measured.level.endReason === 'latency-limit';
    if (measured.level.windowed?.isStable === false && !isOver) break;
    const isHeld = !isSearch || searched.holds;
    sequence.tell(value, {
      throughput: measured.level.throughputPerSec.value,
      latencyNs: isHeld ? measured.latencyNs : undefined,
      isOverloaded: isOverloaded(measured.level),
    });
  }
  return { levels, isInterrupted: false };
}

/** A level that is visited several times, and its place among the run's. */
interface VisitedEntry {
  readonly index: number;
  readonly visits: VisitedLevel;
}

async function measureAndKeep(
  { plan, pool, admin, clock, signal, listener, ...rest }: MeasureRunOptions,
  levels: LevelRecord[],
  visited: VisitedEntry[],
  level: LoadLevel,
  { levelCount, rule = plan.stopRule, isKept = true }: MeasureOneOptions,
): Promise<MeasuredLevel | undefined> {
  if (signal.aborted) return undefined;
  const [first] = plan.models;
  const options = {
    ...rest,
    pool,
    admin,
    model: first?.model ?? '',
    modelVersion: first?.modelVersion ?? '',
    models: plan.models,
    level,
    levelIndex: levels.length,
    levelCount: levels.length + levelCount,
    rule,
    maxErrorRatio: plan.maxErrorRatio,
    percentile: plan.latencyPercentile,
    clock,
    signal,
  };
  const onProgress = (progress: LevelProgress): void => listener.onProgress(progress);
  if (isKept && isVisited(plan, rule, level)) {
    const visits = new VisitedLevel({ ...options, listener: { onProgress } });
    const entry = { index: levels.length, visits };
    const leftNs = leftOf(plan, visited) + levelCount * rule.maxDuration;
    await visits.visit({ levelIndex: options.levelIndex, levelCount: options.levelCount, leftNs });
    const record = visits.record();
    const latencyNs = limitLatency(record, plan.latencyPercentile);
    if (!isWorthKeeping(record)) return undefined;
    visited.push(entry);
    await tellVisit(listener, levels, entry, record);
    return signal.aborted ? undefined : { level: record, latencyNs };
  }
  const record = await measureLevel({
    ...options,
    listener: {
      onProgress,
      onLevel: async (finished: LevelRecord, columns: RequestColumns, exchanges?: Exchanges) => {
        if (isKept && isWorthKeeping(finished)) await listener.onLevel(finished, columns, exchanges);
      },
    },
  });
  if (isKept && isWorthKeeping(record)) levels.push(record);
  return record.endReason === 'interrupted'
    ? undefined
    : { level: record, latencyNs: limitLatency(record, plan.latencyPercentile) };
}

/** Searches judge each level at once, and what was sent is kept with its tensors in one stretch only. */
const isVisited = (plan: LoadPlan, rule: StopRule, level: LoadLevel): boolean =>
  (plan.sequence.kind === 'adaptive' || plan.sequence.kind === 'stepped') &&
  plan.keepsTensors !== true &&
  visitCountOf(rule, level) > 1;

/** Time that levels visited so far may still take. */
const leftOf = ({ stopRule }: LoadPlan, visited: readonly VisitedEntry[]): number =>
  visited.reduce(
    (sum, { visits }) => sum + (visits.isOver ? 0 : Math.max(0, stopRule.maxDuration - visits.spentNs)),
    0,
  );

/** Goes round the levels that have more visits to come, until none has. */
async function visitAgain(
  { plan, clock, signal, listener }: MeasureRunOptions,
  levels: LevelRecord[],
  visited: readonly VisitedEntry[],
): Promise<void> {
  const open = (): VisitedEntry[] => visited.filter(({ visits }) => !visits.isOver);
  for (let round = open(); round.length > 0 && !signal.aborted; round = open()) {
    const [first] = round;
    const { begun, level } = first!.visits;
    const restNs = begun === undefined ? 0 : leastRoundNs(plan.stopRule, level) - elapsed(begun, clock.now());
    if (restNs > 0) await clock.sleep(nanos(restNs), signal);
    for (const entry of round) {
      if (signal.aborted) break;
      await entry.visits.visit({
        levelIndex: entry.index,
        levelCount: levels.length,
        leftNs: leftOf(plan, visited),
      });
      if (signal.aborted) entry.visits.interrupt();
      await tellVisit(listener, levels, entry, entry.visits.record());
    }
  }
  for (const entry of open()) {
    entry.visits.interrupt();
    const record = entry.visits.record();
    levels[entry.index] = record;
    const news = { levelIndex: entry.index, isLast: true, visitColumns: undefined };
    await listener.onLevel(record, entry.visits.columns(), undefined, news);
  }
}

async function tellVisit(
  listener: MeasureListener,
  levels: LevelRecord[],
  { index, visits }: VisitedEntry,
  record: LevelRecord,
): Promise<void> {
  levels[index] = record;
  const news = { levelIndex: index, isLast: visits.isOver, visitColumns: visits.visitColumns() };
  await listener.onLevel(record, visits.columns(), undefined, news);
}

/** False only for an interrupted level that is too short to say anything. */
const isWorthKeeping = (level: LevelRecord): boolean =>
  level.endReason !== 'interrupted' || level.throughputPerSec.low !== null;
