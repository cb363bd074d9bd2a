/** A loaded model version, as front ends and the repository see it. */
import type { ModelMetadata, ModelStatistics } from '../src/kserve/metadata.js';
import type { ModelConfig } from '../src/model-config/model-config.js';
import type { InferenceRequest, OnOutcome } from './inference.js';

export interface ServedModel {
  readonly name: string;
  readonly version: string;
  /** Completed config: what `/v2/models/NAME/config` answers. */
  readonly config: ModelConfig;
  readonly metadata: ModelMetadata;
  /** Checks the request (names, shapes, types, sizes) and queues it; problems arrive through `onOutcome`. */
  infer(request: InferenceRequest, onOutcome: OnOutcome): void;
  statistics(): ModelStatistics;
  /** Refuses new requests, finishes accepted ones, stops the instances. */
  close(): Promise<void>;
}

export interface ServedModelOptions {
  readonly name: string;
  readonly version: string;
  /** Completed and validated config. */
  readonly config: ModelConfig;
  /** Absolute path of the ONNX file. */
  readonly modelFile: string;
  /** Another build of libonnxruntime than the one onnxruntime-node ships. */
  readonly ortLibrary?: string;
}
