/** Loads one model version and serves it: starts its instances, checks requests, schedules them, counts them. */
import { dirname } from 'node:path';
import { nowNs, systemClock } from '../src/common/clock.js';
import { messageOf, PerfTsError } from '../src/common/errors.js';
import { elapsed, micros } from '../src/common/units.js';
import type { ModelConfig } from '../src/model-config/model-config.js';
import { findSignatureProblems } from '../src/model-config/tensor-problems.js';
import { findEngineOnly, findNewerOptions } from '../src/onnxruntime/accelerator-settings.js';
import { findPrecisionProblems } from '../src/onnxruntime/cpu-precision.js';
import { loadOrtLibrary } from '../src/onnxruntime/library.js';
import { bundledLibraryPath } from '../src/onnxruntime/library-path.js';
import {
  describeAssignment,
  needsOf,
  type PlaceAssignment,
  prepareSession,
} from '../src/onnxruntime/prepare-session.js';
import type { SessionSettings } from '../src/onnxruntime/session-settings.js';
import { type ConfigSettings, readSessionSettings } from '../src/onnxruntime/triton-settings.js';
import { findUnknownPolicies, findUnservable, refuseConfig } from './config-limits.js';
import type { ModelSessionPlan } from './instance/instance-messages.js';
import { type InstancePlan, planInstances } from './instance/instance-plan.js';
import { type ReadyInstances, startInstances } from './instance/instance-pool.js';
import { planSlotLayout, type SlotLayout } from './instance/slot-layout.js';
import { openTinySession } from './instance/tiny-session.js';
import { OnnxModel } from './onnx-model.js';
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
  const { settings, assignments } = await proveProviders(options, session, { ortLibrary, ortVersion, plans });
  try {
    const plan = { modelFile, ortLibrary, settings, warmUp };
    return { instances: await startInstances(plans, plan), assignments, plan };
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

/**
 * Nothing to prove for models on ONNX Runtime's own CPU provider. For others: a model is never run on another provider
 * than the one that its config asks for, and the log says who got which nodes.
 */
async function proveProviders(
  { name, modelFile, config, log }: ServedModelOptions,
  { settings, providers }: ConfigSettings,
  { ortLibrary, ortVersion, plans }: { ortLibrary: string; ortVersion: string; plans: readonly InstancePlan[] },
): Promise<{ readonly settings: SessionSettings; readonly assignments: readonly PlaceAssignment[] }> {
  if (providers.length === 0) return { settings, assignments: [] };
  const places = plans.map(({ gpu }) => gpu);
  const prepared = await prepareSession({ modelFile, ortLibrary, ortVersion, settings, places });
  if (prepared.state === 'refused') {
    const refused = providers.find((provider) => provider.name === prepared.provider) ?? providers[0]!;
    const subject = prepared.provider === undefined ? 'the model cannot be loaded with' : 'ONNX Runtime cannot use';
    const what = `${subject} ${refused.name} (ONNX Runtime ${ortVersion}): ${prepared.reason}`;
    const remedy = prepared.provider === undefined ? 'change its parameters' : `it needs ${needsOf(refused.name)}`;
    refuseConfig(name, [{ where: refused.where, what, hint: `${remedy}; or remove it to run on the CPU` }]);
    throw new Error('a refused provider must refuse the config');
  }
  for (const assignment of prepared.assignments) {
    const built = prepared.isKept ? 'built before' : `built in ${Math.round(assignment.buildNs / 1e6)} ms`;
    log?.info(`model '${name}' on ${assignment.device}: ${describeAssignment(assignment)}; ${built}`);
  }
  for (const reason of findEngineOnly(config)) log?.info(`model '${name}' is for this engine only: ${reason}`);
  return { settings: prepared.settings, assignments: prepared.assignments };
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
