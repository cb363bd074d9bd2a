/** Watches how this host's speed drifts: a closed loop against a server that does nothing, for a while. */
import { systemClock } from '../common/clock.js';
import { PerfTsError } from '../common/errors.js';
import { type Instant, instant, type Nanos, seconds } from '../common/units.js';
import { startLoadWorkers } from '../load/worker-pool.js';
import { sliceTime } from '../measure/statistics/time-slices.js';
import { launchNullServer } from '../null-server/launch-null-server.js';
import { bytesModel } from '../null-server/null-behavior.js';
import { createLoadPlan } from '../plan/plan.js';
import { type DriftSession, observeDrift } from './fit-drift.js';

const CONCURRENCY = 4;
const PARTS_PER_SEC = 4;
/** Cut from the start, for code that is not compiled yet. */
const LEAD = seconds(2);
const BYTES = 64;

/** Throws PerfTsError when interrupted. */
export async function measureDrift(duration: Nanos, signal: AbortSignal): Promise<DriftSession> {
  const model = bytesModel(BYTES, BYTES);
  const server = await launchNullServer({ ...model, behavior: { delay: { kind: 'none' } } });
  try {
    const plan = createLoadPlan(
      {
        protocol: 'grpc',
        client: 'grpc-wire',
        endpoint: server.endpoints.grpc,
        load: { kind: 'closed' },
        sequence: { kind: 'stepped', values: [CONCURRENCY] },
        batchSizes: [1],
        stopRule: { minDuration: duration, maxDuration: duration, targetHalfWidth: 1 },
        requestTimeout: seconds(10),
      },
      [
        {
          model: model.metadata.name,
          metadata: model.metadata,
          config: { name: model.metadata.name, max_batch_size: model.maxBatchSize },
        },
      ],
    );
    const pool = await startLoadWorkers(plan);
    try {
      const run = await pool.startLevel({ kind: 'closed', concurrency: CONCURRENCY, batchSize: 1 });
      const measuredAt = new Date().toISOString();
      const from = instant(systemClock.now() + LEAD);
      await systemClock.sleep(seconds((LEAD + duration) / 1e9), signal);
      await run.stop();
      if (signal.aborted) throw new PerfTsError('INTERRUPTED', { what: 'stopped before the drift was measured' });
      const count = Math.floor((duration / 1e9) * PARTS_PER_SEC);
      const to: Instant = instant(from + (count / PARTS_PER_SEC) * 1e9);
      return observeDrift(sliceTime(run.columns(), from, to, count).completions, PARTS_PER_SEC, measuredAt);
    } finally {
      await pool.close();
    }
  } finally {
    await server.close();
  }
}
