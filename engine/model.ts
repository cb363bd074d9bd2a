/** Loads one model version and serves it: starts its instances, checks requests, schedules them, counts them. */
import { dirname } from 'node:path';
import { nowNs, systemClock } from '../src/common/clock.js';
import { messageOf, PerfTsError } from '../src/common/errors.js';
import { elapsed, micros } from '../src/common/units.js';
import type { ModelConfig } from '../src/model-config/model-config.js';
import { findSignatureProblems } from '../src/model-config/tensor-problems.js';
import { findNewerOptions } from '../src/onnxruntime/accelerator-settings.js';
import { findPrecisionProblems } from '../src/onnxruntime/cpu-precision.js';
import { loadOrtLibrary } from '../src/onnxruntime/library.js';
import { bundledLibraryPath } from '../src/onnxruntime/library-path.js';
import type { ModelToOptimize } from '../src/onnxruntime/optimized-model.js';
import type { PlaceAssignment } from '../src/onnxruntime/prepare-session.js';
import { type ConfigSettings, readSessionSettings } from '../src/onnxruntime/triton-settings.js';
import { findUnknownPolicies, findUnservable, refuseConfig } from './config-limits.js';
import type { ModelSessionPlan } from './instance/instance-messages.js';
import { planInstances } from './instance/instance-plan.js';
import { type ReadyInstances, startInstances } from './instance/instance-pool.js';
import { planSlotLayout, type SlotLayout } from './instance/slot-layout.js';
import { openTinySession } from './instance/tiny-session.js';
import type { BatchPolicy } from './scheduler/batch-decision.js';
import { readQueuePolicies } from './scheduler/queue-policy.js';
import type { ServedModel, ServedModelOptions } from './served-model.js';
import { tensorShapesOf } from './tensor-shapes.js';
import { readWarmUp } from './warm-up/read-warm-up.js';
import type { WarmUpSample } from './warm-up/warm-up-sample.js';

/** Batches that may stand formed before busy instances, for each of them, as in Triton's prefetching. */
const FORMED_BATCHES_PER_INSTANCE = 2;
/** Without dynamic batching Triton's queue of formed batches has no limit; here it may take this much memory. */
const UNBATCHED_SLOTS_BYTES = 1 << 20;
const MOST_UNBATCHED_SLOTS = 64;

/**
 * Starts the model's instances and resolves when all have their sessions.
 * @throws PerfTsError BAD_FILE for a config or model that cannot be served, naming every problem, and RUNTIME_UNUSABLE
 * for a library that cannot be loaded.
 */
export async function loadModel(options: ServedModelOptions): Promise<ServedModel> {
  const { config } = options;
  const startNs = nowNs();
  const session = readSessionSettings(config);
  const warmUp = await readWarmUp(config, options.modelFolder ?? dirname(dirname(options.modelFile)));
  refuseConfig(options.name, [
    ...session.problems,
    ...findUnservable(config),
    ...findUnknownPolicies(config, options.hostPolicies),
    ...warmUp.problems,
  ]);
  const { instances, assignments, plan } = await startSessions(options, session, warmUp.samples);
  try {
    const contradictions = findSignatureProblems(config, { ...instances, opset: 0, producer: '' });
    refuseConfig(
      options.name,
      contradictions.map(({ path, what }) => ({ where: path, what: `${what} (model file ${options.modelFile})` })),
    );
  } catch (thrown) {
    await instances.discard();
    throw thrown;
  }
  const policy = policyOf(config);
  const shapes = tensorShapesOf(config, instances);
  const layout = planSlotLayout(shapes.inputs, shapes.outputs, policy.maxBatchSize);
  const slotCountFor = (instanceCount: number): number => slotCountOf(policy, layout, instanceCount);
  const tinySession = options.inlineModels && (await openTinySession(instances, layout, plan));
  const { OnnxModel } = await import('./onnx-model.js');
  return new OnnxModel({
    ...options,
    policy,
    queuePolicies: readQueuePolicies(config),
    shapes,
    layout,
    slotCountFor,
    instances,
    assignments,
    tinySession,
    clock: systemClock,
    loadDurationNs: elapsed(startNs, nowNs()),
  });
}

