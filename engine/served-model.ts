/** A loaded model version, as front ends and the repository see it. */
import type { ModelMetadata, ModelStatistics } from '../src/kserve/metadata.js';
import type { ModelConfig } from '../src/model-config/model-config.js';
import type { PlaceAssignment } from '../src/onnxruntime/prepare-session.js';
import type { OutputLabels } from './classification/read-labels.js';
import type { InferenceRequest, OnOutcome } from './inference.js';
import type { HostPolicies } from './instance/host-policy.js';
import type { InlineModels } from './instance/inline-models.js';
import type { EngineLog } from './log/engine-log.js';
import type { TensorMemory } from './memory/tensor-memory.js';

/** Why requests failed, in the words of Triton's nv_inference_request_failure metric. */
export const failureReasons = ['REJECTED', 'CANCELED', 'BACKEND', 'OTHER'] as const;
export type FailureReason = (typeof failureReasons)[number];

/** What the metrics endpoint tells of a model beyond its statistics. */
export interface ModelGauges {
  /** Requests that wait in the queue. */
  readonly pendingRequestCount: number;
  readonly failureCounts: Readonly<Record<FailureReason, number>>;
  readonly loadDurationNs: number;
  /** Memory by kind (`cpu`, `cpu_pinned`, `gpu`) and device, as in Triton's memory_usage. */
  readonly memoryUsage: readonly { readonly type: string; readonly id: number; readonly byteSize: number }[];
}

export interface ServedModel {
  readonly name: string;
  readonly version: string;
  /** Completed config: what `/v2/models/NAME/config` answers. */
  readonly config: ModelConfig;
  readonly metadata: ModelMetadata;
  /** For classification; left out where no output has a label file. */
  readonly labels?: OutputLabels;
  /** What of its config has no effect, a sentence each; left out where nothing is known of that. */
  readonly notes?: readonly string[];
  /** Which execution providers took which nodes; left out or empty where only the CPU's own was asked for. */
  readonly assignments?: readonly PlaceAssignment[];
  /** Checks the request (names, shapes, types, sizes) and queues it; problems arrive through `onOutcome`. */
  infer(request: InferenceRequest, onOutcome: OnOutcome): void;
  statistics(): ModelStatistics;
  gauges(): ModelGauges;
  /**
   * Takes over a config that differs in `instance_group` and `version_policy` only, while requests run on; instances
   * that both have are not touched. Rejects when instances cannot be started, and nothing has changed then. A model
   * without it is loaded anew instead.
   */
  reconfigure?(config: ModelConfig): Promise<void>;
  /** Why the model cannot run any more; undefined while it can. */
  readonly failure?: string | undefined;
  /** Refuses new requests, finishes accepted ones, stops the instances. */
  close(): Promise<void>;
}

export interface ServedModelOptions {
  readonly name: string;
  readonly version: string;
  /** Completed but for what only the loaded model tells, and validated as far. */
  readonly config: ModelConfig;
  /** The config's place, for messages; the model's own config.pbtxt unless given. */
  readonly configFile?: string;
  /** For models that can batch and whose config leaves the size open; Triton's 4 unless given. */
  readonly defaultMaxBatchSize?: number;
  /** What is known by now to have no effect, see ServedModel. */
  readonly notes?: readonly string[];
  /** Absolute path of the ONNX file. */
  readonly modelFile: string;
  readonly labels?: OutputLabels;
  /** Absolute path of the model's folder, where label and warm-up files lie. */
  readonly modelFolder?: string;
  /** Another build of libonnxruntime than the one onnxruntime-node ships. */
  readonly ortLibrary?: string;
  /** Whether sessions are made of the model as it was optimised before; see keepOptimized. */
  readonly keepsOptimized?: boolean;
  /** Where batch slots lie; ordinary memory unless given. */
  readonly tensorMemory?: TensorMemory;
  /** Cores that instance groups may be bound to; none unless given. */
  readonly hostPolicies?: HostPolicies;
  /** Decides when tiny models may run on the thread that loads them; left out, they never do. */
  readonly inlineModels?: InlineModels;
  /** Told of each executed batch where it wants that; nobody unless given. */
  readonly log?: EngineLog;
}
