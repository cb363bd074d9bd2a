/** A served ONNX model: the front ends' view of one model version, from the check of a request to its statistics. */
import type { Clock } from '../src/common/clock.js';
import { NANOS_PER_MICRO, type Nanos, toSeconds } from '../src/common/units.js';
import type { ModelMetadata, ModelStatistics } from '../src/kserve/metadata.js';
import type { Failure } from '../src/kserve/status.js';
import type { ModelConfig } from '../src/model-config/model-config.js';
import type { PlaceAssignment } from '../src/onnxruntime/prepare-session.js';
import type { OutputLabels } from './classification/read-labels.js';
import { findUnservable, refuseConfig } from './config-limits.js';
import { firstElement } from './described-answers.js';
import type { InferenceRequest, OnOutcome } from './inference.js';
import type { HostPolicies } from './instance/host-policy.js';
import type { InlineMembership } from './instance/inline-models.js';
import { planInstances } from './instance/instance-plan.js';
import type { InstancePool, ReadyInstances } from './instance/instance-pool.js';
import { LONGEST_INLINE_RUN_NS } from './instance/run-watch.js';
import type { InlineService, PoolMemoryUsage } from './instance/serving-instances.js';
import type { SlotLayout, TensorShape } from './instance/slot-layout.js';
import type { TinySession } from './instance/tiny-session.js';
import { createSilentLog } from './log/create-engine-log.js';
import type { EngineLog } from './log/engine-log.js';
import { ordinaryMemory } from './memory/tensor-memory.js';
import { ModelExecutor } from './model-executor.js';
import { QueuedInference } from './queued-inference.js';
import { type AcceptedRequest, checkRequest } from './request-check.js';
import type { BatchPolicy } from './scheduler/batch-decision.js';
import type { QueuePolicies } from './scheduler/queue-policy.js';
import { Scheduler } from './scheduler/scheduler.js';
import type { ModelGauges, ServedModel, ServedModelOptions } from './served-model.js';
import { ModelStats } from './stats/model-stats.js';

export interface OnnxModelOptions extends ServedModelOptions {
  /** Fills in of a config what the model's session tells. */
  readonly complete: (config: ModelConfig) => ModelConfig;
  readonly policy: BatchPolicy;
  readonly shapes: { readonly inputs: readonly TensorShape[]; readonly outputs: readonly TensorShape[] };
  readonly layout: SlotLayout | undefined;
  readonly slotCountFor: (instanceCount: number) => number;
  readonly instances: ReadyInstances;
  readonly clock: Clock;
  readonly queuePolicies: QueuePolicies | undefined;
  /** The model runs in less time than a thread needs to wake up: its session on this thread. */
  readonly tinySession?: TinySession | undefined;
  /** From the begin of loading to instances that are ready. */
  readonly loadDurationNs: number;
  /** Who got which nodes; empty for models on the CPU provider alone. */
  readonly assignments?: readonly PlaceAssignment[];
}

