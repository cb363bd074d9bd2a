/** Serves a variant for real: its own model repository, a fresh engine process, load workers, and the measuring of levels. */
import { systemClock } from '../common/clock.js';
import { elapsed, nanos, seconds } from '../common/units.js';
import type { LoadWorkerPool } from '../load/load-session.js';
import { startLoadWorkers } from '../load/worker-pool.js';
import { measureLevel } from '../measure/measure-level.js';
import type { LevelMonitor } from '../measure/measurement.js';
import { noMetrics, watchTarget } from '../monitor/watch-target.js';
import type { StopRule } from '../plan/load-plan.js';
import { createLoadPlan, type PlanOptions } from '../plan/plan.js';
import type { LevelRecord } from '../record/run-record.js';
import { launchEmbeddedTarget } from '../target/embedded-target.js';
import type { Target } from '../target/target.js';
import type { LaunchedVariant, LaunchOptions, LaunchVariant, MeasureRequest } from './launched-variant.js';
import { createVariantRepositories } from './variant-repository.js';
import type { StudyModel, Variant } from './variants.js';

/** A level that is this precise may end early, after this share of its time at the soonest. */
const TARGET_HALF_WIDTH = 0.02;
const MIN_DURATION_SHARE = 0.7;

export interface EngineLauncherOptions {
  readonly model: StudyModel;
  readonly isDemoModel: boolean;
  /** Build of ONNX Runtime for every variant that does not choose its own. */
  readonly ortLibrary?: string | undefined;
  /** What requests hold, where the model leaves it open. */
  readonly requests?: Pick<PlanOptions, 'shapes' | 'inputSource' | 'stringLengthBytes'>;
}

export interface EngineLauncher {
  readonly launchVariant: LaunchVariant;
  /** Removes the temporary model repositories. */
  close(): Promise<void>;
}

/** Throws PerfTsError OUTPUT_UNWRITABLE when there is no room for temporary model repositories. */
export async function createEngineLauncher(options: EngineLauncherOptions): Promise<EngineLauncher> {
  const repositories = await createVariantRepositories(options.model);
  return {
    close: () => repositories.close(),
    async launchVariant(variant, launch) {
      const repository = await repositories.write(variant);
      try {
        return await serve(options, variant, launch, repository, () => repositories.remove(repository));
      } catch (thrown) {
        await repositories.remove(repository);
        throw thrown;
      }
    },
  };
}

/** A variant that chooses a build of ONNX Runtime by itself goes before the study's. */
function engineFlagsOf({ ortLibrary }: EngineLauncherOptions, { serverFlags = [] }: Variant): readonly string[] {
  // A real Triton hands every batch to an instance; run otherwise, tiny models would teach nothing of their instances.
  const flags = ['--inline-tiny-models=false', ...serverFlags];
  if (ortLibrary === undefined || serverFlags.some((flag) => flag.startsWith('--ort-library='))) return flags;
  return [`--ort-library=${ortLibrary}`, ...flags];
}

async function serve(
  options: EngineLauncherOptions,
  variant: Variant,
  { seed, signal }: LaunchOptions,
  repository: string,
  removeRepository: () => Promise<void>,
): Promise<LaunchedVariant> {
  const { name: model } = options.model;
  const started = systemClock.now();
  const target = await launchEmbeddedTarget({
    modelRepository: repository,
    model,
    protocol: 'grpc',
    isDemoModel: options.isDemoModel,
    isolateLoad: true,
    engineFlags: engineFlagsOf(options, variant),
    signal,
  });
  const loadTimeNs = elapsed(started, systemClock.now());
  try {
    const { admin, endpoint, protocol } = target;
    const [metadata, config] = await Promise.all([admin.modelMetadata(model), admin.modelConfig(model)]);
    const plan = createLoadPlan(
      {
        ...options.requests,
        protocol,
        endpoint,
        sequence: { kind: 'stepped', values: [1] },
        batchSizes: [variant.load?.batchSize ?? 1],
        // A plan must have a rule; each level brings its own.
        stopRule: stopRule(seconds(1)),
        seed,
      },
      [{ model, metadata, config }],
    );
    const monitor = await watchTarget(target, noMetrics);
    const pool = await startLoadWorkers(plan);
    return {
      loadTimeNs,
      target,
      measure: (request) => measureUntilFailure(target, pool, monitor, model, request),
      async close() {
        try {
          await pool.close();
        } finally {
          await target.close();
          await removeRepository();
        }
      },
    };
  } catch (thrown) {
    await target.close();
    throw thrown;
  }
}

/** Rejects at once when the engine dies, with what it said, after the level has been ended. */
async function measureUntilFailure(
  target: Target,
  pool: LoadWorkerPool,
  monitor: LevelMonitor,
  model: string,
  { load, duration, signal, onProgress }: MeasureRequest,
): Promise<LevelRecord> {
  const died = new AbortController();
  const level = measureLevel({
    pool,
    monitor,
    admin: target.admin,
    model,
    modelVersion: '',
    level: load,
    levelIndex: 0,
    levelCount: 1,
    rule: stopRule(duration),
    clock: systemClock,
    signal: AbortSignal.any([signal, died.signal]),
    listener: { onProgress },
  });
  try {
    return await Promise.race([level, target.failure]);
  } catch (thrown) {
    died.abort();
    await level.catch(() => undefined);
    throw thrown;
  }
}

const stopRule = (duration: number): StopRule => ({
  minDuration: nanos(duration * MIN_DURATION_SHARE),
  maxDuration: nanos(duration),
  targetHalfWidth: TARGET_HALF_WIDTH,
});
