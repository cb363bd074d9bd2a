/** A served ONNX model: the front ends' view of one model version, from the check of a request to its statistics. */
import type { Clock } from '../src/common/clock.js';
import type { ModelMetadata, ModelStatistics } from '../src/kserve/metadata.js';
import type { Failure } from '../src/kserve/status.js';
import type { ModelConfig } from '../src/model-config/model-config.js';
import type { InferenceRequest, OnOutcome } from './inference.js';
import type { InstancePool, ReadyInstances } from './instance/instance-pool.js';
import type { SlotLayout, TensorShape } from './instance/slot-layout.js';
import { ModelExecutor } from './model-executor.js';
import { QueuedInference } from './queued-inference.js';
import { type AcceptedRequest, checkRequest } from './request-check.js';
import type { BatchPolicy } from './scheduler/batch-decision.js';
import { Scheduler } from './scheduler/scheduler.js';
import type { ServedModel, ServedModelOptions } from './served-model.js';
import { ModelStats } from './stats/model-stats.js';

export interface OnnxModelOptions extends ServedModelOptions {
  readonly policy: BatchPolicy;
  readonly shapes: { readonly inputs: readonly TensorShape[]; readonly outputs: readonly TensorShape[] };
  readonly layout: SlotLayout | undefined;
  readonly slotCount: number;
  readonly instances: ReadyInstances;
  readonly clock: Clock;
}

export class OnnxModel implements ServedModel {
  readonly name: string;
  readonly version: string;
  readonly config: ModelConfig;
  readonly metadata: ModelMetadata;
  readonly #clock: Clock;
  readonly #maxBatchSize: number;
  readonly #accepted: AcceptedRequest;
  /** Inputs with an open dimension: their shapes decide what may share a batch. */
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
    const { name, version, config, policy, shapes, layout, slotCount, instances, clock } = options;
    this.name = name;
    this.version = version;
    this.config = config;
    this.metadata = describeModel(options);
    this.#clock = clock;
    this.#maxBatchSize = policy.maxBatchSize;
    this.#accepted = acceptedBy(options);
    this.#openInputs = shapes.inputs.filter(({ clientDims }) => clientDims.includes(-1));
    this.#pool = instances.serve({
      slotCount,
      layout,
      isOrdered: policy.preservesOrdering,
      onDone: (slot, control) => {
        this.#executor.finish(slot, control);
        this.#scheduler.dispatch();
        this.#tellIfIdle();
      },
      onDeath: (reason) => this.#fail(reason),
    });
    this.#executor = new ModelExecutor({
      pool: this.#pool,
      slotCount,
      layout,
      form: { ...shapes, hasBatchDimension: policy.maxBatchSize > 0 },
      stats: this.#stats,
      clock,
      onDropped: () => this.#tellIfIdle(),
    });
    this.#scheduler = new Scheduler({ policy, sink: this.#executor, clock });
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
    return this.#stats.read(this.name, this.version);
  }

  close(): Promise<void> {
    this.#closing ??= this.#drain();
    return this.#closing;
  }

  #shapeKeyOf({ inputs }: InferenceRequest): string {
    const first = this.#maxBatchSize > 0 ? 1 : 0;
    return this.#openInputs.map((open) => inputs.find(({ name }) => name === open.name)!.shape.slice(first)).join(';');
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
  }

  #tellIfIdle(): void {
    if (this.#scheduler.queuedCount === 0 && this.#executor.requestCount === 0) this.#onIdle?.();
  }
}

function acceptedBy({ name, policy, shapes }: OnnxModelOptions): AcceptedRequest {
  return {
    modelName: name,
    maxBatchSize: policy.maxBatchSize,
    inputs: shapes.inputs.map(({ name: input, dataType, clientDims }) => ({ name: input, dataType, dims: clientDims })),
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
