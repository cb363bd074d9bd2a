/** Measures all levels of a plan, one after the other, each handed over before the next starts. */
import type { ServerAdmin } from '../client/server-admin.js';
import type { Clock } from '../common/clock.js';
import type { LoadWorkerPool } from '../load/load-session.js';
import { createLevelSequence } from '../plan/level-sequence.js';
import type { LoadPlan } from '../plan/load-plan.js';
import type { LevelRecord } from '../record/run-record.js';
import { type MeasureLevelOptions, measureLevel } from './measure-level.js';
import type { MeasureListener } from './measurement.js';

export interface MeasureRunOptions extends Pick<MeasureLevelOptions, 'readPressure'> {
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
}

/**
 * Rejects as measureLevel does; the listener has every finished level by then. There is no separate warm-up of the
 * model: the first level's own warm-up detection covers it.
 */
export async function measureRun({
  plan,
  pool,
  admin,
  clock,
  signal,
  listener,
  ...rest
}: MeasureRunOptions): Promise<MeasuredRun> {
  const sequence = createLevelSequence(plan.sequence, { latencyLimit: plan.latencyLimit });
  const levels: LevelRecord[] = [];
  for (let concurrency = sequence.next(); concurrency !== undefined; concurrency = sequence.next()) {
    if (signal.aborted) return { levels, state: 'interrupted' };
    const level = await measureLevel({
      ...rest,
      pool,
      admin,
      model: plan.model,
      modelVersion: plan.modelVersion,
      level: { kind: 'closed', concurrency, batchSize: plan.batchSize },
      levelIndex: levels.length,
      levelCount: levels.length + sequence.remainingCount(),
      rule: plan.stopRule,
      clock,
      signal,
      listener: {
        onProgress: (progress) => listener.onProgress(progress),
        onLevel: async (record, columns) => {
          if (isWorthKeeping(record)) await listener.onLevel(record, columns);
        },
      },
    });
    if (isWorthKeeping(level)) levels.push(level);
    if (level.endReason === 'interrupted') return { levels, state: 'interrupted' };
    sequence.tell(concurrency, { throughput: level.throughputPerSec.value, latencyNs: level.latencyNs?.mean });
  }
  return { levels, state: 'complete' };
}

/** False only for an interrupted level that is too short to say anything. */
const isWorthKeeping = (level: LevelRecord): boolean =>
  level.endReason !== 'interrupted' || level.throughputPerSec.low !== null;