export class OnnxModel implements ServedModel {
  readonly name: string;
  readonly version: string;
  config: ModelConfig;
  readonly metadata: ModelMetadata;
  readonly labels: OutputLabels;
  readonly assignments: readonly PlaceAssignment[];
  readonly notes: readonly string[];
  readonly #complete: (config: ModelConfig) => ModelConfig;
  readonly #clock: Clock;
  readonly #loadDurationNs: number;
  readonly #hostPolicies: HostPolicies | undefined;
  readonly #inlineMembership: InlineMembership | undefined;
  readonly #maxBatchSize: number;
  readonly #accepted: AcceptedRequest;
  /** Inputs with an open dimension, that may be left out or are one value for a batch: they decide what may share one. */
  readonly #openInputs: readonly TensorShape[];
  readonly #stats = new ModelStats();
  readonly #pool: InstancePool;
  readonly #executor: ModelExecutor;
  readonly #scheduler: Scheduler<QueuedInference>;
  /** Why no more requests are taken. */
  #refusal: string | undefined;
  #onIdle: (() => void) | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: OnnxModelOptions) {
    const { name, version, config, policy, shapes, layout, slotCountFor, instances, clock } = options;
    const { queuePolicies, loadDurationNs, log = createSilentLog() } = options;
    this.name = name;
    this.version = version;
    this.config = config;
    this.metadata = describeModel(options);
    this.labels = options.labels ?? new Map();
    this.assignments = options.assignments ?? [];
    this.notes = options.notes ?? [];
    this.#complete = options.complete;
    this.#clock = clock;
    this.#loadDurationNs = loadDurationNs;
    this.#hostPolicies = options.hostPolicies;
    this.#inlineMembership = options.inlineModels?.join(options.tinySession !== undefined);
    this.#maxBatchSize = policy.maxBatchSize;
    this.#accepted = acceptedBy(options);
    this.#openInputs = shapes.inputs.filter(
      ({ clientDims, isOptional, isScalar }) => clientDims.includes(-1) || isOptional || isScalar,
    );
    for (const run of instances.warmUpRuns) this.#stats.addWarmUp(run);
    this.#pool = instances.serve({
      slotCountFor,
      layout,
      memory: wantsPinnedMemory(config) ? (options.tensorMemory ?? ordinaryMemory) : ordinaryMemory,
      isOrdered: policy.preservesOrdering,
      onDone: (slot, control) => {
        this.#executor.finish(slot, control);
        this.#scheduler.dispatch();
        this.#tellIfIdle();
      },
      onDeath: (reason) => this.#fail(reason),
      onRestart: (reason) => log.warn(`model '${name}': ${reason}; it is being started again`),
      onCapacity: () => this.#scheduler.dispatch(),
      onTurn: () => this.#scheduler.dispatch(),
      inline: describeInline(options, this.#inlineMembership, log),
    });
    this.#executor = new ModelExecutor({
      pool: this.#pool,
      slotCount: this.#pool.slotCapacity,
      layout,
      form: { ...shapes, hasBatchDimension: policy.maxBatchSize > 0 },
      // Copies to a GPU are to start from page-locked memory, which slots are made of.
      borrowsInputs: !(config.instance_group ?? []).some(({ kind }) => kind === 'KIND_GPU'),
      stats: this.#stats,
      clock,
      log,
      model: { name, version },
      onDropped: () => this.#tellIfIdle(),
    });
    this.#scheduler = new Scheduler({ policy, queuePolicies, sink: this.#executor, clock });
  }

  infer(request: InferenceRequest, onOutcome: OnOutcome): void {
    const failure: Failure | undefined =
      this.#refusal === undefined
        ? checkRequest(request, this.#accepted)
        : { status: 'UNAVAILABLE', message: this.#refusal };
    if (failure !== undefined) {
      // Not counted, as in Triton: statistics begin with requests that were accepted.
      queueMicrotask(() => onOutcome({ state: 'failed', failure }));
      return;
    }
    const rows = this.#maxBatchSize > 0 && request.inputs.length > 0 ? request.inputs[0]!.shape[0]! : 1;
    const shapeKey = this.#openInputs.length === 0 ? '' : this.#shapeKeyOf(request);
    this.#scheduler.enqueue(new QueuedInference(request, onOutcome, rows, this.#clock.now(), shapeKey));
  }

  statistics(): ModelStatistics {
    this.#scheduler.tidy();
    return this.#stats.read(this.name, this.version);
  }

  gauges(): ModelGauges {
    this.#scheduler.tidy();
    return {
      pendingRequestCount: this.#scheduler.queuedCount + this.#executor.waitingRequests(),
      failureCounts: this.#stats.failureCounts(),
      loadDurationNs: this.#loadDurationNs,
      memoryUsage: describeMemory(this.#pool.memoryUsage()),
    };
  }

  get failure(): string | undefined {
    return this.#refusal;
  }

  async reconfigure(config: ModelConfig): Promise<void> {
    refuseConfig(this.name, findUnservable(config));
    await this.#pool.setInstances(planInstances({ ...config, name: config.name || this.name }, this.#hostPolicies));
    this.config = this.#complete(config);
  }

  close(): Promise<void> {
    this.#closing ??= this.#drain();
    return this.#closing;
  }

  #shapeKeyOf({ inputs }: InferenceRequest): string {
    const first = this.#maxBatchSize > 0 ? 1 : 0;
    return this.#openInputs
      .map((open) => {
        const input = inputs.find(({ name }) => name === open.name);
        if (input !== undefined && open.isScalar) return Buffer.from(firstElement(input)).toString('latin1');
        return input?.shape.slice(first) ?? '-';
      })
      .join(';');
  }

  /** Instances are gone: what is in flight fails, and so does everything from now on. */
  #fail(reason: string): void {
    this.#refusal = `model '${this.name}' cannot run: ${reason}`;
    this.#executor.failAll(this.#scheduler.takeAll(), this.#refusal);
    this.#tellIfIdle();
  }

  async #drain(): Promise<void> {
    this.#refusal ??= `model '${this.name}' is being unloaded`;
    await new Promise<void>((resolve) => {
      this.#onIdle = resolve;
      this.#tellIfIdle();
    });
    await this.#pool.close();
    this.#inlineMembership?.leave();
  }

  #tellIfIdle(): void {
    if (this.#scheduler.queuedCount === 0 && this.#executor.requestCount === 0) this.#onIdle?.();
  }
}

