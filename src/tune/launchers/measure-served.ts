/** Measures a variant that a server is serving by now, whichever server that is: load workers and the levels they drive. */
import { systemClock } from '../../common/clock.js';
import { PerfTsError } from '../../common/errors.js';
import { elapsed, type Nanos, nanos, seconds } from '../../common/units.js';
import type { LoadWorkerPool } from '../../load/load-session.js';
import { startLoadWorkers } from '../../load/worker-pool.js';
import { measureLevel } from '../../measure/measure-level.js';
import type { LevelMonitor } from '../../measure/measurement.js';
import type { WeighedModel } from '../../measure/model-shares.js';
import { withRefusedValues } from '../../measure/refused-values.js';
import { noMetrics, watchTarget } from '../../monitor/watch-target.js';
import type { StopRule } from '../../plan/load-plan.js';
import { createLoadPlan } from '../../plan/plan.js';
import type { RequestContents } from '../../plan/request-contents.js';
import type { LevelRecord } from '../../record/run-record.js';
import { watchServer } from '../../target/server-watch.js';
import type { Target } from '../../target/target.js';
import type { Variant } from '../variants/variants.js';
import type { ForeignRequests } from './foreign-requests.js';
import type { LaunchedVariant, MeasureRequest } from './launched-variant.js';

/** A level that is this precise may end early, after this share of its time at the soonest. */
const TARGET_HALF_WIDTH = 0.02;
const MIN_DURATION_SHARE = 0.7;

/** What requests hold, where the model leaves it open. */
export type RequestOptions = RequestContents;

export interface ServedVariant {
  /** Of a variant of one model; one of several names its own. */
  readonly model: string;
  readonly variant: Variant;
  readonly target: Target;
  readonly loadTimeNs: Nanos;
  readonly seed: number;
  readonly requests: RequestOptions | undefined;
  /** Of every request. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Gives up on a server that does not answer in time. */
  readonly signal?: AbortSignal;
  /** Set where the server has other clients. */
  readonly foreign?: ForeignRequests;
  /** Stops the server where it is ours, after the load workers. */
  release(): Promise<void>;
}

/** Starts the load workers. Rejects where the server refuses them; the server is then still the caller's to release. */
export async function measureServed(served: ServedVariant): Promise<LaunchedVariant> {
  const { target } = served;
  const { endpoint, protocol } = target;
  const described = await describeModels(served);
  const plan = createLoadPlan(
    {
      ...served.requests,
      headers: served.headers,
      protocol,
      endpoint,
      sequence: { kind: 'stepped', values: [1] },
      batchSizes: [served.variant.load?.batchSize ?? 1],
      // A plan must have a rule; each level brings its own.
      stopRule: stopRule(seconds(1)),
      // A variant that fails some of its requests is judged by how many.
      mayFailFirst: true,
      seed: served.seed,
    },
    described,
  );
  const monitor = await watchTarget(target, noMetrics);
  const models = described.map(({ model, weight }): WeighedModel => ({ model, modelVersion: '', weight }));
  const started = systemClock.now();
  const pool = await unlessAborted(startLoadWorkers(plan), served.signal);
  return {
    loadTimeNs: served.loadTimeNs,
    firstResponseNs: elapsed(started, systemClock.now()),
    target,
    measure(request) {
      const measure = async (workers: LoadWorkerPool): Promise<LevelRecord> =>
        withRefusedValues(await measureUntilFailure(target, workers, monitor, models, request), plan.models);
      return served.foreign === undefined ? measure(pool) : served.foreign.watch(pool, measure);
    },
    async close() {
      try {
        await pool.close();
      } finally {
        await served.release();
      }
    },
  };
}

/** A first inference may take longer than all the time there is; the workers are then closed once they have started. */
async function unlessAborted(
  starting: Promise<LoadWorkerPool>,
  signal: AbortSignal | undefined,
): Promise<LoadWorkerPool> {
  if (signal === undefined) return await starting;
  let onAbort = (): void => undefined;
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () =>
      reject(new PerfTsError('INTERRUPTED', { what: 'its time was over before it had answered a single request' }));
  });
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();
  try {
    return await Promise.race([starting, aborted]);
  } catch (thrown) {
    void starting.then((pool) => pool.close()).catch(() => undefined);
    throw thrown;
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

/** What the server says of each model that the variant has it serve. */
function describeModels({ model, variant, target: { admin } }: ServedVariant) {
  const models = variant.members?.map((member) => ({ name: member.model.name, weight: member.weight }));
  return Promise.all(
    (models ?? [{ name: model, weight: 1 }]).map(async ({ name, weight }) => {
      const [metadata, config] = await Promise.all([admin.modelMetadata(name), admin.modelConfig(name)]);
      return { model: name, weight, metadata, config };
    }),
  );
}

/** Rejects at once when the server dies, with what it said, after the level has been ended. */
async function measureUntilFailure(
  target: Target,
  pool: LoadWorkerPool,
  monitor: LevelMonitor,
  models: readonly WeighedModel[],
  { load, duration, signal, onProgress }: MeasureRequest,
): Promise<LevelRecord> {
  const died = new AbortController();
  const watch = watchServer({ admin: target.admin });
  const level = measureLevel({
    pool,
    monitor,
    admin: target.admin,
    model: models[0]!.model,
    modelVersion: '',
    models,
    level: load,
    levelIndex: 0,
    levelCount: 1,
    rule: stopRule(duration),
    clock: systemClock,
    signal: AbortSignal.any([signal, died.signal]),
    listener: {
      onProgress(progress) {
        watch.observe(progress);
        onProgress?.(progress);
      },
    },
  });
  try {
    const measured = await Promise.race([level, target.failure, watch.gone]);
    await Promise.race([watch.settle(), target.failure, watch.gone]);
    return measured;
  } catch (thrown) {
    died.abort();
    await level.catch(() => undefined);
    throw thrown;
  } finally {
    watch.close();
  }
}

const stopRule = (duration: number): StopRule => ({
  minDuration: nanos(duration * MIN_DURATION_SHARE),
  maxDuration: nanos(duration),
  targetHalfWidth: TARGET_HALF_WIDTH,
});
