/** Loads one model version and serves it: starts its instances, checks requests, schedules them, counts them. */
import { dirname, join } from 'node:path';
import { nowNs, systemClock } from '../src/common/clock.js';
import { messageOf, PerfTsError } from '../src/common/errors.js';
import { elapsed, micros } from '../src/common/units.js';
import { completeFromModel, namesTensors } from '../src/model-config/complete-config.js';
import type { ModelConfig } from '../src/model-config/model-config.js';
import { findSignatureProblems } from '../src/model-config/signature-problems.js';
import { findTensorProblems } from '../src/model-config/tensor-problems.js';
import { locateProblems } from '../src/model-config/validate-config.js';
import { findNewerOptions } from '../src/onnxruntime/accelerator-settings.js';
import { describeNote, findConfigNotes } from '../src/onnxruntime/config-notes.js';
import { findPrecisionProblems } from '../src/onnxruntime/cpu-precision.js';
import { loadOrtLibrary } from '../src/onnxruntime/library.js';
import { bundledLibraryPath } from '../src/onnxruntime/library-path.js';
import type { ModelToOptimize } from '../src/onnxruntime/optimized-model.js';
import type { PlaceAssignment } from '../src/onnxruntime/prepare-session.js';
import { type ConfigSettings, readSessionSettings } from '../src/onnxruntime/triton-settings.js';
import { findUnservable, noteUnknownPolicies, refuseConfig } from './config-limits.js';
import type { ModelSessionPlan } from './instance/instance-messages.js';
import { type InstancePlan, planInstances } from './instance/instance-plan.js';
import { type ReadyInstances, startInstances } from './instance/instance-pool.js';
import { inResponseOrder } from './instance/output-order.js';
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
  const startNs = nowNs();
  const session = readSessionSettings(options.config);
  refuseConfig(options.name, [...session.problems, ...findUnservable(options.config)]);
  const notes = noteConfig(options);
  for (const note of notes) options.log?.warn(`model '${options.name}': ${note}`);
  const { instances, assignments, plan, complete } = await startSessions(options, session);
  const config = complete(options.config);
  const policy = policyOf(config);
  const shapes = tensorShapesOf(config, instances);
  const layout = planSlotLayout(shapes.inputs, inResponseOrder(shapes.outputs), policy.maxBatchSize);
  const slotCountFor = (instanceCount: number): number => slotCountOf(policy, layout, instanceCount);
  const tinySession = options.inlineModels && (await openTinySession(instances, layout, plan));
  const { OnnxModel } = await import('./onnx-model.js');
  return new OnnxModel({
    ...options,
    config,
    notes,
    complete,
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

const noteConfig = ({ config, hostPolicies, notes = [] }: ServedModelOptions): readonly string[] => [
  ...notes,
  ...[...findConfigNotes(config), ...noteUnknownPolicies(config, hostPolicies)].map(describeNote),
];

/** Fills in of a config what the model's session tells. */
type CompleteConfig = (config: ModelConfig) => ModelConfig;

interface StartedSessions {
  readonly instances: ReadyInstances;
  /** What their sessions were made of. */
  readonly plan: ModelSessionPlan;
  readonly assignments: readonly PlaceAssignment[];
  readonly complete: CompleteConfig;
}

async function startSessions(options: ServedModelOptions, session: ConfigSettings): Promise<StartedSessions> {
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
  const bare = { ...source, ortLibrary };
  const warmUp = await readSamples(options, () => inspect(options, plans, { ...bare, modelFile, settings }));
  const plan = { ...bare, warmUp };
  const starting = startFrom(options, plans, plan, { modelFile, settings });
  // What serves is loaded while the sessions are being made, which is done by other threads.
  void import('./onnx-model.js').catch(() => undefined);
  const { instances, plan: used } = await starting;
  try {
    const complete = completionFor(options, instances);
    // Found wrong only now, because what the file declares need not be what the session says.
    complete(config);
    return { instances, assignments, plan: used, complete };
  } catch (thrown) {
    await instances.discard();
    throw thrown;
  }
}

/** What was kept of a model may be broken by now: then it is dropped, and the model itself is loaded. */
async function startFrom(
  options: ServedModelOptions,
  plans: readonly InstancePlan[],
  plan: ModelSessionPlan,
  itself: Pick<ModelSessionPlan, 'modelFile' | 'settings'>,
): Promise<Pick<StartedSessions, 'instances' | 'plan'>> {
  if (plan.modelFile !== itself.modelFile) {
    try {
      return { instances: await startInstances(plans, plan), plan };
    } catch (thrown) {
      const { dropOptimized } = await import('../src/onnxruntime/optimized-model.js');
      await dropOptimized(plan.modelFile);
      options.log?.warn(`what was kept of model '${options.name}' did not load and is dropped: ${messageOf(thrown)}`);
    }
  }
  const own = { ...plan, ...itself };
  return { instances: await startAll(options, plans, own), plan: own };
}

async function startAll(
  { modelFile }: ServedModelOptions,
  plans: readonly InstancePlan[],
  plan: ModelSessionPlan,
): Promise<ReadyInstances> {
  try {
    return await startInstances(plans, plan);
  } catch (cause) {
    const { explainLoadFailure } = await import('./explain-load-failure.js');
    throw new PerfTsError('BAD_FILE', await explainLoadFailure(messageOf(cause), modelFile), cause);
  }
}

/** What the sessions take and return, from one that is made for that alone. */
async function inspect(
  options: ServedModelOptions,
  plans: readonly InstancePlan[],
  plan: ModelSessionPlan,
): Promise<CompleteConfig> {
  const instances = await startAll(options, plans.slice(0, 1), plan);
  await instances.discard();
  return completionFor(options, instances);
}

/** Warm-up requests are made of what the config says of the inputs, which may have to be asked for first. */
async function readSamples(
  { name, config, modelFile, modelFolder = dirname(dirname(modelFile)) }: ServedModelOptions,
  askModel: () => Promise<CompleteConfig>,
): Promise<readonly WarmUpSample[]> {
  if (!Array.isArray(config.model_warmup) || config.model_warmup.length === 0) return [];
  const completed = namesTensors(config) ? config : (await askModel())(config);
  const { samples, problems } = await readWarmUp(completed, modelFolder);
  refuseConfig(name, problems);
  return samples;
}

/** @throws PerfTsError BAD_FILE from the completion, for a config that contradicts the model. */
function completionFor(
  { name, modelFolder, configFile, defaultMaxBatchSize }: ServedModelOptions,
  { inputs, overridableInputs, outputs }: ReadyInstances,
): CompleteConfig {
  const signature = { inputs, overridableInputs, outputs };
  return (config) => {
    const facts = { signature, ...(defaultMaxBatchSize === undefined ? {} : { defaultMaxBatchSize }) };
    const completed = completeFromModel(config, facts);
    const found = [...findTensorProblems(completed), ...findSignatureProblems(completed, signature, config)];
    const file = configFile ?? join(modelFolder ?? name, 'config.pbtxt');
    if (found.length > 0) throw new PerfTsError('BAD_FILE', locateProblems(config, file, found));
    return completed;
  };
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