function describeInline(
  { name, tinySession }: OnnxModelOptions,
  membership: InlineMembership | undefined,
  log: EngineLog,
): InlineService | undefined {
  if (tinySession === undefined || membership === undefined) return undefined;
  const micros = (durationNs: number): string => `${Math.round(durationNs / NANOS_PER_MICRO)} us`;
  const where = 'it runs on the main thread while all models served are as small';
  log.info(`model '${name}': its largest batch takes ${micros(tinySession.runNs)}; ${where}`);
  const onPause = (pause: Nanos): void =>
    log.info(
      `model '${name}': runs take more than ${micros(LONGEST_INLINE_RUN_NS)}; on its threads for ${toSeconds(pause)} s`,
    );
  return { session: tinySession.session, mayRun: membership.mayRun, onPause };
}

/** A slot holds inputs and outputs, so it leaves the pinned memory pool only when the config wants neither there. */
const wantsPinnedMemory = ({ optimization }: ModelConfig): boolean =>
  optimization?.input_pinned_memory?.enable !== false || optimization.output_pinned_memory?.enable !== false;

/** Slots, and what the sessions' arenas took from the system; weights that ONNX Runtime keeps elsewhere are not known. */
function describeMemory({ pooledBytes, ordinaryBytes, arenaBytes }: PoolMemoryUsage): ModelGauges['memoryUsage'] {
  return [
    { type: 'cpu', id: 0, byteSize: ordinaryBytes + arenaBytes },
    { type: 'cpu_pinned', id: 0, byteSize: pooledBytes },
  ].filter(({ byteSize }) => byteSize > 0);
}

function acceptedBy({ name, policy, shapes }: OnnxModelOptions): AcceptedRequest {
  return {
    modelName: name,
    maxBatchSize: policy.maxBatchSize,
    inputs: shapes.inputs.map(({ name: input, dataType, clientDims, isOptional }) => ({
      name: input,
      dataType,
      dims: clientDims,
      isOptional,
    })),
    outputNames: new Set(shapes.outputs.map((output) => output.name)),
  };
}

function describeModel({ name, version, policy, shapes }: OnnxModelOptions): ModelMetadata {
  const describe = ({ name: tensor, dataType, clientDims }: TensorShape) => ({
    name: tensor,
    datatype: dataType,
    shape: policy.maxBatchSize > 0 ? [-1, ...clientDims] : clientDims,
  });
  return {
    name,
    versions: [version],
    platform: 'onnxruntime_onnx',
    inputs: shapes.inputs.map(describe),
    outputs: shapes.outputs.map(describe),
  };
}
