/**
 * Fills in what a missing or partial config leaves open, by the rules of Triton's core and its ONNX Runtime backend.
 * Completes only; whether the result makes sense is `validateModelConfig`'s question.
 */
import { toConfigType } from '../kserve/data-types.js';
import { linesOf, rememberLines } from './config-lines.js';
import type { InputConfig, InstanceGroupConfig, ModelConfig } from './model-config.js';
import type { ModelSignature, ValueSignature } from './model-signature.js';

export const ONNX_BACKEND = 'onnxruntime';
export const ONNX_PLATFORM = 'onnxruntime_onnx';
export const ONNX_FILE = 'model.onnx';
/** File name of Triton's backend. */
export const ONNX_LIBRARY = 'libtriton_onnxruntime.so';

/** The ONNX Runtime backend's `default-max-batch-size`. */
const DEFAULT_MAX_BATCH_SIZE = 4;
/** More than one by default only on CPUs, where one instance leaves gaps between requests. */
const DEFAULT_CPU_INSTANCE_COUNT = 2;

export interface ConfigFacts {
  /** The model's folder name, which is its name when the config gives none. */
  readonly modelName: string;
  /** Whether KIND_AUTO means a GPU here. */
  readonly hasGpu: boolean;
  /** Devices of a group on GPUs that names none: all there are. Left open unless given. */
  readonly gpus?: readonly number[];
}

export interface ModelFacts {
  /** What the session of the model says, see ModelSignature. */
  readonly signature: ModelSignature;
  /** For models that can batch and whose config leaves it open; Triton's 4 unless given, 0 for no batching. */
  readonly defaultMaxBatchSize?: number;
}

export type CompletionFacts = ConfigFacts & ModelFacts;

/**
 * The config as a server would report it after loading. Fields that `config` gives are kept as they are; 0 and the
 * empty text count as not given, as they do in protobuf.
 */
export const completeModelConfig = (config: ModelConfig | undefined, facts: CompletionFacts): ModelConfig =>
  completeFromModel(completeSettings(config, facts), facts);

/** What can be filled in before the model is loaded: everything that its sessions are made of. */
export function completeSettings(config: ModelConfig | undefined, facts: ConfigFacts): ModelConfig {
  const given = config ?? {};
  const named = completeIdentity(given, facts.modelName);
  const completed: ModelConfig = {
    ...named,
    version_policy: given.version_policy ?? { latest: { num_versions: 1 } },
    instance_group: completeInstanceGroups(named, facts),
    optimization: {
      ...given.optimization,
      input_pinned_memory: given.optimization?.input_pinned_memory ?? { enable: true },
      output_pinned_memory: given.optimization?.output_pinned_memory ?? { enable: true },
    },
  };
  return withLinesOf(config, completed);
}

/** True for a config that names inputs and outputs: a server then takes neither tensors nor batching from the model. */
export const namesTensors = ({ input, output, batch_input }: ModelConfig): boolean =>
  ((input?.length ?? 0) > 0 || Array.isArray(batch_input)) && (output?.length ?? 0) > 0;

/**
 * What only the loaded model tells. Inputs, outputs and batching are taken from it when the config does not name both
 * inputs and outputs: a config that names them has said how it wants to batch.
 */
export function completeFromModel(config: ModelConfig, facts: ModelFacts): ModelConfig {
  const batched = normalizeBatching(namesTensors(config) ? config : takeTensors(config, facts));
  return withLinesOf(config, { ...batched, max_batch_size: batched.max_batch_size ?? 0 });
}

function withLinesOf(config: ModelConfig | undefined, completed: ModelConfig): ModelConfig {
  const lines = config && linesOf(config);
  if (lines !== undefined) rememberLines(completed, lines);
  return completed;
}

function completeIdentity(config: ModelConfig, modelName: string): ModelConfig {
  const name = config.name || modelName;
  const isOnnx =
    config.backend === ONNX_BACKEND || (!config.backend && (!config.platform || config.platform === ONNX_PLATFORM));
  if (!isOnnx) return { ...config, name };
  return {
    ...config,
    name,
    backend: ONNX_BACKEND,
    platform: config.platform || ONNX_PLATFORM,
    default_model_filename: config.default_model_filename || ONNX_FILE,
  };
}

/** True when every input and output of the graph has a first dimension that can be the batch. */
export const canBatch = (signature: ModelSignature): boolean =>
  [...signature.inputs, ...signature.outputs].every((value) => value.shape[0] === -1);

function takeTensors(
  config: ModelConfig,
  { signature, defaultMaxBatchSize = DEFAULT_MAX_BATCH_SIZE }: ModelFacts,
): ModelConfig {
  const hasInputs = (config.input?.length ?? 0) > 0 || Array.isArray(config.batch_input);
  const hasOutputs = (config.output?.length ?? 0) > 0;
  const maxBatchSize = config.max_batch_size || (canBatch(signature) ? defaultMaxBatchSize : 0);
  const hasScheduler = config.dynamic_batching !== undefined || config.sequence_batching !== undefined;
  const toTensor = (value: ValueSignature): InputConfig => toTensorConfig(value, maxBatchSize > 0);
  return {
    ...config,
    max_batch_size: maxBatchSize,
    input: hasInputs ? (config.input ?? []) : signature.inputs.map(toTensor),
    output: hasOutputs ? (config.output ?? []) : signature.outputs.map(toTensor),
    ...(canBatch(signature) && maxBatchSize > 1 && !hasScheduler && { dynamic_batching: {} }),
  };
}

/** The input or output that a config has for a graph's value; a scalar per request is [1] reshaped to nothing. */
export function toTensorConfig(value: ValueSignature, isBatched: boolean): InputConfig {
  const dims = isBatched ? value.shape.slice(1) : value.shape;
  const tensor = { name: value.name, data_type: toConfigType(value.dataType) };
  if (dims.length > 0) return { ...tensor, dims };
  return { ...tensor, dims: [1], ...(isBatched && { reshape: { shape: [] } }) };
}

/** Batches are meant to be as large as allowed unless preferred sizes say otherwise. */
function normalizeBatching(config: ModelConfig): ModelConfig {
  const batching = config.dynamic_batching;
  const maxBatchSize = config.max_batch_size ?? 0;
  if (batching === undefined || maxBatchSize <= 0 || (batching.preferred_batch_size?.length ?? 0) > 0) return config;
  return { ...config, dynamic_batching: { ...batching, preferred_batch_size: [maxBatchSize] } };
}

function completeInstanceGroups(config: ModelConfig, facts: ConfigFacts): readonly InstanceGroupConfig[] {
  // Triton names the group it adds itself after the model, without a number.
  const groups = config.instance_group?.length ? config.instance_group : [{ name: config.name ?? '' }];
  return groups.map((group, index) => completeInstanceGroup(group, `${config.name}_${index}`, config.backend, facts));
}

function completeInstanceGroup(
  group: InstanceGroupConfig,
  name: string,
  backend: string | undefined,
  { hasGpu, gpus = [] }: ConfigFacts,
): InstanceGroupConfig {
  const isAuto = group.kind === undefined || group.kind === 'KIND_AUTO';
  const kind = isAuto ? (hasGpu ? 'KIND_GPU' : 'KIND_CPU') : group.kind;
  const defaultCount = kind === 'KIND_CPU' && backend === ONNX_BACKEND ? DEFAULT_CPU_INSTANCE_COUNT : 1;
  const completed = { ...group, name: group.name || name, kind, count: group.count || defaultCount };
  const isOpen = kind === 'KIND_GPU' && !group.gpus?.length && gpus.length > 0;
  return isOpen ? { ...completed, gpus } : completed;
}