interface StartedSessions {
  readonly instances: ReadyInstances;
  /** What their sessions were made of. */
  readonly plan: ModelSessionPlan;
  readonly assignments: readonly PlaceAssignment[];
}

async function startSessions(
  options: ServedModelOptions,
  session: ConfigSettings,
  warmUp: readonly WarmUpSample[],
): Promise<StartedSessions> {
  // Loaded here too: only the main thread can switch telemetry off for native code, an unusable library is found before
  // any thread starts, and the library stays mapped when the last worker is gone.
  const { name, config, modelFile, ortLibrary = bundledLibraryPath(), hostPolicies } = options;
  const { version: ortVersion } = loadOrtLibrary(ortLibrary);
  refuseConfig(name, [...findNewerOptions(ortVersion, session.providers), ...findPrecisionProblems(session.providers)]);
  const plans = planInstances({ ...config, name: config.name || name }, hostPolicies);
  // Nothing to prove for models on ONNX Runtime's own CPU provider, nor is what proves it to be loaded then.
  const { settings, assignments } =
    session.providers.length === 0
      ? { settings: session.settings, assignments: [] }
      : await (await import('./prove-providers.js')).proveProviders(options, session, {
          ortLibrary,
          ortVersion,
          plans,
        });
  const source = await takeOptimized(options, { modelFile, ortLibrary, ortVersion, settings });
  try {
    const plan = { ...source, ortLibrary, warmUp };
    const starting = startInstances(plans, plan);
    // What serves is loaded while the sessions are being made, which is done by other threads.
    void import('./onnx-model.js').catch(() => undefined);
    return { instances: await starting, assignments, plan };
  } catch (cause) {
    throw new PerfTsError(
      'BAD_FILE',
      {
        where: modelFile,
        what: `ONNX Runtime cannot load the model: ${messageOf(cause)}`,
        hint: 'check that the file is complete and that its operators are known to this version of ONNX Runtime',
      },
      cause,
    );
  }
}

/** What sessions are made of: the model's file, or what was kept of it where that was asked for and can be had. */
async function takeOptimized(
  { name, keepsOptimized = false, log }: ServedModelOptions,
  model: ModelToOptimize,
): Promise<Pick<ModelSessionPlan, 'modelFile' | 'settings'>> {
  const { modelFile, settings } = model;
  if (!keepsOptimized) return { modelFile, settings };
  const { isOptimizable, keepOptimized } = await import('../src/onnxruntime/optimized-model.js');
  if (!isOptimizable(settings)) return { modelFile, settings };
  const kept = await keepOptimized(model);
  if (kept.state === 'unavailable') {
    log?.info(`model '${name}' is optimised at each load, because it cannot be kept: ${kept.reason}`);
    return { modelFile, settings };
  }
  const built = kept.buildNs === undefined ? 'optimised before' : `optimised in ${Math.round(kept.buildNs / 1e6)} ms`;
  log?.info(`model '${name}' is taken from the cache: ${built}`);
  return { modelFile: kept.modelFile, settings: kept.settings };
}

function slotCountOf({ isDynamic }: BatchPolicy, layout: SlotLayout | undefined, instanceCount: number): number {
  const formed = (1 + FORMED_BATCHES_PER_INSTANCE) * instanceCount;
  // Without a layout a batch cannot grow once it is placed, so it is formed only when an instance is free to run it.
  if (isDynamic) return layout === undefined ? instanceCount : formed;
  const affordable = layout === undefined ? 0 : Math.floor(UNBATCHED_SLOTS_BYTES / layout.totalBytes);
  return Math.max(formed, Math.min(affordable, MOST_UNBATCHED_SLOTS));
}

function policyOf(config: ModelConfig): BatchPolicy {
  const batching = config.dynamic_batching;
  const maxBatchSize = config.max_batch_size ?? 0;
  return {
    isDynamic: batching !== undefined && maxBatchSize > 0,
    maxBatchSize,
    preferredBatchSizes: [...(batching?.preferred_batch_size ?? [])].sort((a, b) => a - b),
    maxQueueDelay: micros(batching?.max_queue_delay_microseconds ?? 0),
    preservesOrdering: batching?.preserve_ordering === true,
  };
}
