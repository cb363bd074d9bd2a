/**
 * Knobs of execution providers: which one runs the model, and its options, both out of the provider table. A provider
 * is offered only where it was proven; options that Triton's CUDA path takes from model parameters alone go there.
 */

import { readByteSize } from '../../common/byte-size.js';
import type { AcceleratorConfig, ModelConfig } from '../../model-config/model-config.js';
import type { ProviderOption } from '../../onnxruntime/provider-options.js';
import {
  type AcceleratorDevice,
  findAccelerator,
  type ProviderRow,
  providerTable,
} from '../../onnxruntime/provider-table.js';
import type { KnobValue } from '../strategies/strategy.js';
import { always, type Knob, type KnobContext, type KnobScope } from './knob.js';
import {
  readAcceleratorList,
  readParameter,
  writeAcceleratorList,
  writeAcceleratorParameter,
  writeGroupKind,
  writeParameter,
} from './knob-writers.js';

const CPU = 'cpu';
const DEFAULT = 'default';
const MIB = 2 ** 20;
/** What Triton's ONNX Runtime backend knows; any other name keeps it from loading the model. */
const tritonProviders: readonly string[] = [CPU, 'cuda', 'tensorrt', 'openvino'];
/** Triton takes the name of these and ignores their parameters. */
const ignoredByTriton: readonly string[] = ['openvino'];

const rowOf = (name: string): ProviderRow | undefined => providerTable.find((row) => row.name === name);

/** The device under which a config asks for a provider, and its name there. */
function acceleratorOf(row: ProviderRow): readonly [AcceleratorDevice, string] | undefined {
  for (const device of ['gpu', 'cpu'] as const) {
    const name = row.acceleratorNames[device];
    if (name !== undefined) return [device, name];
  }
  return undefined;
}

/** The provider that takes a config's nodes first. */
export function providerOf(config: ModelConfig): string {
  for (const device of ['gpu', 'cpu'] as const) {
    for (const { name } of readAcceleratorList(config, device)) {
      const row = findAccelerator(device, name);
      if (row !== undefined) return row.name;
    }
  }
  // Triton appends CUDA to every group on a GPU.
  return config.instance_group?.some(({ kind }) => kind === 'KIND_GPU') === true ? 'cuda' : CPU;
}

/** Those proven here, the CPU's own, and the one that the model uses already. */
const usableProviders = ({ config, providers = [] }: KnobContext): string[] => [
  ...new Set<string>([CPU, providerOf(config), ...providers]),
];

export const executionProvider: Knob = {
  name: 'execution_provider',
  scope: 'portable',
  place: 'accelerator',
  writes: 'optimization.execution_accelerators, instance_group.kind',
  isOrdered: false,
  linePath: ['execution_accelerators', 'name'],
  scopeOf: (value): KnobScope => (tritonProviders.includes(String(value)) ? 'portable' : 'engine'),
  values: (context) =>
    usableProviders(context).filter((name) => name === CPU || acceleratorOf(rowOf(name)!) !== undefined),
  read: providerOf,
  refuse(value, context) {
    const row = rowOf(String(value));
    if (row === undefined) {
      return `is not an execution provider; they are ${providerTable.map(({ name }) => name).join(', ')}`;
    }
    if (usableProviders(context).includes(row.name)) return undefined;
    return `cannot be used here: it needs ${row.needs}`;
  },
  isActive: always,
  // A provider needs a build that has it.
  isLegal(value, read, { runtimeProviders }) {
    const proven = runtimeProviders?.[String(read('runtime'))];
    return value === CPU || proven === undefined || proven.some((name) => name === value);
  },
  write(config, value, context) {
    const name = String(value);
    if (name === providerOf(context.config)) return config;
    const found = name === CPU ? undefined : acceleratorOf(rowOf(name)!);
    const bare = withoutProviderParameters(writeAcceleratorList(writeAcceleratorList(config, 'gpu', []), 'cpu', []));
    const placed = found === undefined ? bare : writeAcceleratorList(bare, found[0], [{ name: found[1] }]);
    return writeGroupKind(placed, found?.[0] === 'gpu' ? 'KIND_GPU' : 'KIND_CPU', context.config);
  },
  explain: (value) =>
    value === CPU ? 'operators run on the CPU provider of ONNX Runtime' : `operators run on ${String(value)}`,
};

/** Parameters that only one provider reads keep the model from loading on another. */
function withoutProviderParameters(config: ModelConfig): ModelConfig {
  const keys = providerTable.flatMap((row) => Object.keys(row.modelParameters));
  return keys.reduce((rest, key) => writeParameter(rest, key, undefined), config);
}

