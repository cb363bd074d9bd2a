/** Loads one model version and serves it: checks requests, schedules them, counts them. */
import { systemClock } from '../src/common/clock.js';
import { messageOf, PerfTsError, type Problem } from '../src/common/errors.js';
import { micros } from '../src/common/units.js';
import type { ModelMetadata } from '../src/kserve/metadata.js';
import type { ModelConfig } from '../src/model-config/model-config.js';
import { loadOrtLibrary } from '../src/onnxruntime/library.js';
import { bundledLibraryPath } from '../src/onnxruntime/library-path.js';
import { readSessionSettings } from '../src/onnxruntime/triton-settings.js';
import { findUnservable } from './config-limits.js';
import type { InferenceRequest, OnOutcome } from './inference.js';
import { type InstancePool, startInstances } from './instance/instance-pool.js';
import { planSlotLayout, type SlotLayout, type TensorShape } from './instance/slot-layout.js';
import { ModelExecutor, type QueuedInference } from './model-executor.js';
import { type AcceptedRequest, checkRequest } from './request-check.js';
import type { BatchPolicy } from './scheduler/batch-decision.js';
import { Scheduler } from './scheduler/scheduler.js';
import type { ServedModel, ServedModelOptions } from './served-model.js';
import { ModelStats } from './stats/model-stats.js';
import { tensorShapesOf } from './tensor-shapes.js';

/** Batches that may stand formed before busy instances, for each of them, as in Triton's prefetching. */
const FORMED_BATCHES_PER_INSTANCE = 2;

/**
 * Starts the model's instances and resolves when all have their sessions. Rejects with PerfTsError BAD_FILE for a
 * config or file that cannot be served, naming every problem, and RUNTIME_UNUSABLE for the library.
 */
export async function loadModel(options: ServedModelOptions): Promise<ServedModel> {
  const { name, config, modelFile } = options;
  const { settings, problems } = readSessionSettings(config);
  const all: Problem[] = [...problems, ...findUnservable(config)].map((problem) => ({
    ...problem,
    where: `${name}/config.pbtxt, ${problem.where}`,
  }));
  if (all.length > 0) throw new PerfTsError('BAD_FILE', all);

  // Loaded here too: telemetry can be switched off by the main thread only, a bad library is found before any thread
  // starts, and the library stays mapped when the last worker is gone.
  const ortLibrary = options.ortLibrary ?? bundledLibraryPath();
  loadOrtLibrary(ortLibrary);
  const maxBatchSize = config.max_batch_size ?? 0;
  const { inputs, outputs } = tensorShapesOf(config);
  const layout = planSlotLayout(inputs, outputs, maxBatchSize);
  const instanceCount = (config.instance_group ?? []).reduce((sum, { count }) => sum + (count ?? 1), 0);
  const batchLimit = batchLimitOf(config, layout, instanceCount);
  const model = new OnnxModel(options, inputs, outputs);
  let pool: InstancePool;
  try {
    pool = await startInstances({
      modelFile,
      ortLibrary,
      settings,
      instanceCount,
      slotCount: batchLimit,
      layout,
      onDone: (slot, control) => model.finish(slot, control),
      onDeath: (reason) => model.fail(reason),
    });
  } catch (cause) {
    if (cause instanceof PerfTsError) throw cause;
    throw new PerfTsError(
      'BAD_FILE',
      {
        where: modelFile,
        what: `ONNX Runtime cannot load the model: ${messageOf(cause)}`,
        hint: 'check the file with the onnx package’s checker',
      },
      cause,
    );
  }
  model.connect(pool, layout, batchLimit);
  return model;
}

function batchLimitOf(config: ModelConfig, layout: SlotLayout | undefined, instanceCount: number): number {
  // Without a layout a batch cannot grow once it is placed, so it is formed only when an instance is free to run it.
  if (layout === undefined && config.dynamic_batching !== undefined) return instanceCount;
  return (1 + FORMED_BATCHES_PER_INSTANCE) * instanceCount;
}

function policyOf(config: ModelConfig): BatchPolicy {
  const batching = config.dynamic_batching;
  const maxBatchSize = config.max_batch_size ?? 0;
  return {
    isDynamic: batching !== undefined && maxBatchSize > 0,
    maxBatchSize,
    preferredBatchSizes: [...(batching?.preferred_batch_size ?? [])].sort((a, b) => a - b),
    maxQueueDelay: micros(batching?.max_queue_delay_microseconds ?? 0),
  };
}

