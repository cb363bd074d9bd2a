/** A model without ONNX Runtime: each output is the input of the same place. Tests can hold its answers back. */
import type { ModelSource } from '../../engine/frontend/model-source.js';
import type { InferenceOutcome, InferenceRequest, OnOutcome } from '../../engine/inference.js';
import type { ModelGauges, ServedModel } from '../../engine/served-model.js';
import { type DataType, toConfigType } from '../../src/kserve/data-types.js';
import type { ModelMetadata, ModelStatistics } from '../../src/kserve/metadata.js';
import type { ModelConfig } from '../../src/model-config/model-config.js';

const none = { count: 0, ns: 0 };

export interface FakeModelOptions {
  readonly name?: string;
  readonly version?: string;
  readonly dataType?: DataType;
  /** Answer only when `release` is called. */
  readonly isHeld?: boolean;
}

interface Held {
  readonly request: InferenceRequest;
  readonly onOutcome: OnOutcome;
}

export class FakeModel implements ServedModel {
  readonly name: string;
  readonly version: string;
  readonly config: ModelConfig;
  readonly metadata: ModelMetadata;
  readonly held: Held[] = [];
  isClosed = false;
  private readonly isHeld: boolean;
  private count = 0;

  constructor(options: FakeModelOptions = {}) {
    const { name = 'echo', version = '1', dataType = 'FP32', isHeld = false } = options;
    this.name = name;
    this.version = version;
    this.isHeld = isHeld;
    const tensor = (io: string): object => ({ name: io, data_type: toConfigType(dataType), dims: [-1] });
    this.config = { name, max_batch_size: 8, input: [tensor('INPUT0')], output: [tensor('OUTPUT0')] } as ModelConfig;
    this.metadata = {
      name,
      versions: [version],
      platform: 'fake',
      inputs: [{ name: 'INPUT0', datatype: dataType, shape: [-1, -1] }],
      outputs: [{ name: 'OUTPUT0', datatype: dataType, shape: [-1, -1] }],
    };
  }

  infer(request: InferenceRequest, onOutcome: OnOutcome): void {
    this.held.push({ request, onOutcome });
    if (!this.isHeld) queueMicrotask(() => this.release());
  }

  /** Answers the oldest held request, with an echo unless told otherwise. */
  release(outcome?: InferenceOutcome): void {
    this.releaseAt(0, outcome);
  }

  releaseAt(index: number, outcome?: InferenceOutcome): void {
    const [held] = this.held.splice(index, 1);
    if (held === undefined) throw new Error('no request is held');
    this.count++;
    const outputs = held.request.inputs.map((input) => ({ ...input, name: input.name.replace('INPUT', 'OUTPUT') }));
    held.onOutcome(outcome ?? { state: 'ok', outputs });
  }

  statistics(): ModelStatistics {
    return {
      name: this.name,
      version: this.version,
      last_inference: 0,
      inference_count: this.count,
      execution_count: this.count,
      inference_stats: {
        success: { count: this.count, ns: this.count * 1000 },
        fail: none,
        queue: none,
        compute_input: none,
        compute_infer: none,
        compute_output: none,
        cache_hit: none,
        cache_miss: none,
      },
      batch_stats: [],
    };
  }

  gauges(): ModelGauges {
    const failureCounts = { REJECTED: 0, CANCELED: 0, BACKEND: 0, OTHER: 0 };
    return { pendingRequestCount: this.held.length, failureCounts, loadDurationNs: 0, memoryUsage: [] };
  }

  close(): Promise<void> {
    this.isClosed = true;
    return Promise.resolve();
  }
}

/** A fixed set of models as a front end sees it. */
export const sourceOf = (...models: readonly ServedModel[]): ModelSource => ({
  find: (name, version) =>
    models.findLast((model) => model.name === name && (version === '' || model.version === version)),
  knows: (name, version = '') =>
    models.some((model) => model.name === name && (version === '' || version === model.version)),
  models: () => models,
  index: () => models.map(({ name, version }) => ({ name, version, state: 'READY', reason: '' })),
  isReady: () => true,
  loadModel: () => Promise.resolve(),
  unloadModel: () => Promise.resolve(),
});