interface OptionSpec {
  readonly provider: string;
  readonly option: string;
  /** The option's default stands first; `default` where the library decides. */
  readonly values: readonly KnobValue[] | ((context: KnobContext) => readonly KnobValue[]);
  readonly isOrdered?: boolean;
  readonly isMinor?: boolean;
  readonly isBytes?: boolean;
  readonly narrowsContract?: Knob['narrowsContract'];
  readonly explain: string;
}

/** A graph that was captured once serves the shapes that it was captured with, and a trial sends one shape. */
const narrowsShapes = (_: KnobValue, to: KnobValue, { config }: KnobContext): boolean =>
  to === true &&
  ((config.max_batch_size ?? 0) > 0 ||
    (config.input ?? []).some(({ dims = [] }) => dims.some((dim) => Number(dim) < 0)));

/** What fits with the requests of a trial may be too little for the largest that the model takes. */
const narrowsMemory = (from: KnobValue, to: KnobValue): boolean =>
  typeof to === 'number' && (typeof from !== 'number' || to < from);

const workspaceSizes = [1024, 256, 512, 2048, 4096].map((size) => size * MIB);
const memoryShares = ({ gpuMemoryBytes }: KnobContext): readonly KnobValue[] =>
  gpuMemoryBytes === undefined
    ? [DEFAULT]
    : [DEFAULT, ...[1 / 8, 1 / 4, 1 / 2].map((share) => Math.floor((gpuMemoryBytes * share) / MIB) * MIB)];
const threadChoices = ({ cpuCount }: KnobContext): readonly KnobValue[] => [
  DEFAULT,
  ...[...new Set([1, Math.ceil(cpuCount / 2), cpuCount])],
];

/** Options that are known to pay; any other can be written into the model's own config. */
const optionSpecs: readonly OptionSpec[] = [
  {
    provider: 'tensorrt',
    option: 'precision_mode',
    values: ['FP32', 'FP16'],
    // It changes the answers, so it is tuned only where a sweep names it.
    isMinor: true,
    explain: 'precision that TensorRT may compute in: compare its answers',
  },
  {
    provider: 'tensorrt',
    option: 'max_workspace_size_bytes',
    values: workspaceSizes,
    isOrdered: true,
    isBytes: true,
    explain: 'scratch memory that TensorRT may plan with',
  },
  {
    provider: 'tensorrt',
    option: 'trt_engine_cache_enable',
    values: [false, true],
    isMinor: true,
    explain: 'built engines are kept, so that the next load is fast',
  },
  {
    provider: 'tensorrt',
    option: 'trt_cuda_graph_enable',
    values: [false, true],
    isMinor: true,
    narrowsContract: narrowsShapes,
    explain: 'kernels are launched as one graph',
  },
  {
    provider: 'tensorrt',
    option: 'trt_builder_optimization_level',
    values: [3, 0, 1, 2, 4, 5],
    isOrdered: true,
    isMinor: true,
    explain: 'time that the build may take for faster kernels',
  },
  {
    provider: 'cuda',
    option: 'cudnn_conv_algo_search',
    values: ['EXHAUSTIVE', 'HEURISTIC', 'DEFAULT'],
    explain: 'how cuDNN chooses convolutions',
  },
  {
    provider: 'cuda',
    option: 'enable_cuda_graph',
    values: [false, true],
    narrowsContract: narrowsShapes,
    explain: 'kernels are launched as one graph',
  },
  { provider: 'cuda', option: 'use_tf32', values: [true, false], isMinor: true, explain: 'TF32 for matrix products' },
  { provider: 'cuda', option: 'prefer_nhwc', values: [false, true], isMinor: true, explain: 'channels last' },
  {
    provider: 'cuda',
    option: 'gpu_mem_limit',
    values: memoryShares,
    isOrdered: true,
    isMinor: true,
    isBytes: true,
    narrowsContract: narrowsMemory,
    explain: 'most memory that the CUDA arena takes',
  },
  {
    provider: 'cuda',
    option: 'arena_extend_strategy',
    values: ['kNextPowerOfTwo', 'kSameAsRequested'],
    isMinor: true,
    explain: 'how the CUDA arena grows',
  },
  {
    provider: 'cuda',
    option: 'do_copy_in_default_stream',
    values: [true, false],
    isMinor: true,
    explain: 'whether copies wait for computing',
  },
  {
    provider: 'openvino',
    option: 'num_streams',
    values: threadChoices,
    isOrdered: true,
    explain: 'requests that OpenVINO runs side by side in an instance',
  },
  {
    provider: 'openvino',
    option: 'num_of_threads',
    values: threadChoices,
    isOrdered: true,
    explain: 'threads of OpenVINO',
  },
];