class OnnxModel implements ServedModel {
  readonly name: string;
  readonly version: string;
  readonly config: ModelConfig;
  readonly metadata: ModelMetadata;
  readonly #accepted: AcceptedRequest;
  readonly #inputs: readonly TensorShape[];
  readonly #outputs: readonly TensorShape[];
  /** True when some input has an open dimension, so that shapes decide what may share a batch. */
  readonly #hasOpenShapes: boolean;
  readonly #stats = new ModelStats();
  readonly #policy: BatchPolicy;
  #pool: InstancePool | undefined;
  #executor: ModelExecutor | undefined;
  #scheduler: Scheduler<QueuedInference> | undefined;
  #refusal: string | undefined;
  #onIdle: (() => void) | undefined;
  #closing: Promise<void> | undefined;

  constructor(
    { name, version, config }: ServedModelOptions,
    inputs: readonly TensorShape[],
    outputs: readonly TensorShape[],
  ) {
    this.name = name;
    this.version = version;
    this.config = config;
    this.#inputs = inputs;
    this.#outputs = outputs;
    this.#policy = policyOf(config);
    this.#hasOpenShapes = inputs.some(({ clientDims }) => clientDims.includes(-1));
    const { maxBatchSize } = this.#policy;
    this.#accepted = {
      modelName: name,
      maxBatchSize,
      inputs: inputs.map(({ name, dataType, clientDims }) => ({ name, dataType, dims: clientDims })),
      outputNames: new Set(outputs.map(({ name }) => name)),
    };
    const describe = ({ name, dataType, clientDims }: TensorShape) => ({
      name,
      datatype: dataType,
      shape: maxBatchSize > 0 ? [-1, ...clientDims] : clientDims,
    });
    this.metadata = {
      name,
      versions: [version],
      platform: 'onnxruntime_onnx',
      inputs: inputs.map(describe),
      outputs: outputs.map(describe),
    };
  }

  connect(pool: InstancePool, layout: SlotLayout | undefined, batchLimit: number): void {
    this.#pool = pool;
    this.#executor = new ModelExecutor({
      pool,
      layout,
      inputs: this.#inputs,
      outputs: this.#outputs,
      hasBatchDimension: this.#policy.maxBatchSize > 0,
      batchLimit,
      stats: this.#stats,
      clock: systemClock,
    });
    this.#scheduler = new Scheduler({ policy: this.#policy, sink: this.#executor, clock: systemClock });
  }

  infer(request: InferenceRequest, onOutcome: OnOutcome): void {
    const failure =
      this.#refusal === undefined
        ? checkRequest(request, this.#accepted)
        : { status: 'UNAVAILABLE' as const, message: this.#refusal };
    if (failure !== undefined) {
      setImmediate(() => {
        this.#stats.addFailure(systemClock.now() - request.receivedAt);
        onOutcome({ state: 'failed', failure });
      });
      return;
    }
    this.#scheduler?.enqueue({
      request,
      onOutcome,
      rows: this.#policy.maxBatchSize > 0 ? request.inputs[0]!.shape[0]! : 1,
      queuedAt: systemClock.now(),
      shapeKey: this.#hasOpenShapes
        ? request.inputs
            .map(({ name, shape }) => `${name}${shape.slice(1)}`)
            .sort()
            .join()
        : '',
      isCancelled: () => request.isCancelled(),
    });
  }

  statistics() {
    return this.#stats.read(this.name, this.version);
  }

  finish(slot: number, control: Parameters<ModelExecutor['finish']>[1]): void {
    this.#executor?.finish(slot, control);
    this.#scheduler?.dispatch();
    this.#tellIfIdle();
  }

  /** Instances are gone: what is in flight fails, and so does everything from now on. */
  fail(reason: string): void {
    this.#refusal = `model '${this.name}' cannot run: ${reason}`;
    this.#executor?.failAll({ status: 'INTERNAL', message: this.#refusal });
    this.#scheduler?.dropAll();
    this.#tellIfIdle();
  }

  close(): Promise<void> {
    this.#closing ??= this.#drain();
    return this.#closing;
  }

  async #drain(): Promise<void> {
    this.#refusal ??= `model '${this.name}' is being unloaded`;
    await new Promise<void>((resolve) => {
      this.#onIdle = resolve;
      this.#tellIfIdle();
    });
    await this.#pool?.close();
  }

  #tellIfIdle(): void {
    if ((this.#scheduler?.queuedCount ?? 0) === 0 && (this.#executor?.placedCount ?? 0) === 0) this.#onIdle?.();
  }
}
