/** Loads a small ONNX file into the real engine core and asks it, for tests. */
import type { InferenceOutcome, InferenceRequest } from '../../engine/inference.js';
import { loadModel } from '../../engine/model.js';
import type { ServedModel, ServedModelOptions } from '../../engine/served-model.js';
import { nowNs } from '../../src/common/clock.js';
import type { Tensor } from '../../src/kserve/tensor.js';
import type { InputConfig, ModelConfig, OutputConfig } from '../../src/model-config/model-config.js';
import { modelFile } from './model-files.js';

type TensorConfig = InputConfig & OutputConfig;

export const tensorConfig = (name: string, type: string, dims: readonly number[]): TensorConfig => ({
  name,
  data_type: `TYPE_${type}`,
  dims,
});

export const addSubConfig: ModelConfig = {
  input: [tensorConfig('INPUT0', 'FP32', [4]), tensorConfig('INPUT1', 'FP32', [4])],
  output: [tensorConfig('OUTPUT0', 'FP32', [4]), tensorConfig('OUTPUT1', 'FP32', [4])],
  max_batch_size: 8,
};

export const busyConfig: ModelConfig = {
  input: [tensorConfig('X', 'FP32', [64])],
  output: [tensorConfig('Y', 'FP32', [64])],
  max_batch_size: 8,
};

export const dynamicBatching = (parts: ModelConfig['dynamic_batching'] = {}): ModelConfig => ({
  dynamic_batching: { preferred_batch_size: [8], ...parts },
});

/** One instance with one thread, unless `config` says otherwise. */
export function loadTestModel(
  name: string,
  config: ModelConfig,
  parts: Partial<ServedModelOptions> = {},
): Promise<ServedModel> {
  return loadModel({
    name,
    version: '1',
    modelFile: modelFile(name),
    config: {
      name,
      instance_group: [{ kind: 'KIND_CPU', count: 1 }],
      parameters: { intra_op_thread_count: { string_value: '1' } },
      ...config,
    },
    ...parts,
  });
}

/** The outcome, with bytes that stay; rejects when it comes before `infer` returns or twice. */
export function ask(
  model: ServedModel,
  inputs: readonly Tensor[],
  parts: Partial<InferenceRequest> = {},
): Promise<InferenceOutcome> {
  return new Promise((resolve, reject) => {
    let hasReturned = false;
    let calls = 0;
    const request: InferenceRequest = {
      id: '',
      inputs,
      requestedOutputs: [],
      batchSize: 1,
      priority: 0,
      timeoutUs: 0,
      receivedAt: nowNs(),
      isCancelled: () => false,
      ...parts,
    };
    model.infer(request, (outcome) => {
      calls++;
      if (!hasReturned || calls > 1) reject(new Error(`outcome ${calls}, after the call: ${hasReturned}`));
      resolve(
        outcome.state === 'ok'
          ? {
              state: 'ok',
              outputs: outcome.outputs.map((output) => ({ ...output, bytes: Uint8Array.from(output.bytes) })),
            }
          : outcome,
      );
    });
    hasReturned = true;
  });
}

/** The outputs of a request that must succeed. */
export async function outputsOf(
  model: ServedModel,
  inputs: readonly Tensor[],
  parts: Partial<InferenceRequest> = {},
): Promise<readonly Tensor[]> {
  const outcome = await ask(model, inputs, parts);
  if (outcome.state === 'failed') throw new Error(outcome.failure.message);
  return outcome.outputs;
}