function optionKnob(spec: OptionSpec, row: ProviderRow, option: ProviderOption): Knob {
  const { provider, option: key } = spec;
  const [device, accelerator] = acceleratorOf(row)!;
  const asParameter = Object.hasOwn(row.modelParameters, key);
  const listed = (context: KnobContext): readonly KnobValue[] =>
    typeof spec.values === 'function' ? spec.values(context) : spec.values;
  const fallback = typeof spec.values === 'function' ? DEFAULT : spec.values[0]!;
  const isOwn = (config: ModelConfig): boolean => providerOf(config) === provider;
  return {
    name: `${provider}_${key.replace(/^trt_/, '')}`,
    scope: ignoredByTriton.includes(provider) ? 'engine' : 'portable',
    place: 'accelerator',
    writes: asParameter ? `parameters.${key}` : `${provider} accelerator: ${key}`,
    isOrdered: spec.isOrdered ?? false,
    isMinor: spec.isMinor ?? false,
    linePath: [key],
    values(context) {
      if (!usableProviders(context).includes(provider)) return [this.read(context.config)];
      const all = [...new Set([...listed(context), this.read(context.config)])];
      return spec.isOrdered === true ? all.toSorted(byNumber) : all;
    },
    read(config) {
      const text = isOwn(config)
        ? (readParameterWord(config, row, key) ?? readAccelerator(config, device, accelerator, key))
        : undefined;
      return text === undefined ? fallback : valueFromText(text, fallback);
    },
    normalize: (value) => bytesOf(spec, value),
    refuse(value, context) {
      if (!usableProviders(context).includes(provider)) return `cannot be set: ${provider} cannot be used here`;
      if (value === fallback) return undefined;
      return option.type.read(textOf(value)) === undefined ? option.type.describe : undefined;
    },
    unusable: (context) => (usableProviders(context).includes(provider) ? undefined : `it needs ${row.needs}`),
    isActive: (read) => read('execution_provider') === provider,
    ...(spec.narrowsContract !== undefined && { narrowsContract: spec.narrowsContract }),
    write(config, value) {
      const text = value === fallback ? undefined : textOf(value);
      if (!asParameter) return writeAcceleratorParameter(config, device, accelerator, key, text);
      // The accelerator's own entry would be overwritten by the backend's defaults, so it must not seem to count.
      const bare = writeAcceleratorParameter(config, device, accelerator, key, undefined);
      return writeParameter(bare, key, text === undefined ? undefined : parameterText(row, key, text));
    },
    ...(spec.isBytes === true && {
      memoryBytes: (value: KnobValue) => (typeof value === 'number' ? value : 0),
    }),
    explain: () => spec.explain,
  };
}

const bytesOf = (spec: OptionSpec, value: KnobValue): KnobValue =>
  spec.isBytes === true && typeof value === 'string' ? (readByteSize(value) ?? value) : value;

/** Switches as the digits that both Triton and ONNX Runtime read. */
const textOf = (value: KnobValue): string => (value === true ? '1' : value === false ? '0' : String(value));

function valueFromText(text: string, like: KnobValue): KnobValue {
  if (typeof like === 'boolean') return ['1', 'true', 'on'].includes(text.toLowerCase());
  return /^\d{1,15}$/.test(text) ? Number(text) : text;
}

/** Numbers upwards, and words, which leave the choice to the library, at the end. */
const byNumber = (a: KnobValue, b: KnobValue): number =>
  (typeof a === 'number' ? a : Number.POSITIVE_INFINITY) - (typeof b === 'number' ? b : Number.POSITIVE_INFINITY) || 0;

const readAccelerator = (
  config: ModelConfig,
  device: AcceleratorDevice,
  name: string,
  key: string,
): string | undefined =>
  readAcceleratorList(config, device).find((entry: AcceleratorConfig) => entry.name === name)?.parameters?.[key];

/** The word that a model parameter's older number stands for. */
function readParameterWord(config: ModelConfig, row: ProviderRow, key: string): string | undefined {
  const text = readParameter(config, key);
  return text === undefined ? undefined : (row.modelParameters[key]?.type.read(text) ?? text);
}

/** The older number that stands for a word; the text itself where the parameter takes it. */
function parameterText(row: ProviderRow, key: string, word: string): string {
  const { type } = row.modelParameters[key]!;
  const number = ['0', '1', '2', '3'].find((digit) => type.read(digit) === word);
  return number ?? word;
}

/** Rows of the provider table that lack an option, or a name in model configs, have no knob for it. */
export const providerOptionKnobs: readonly Knob[] = optionSpecs.flatMap((spec) => {
  const row = rowOf(spec.provider);
  const option = row?.options[spec.option];
  return row === undefined || option === undefined || acceleratorOf(row) === undefined
    ? []
    : [optionKnob(spec, row, option)];
});
