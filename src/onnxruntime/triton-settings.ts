/**
 * Session settings from a model configuration, by the keys and places of Triton's ONNX Runtime backend
 * (onnxruntime_backend, src/onnxruntime.cc). What Triton would silently ignore is refused by name here.
 */
import type { Problem } from '../common/errors.js';
import { elementPath, entryPath } from '../model-config/field-path.js';
import type { ModelConfig } from '../model-config/model-config.js';
import { type AcceleratorDevice, findAccelerator, type ProviderName, providerTable } from './provider-table.js';
import type { ExecutionMode, GraphLevel, SessionSettings } from './session-settings.js';

/** A parameter's text turned into settings. */
type ReadParameter = (text: string) => Partial<SessionSettings> | { readonly refusal: string };

const trueWords = ['true', 'on', '1'];
const falseWords = ['false', 'off', '0'];
const executionModes: Readonly<Record<string, ExecutionMode>> = { '0': 'sequential', '1': 'parallel' };

function flag(toSettings: (isOn: boolean) => Partial<SessionSettings>): ReadParameter {
  return (text) => {
    const word = text.toLowerCase();
    if (trueWords.includes(word)) return toSettings(true);
    if (falseWords.includes(word)) return toSettings(false);
    return { refusal: `must be one of ${[...trueWords, ...falseWords].join(', ')}` };
  };
}

/** The backend passes on only counts above zero; 0 leaves the choice to ONNX Runtime. */
function threadCount(toSettings: (count: number) => Partial<SessionSettings>): ReadParameter {
  return (text) => {
    if (!/^\d{1,4}$/.test(text)) return { refusal: 'must be a whole number from 0 to 9999' };
    return Number(text) > 0 ? toSettings(Number(text)) : {};
  };
}

const parameterReaders: Readonly<Record<string, ReadParameter>> = {
  intra_op_thread_count: threadCount((intraOpThreads) => ({ intraOpThreads })),
  inter_op_thread_count: threadCount((interOpThreads) => ({ interOpThreads })),
  execution_mode: (text) => {
    const executionMode = executionModes[text];
    return executionMode === undefined ? { refusal: 'must be 0 (sequential) or 1 (parallel)' } : { executionMode };
  },
  enable_mem_arena: flag((cpuArena) => ({ cpuArena })),
  enable_mem_pattern: flag((memoryPattern) => ({ memoryPattern })),
  'session.use_device_allocator_for_initializers': (text) =>
    ['0', '1'].includes(text)
      ? { configEntries: { 'session.use_device_allocator_for_initializers': text } }
      : { refusal: 'must be 0 or 1' },
  'memory.enable_memory_arena_shrinkage': (text) =>
    /^cpu:\d+(;cpu:\d+)*$/.test(text)
      ? { runConfigEntries: { 'memory.enable_memory_arena_shrinkage': text } }
      : { refusal: 'must name CPU arenas, such as cpu:0' },
};

/** Parameters of the same backend that only its CUDA provider reads. */
const cudaParameters = [
  'cudnn_conv_algo_search',
  'gpu_mem_limit',
  'arena_extend_strategy',
  'do_copy_in_default_stream',
];

/** Triton's graph levels: -1 basic, 1 extended, 2 off, and everything else, 0 or absent included, is all. */
function toGraphLevel(level: number | undefined): GraphLevel {
  if (level === -1) return 'basic';
  if (level === 1) return 'extended';
  return level === 2 ? 'disabled' : 'all';
}

/** Settings, and every problem with the path of its field; the settings hold only without problems. */
export function readSessionSettings(config: ModelConfig): { settings: SessionSettings; problems: readonly Problem[] } {
  const { providers, problems } = readAccelerators(config);
  let settings: SessionSettings = { graphLevel: toGraphLevel(config.optimization?.graph?.level) };
  for (const [key, parameter] of Object.entries(config.parameters ?? {})) {
    const where = entryPath('parameters', key);
    const read = Object.hasOwn(parameterReaders, key) ? parameterReaders[key] : undefined;
    if (read === undefined) {
      problems.push(unknownParameter(key, where));
      continue;
    }
    const result = read(parameter.string_value);
    if ('refusal' in result) problems.push({ where, what: `'${parameter.string_value}' ${result.refusal}` });
    else settings = { ...settings, ...result };
  }
  return { settings: providers.length === 0 ? settings : { ...settings, providers }, problems };
}

function unknownParameter(key: string, where: string): Problem {
  if (cudaParameters.includes(key)) {
    return { where, what: 'is for the CUDA execution provider, which this engine does not have', hint: 'remove it' };
  }
  return {
    where,
    what: 'is not a parameter of the ONNX Runtime backend',
    hint: `it reads ${Object.keys(parameterReaders).join(', ')}`,
  };
}

function readAccelerators(config: ModelConfig): { providers: ProviderName[]; problems: Problem[] } {
  const accelerators = config.optimization?.execution_accelerators;
  const providers: ProviderName[] = [];
  const problems: Problem[] = [];
  const read = (device: AcceleratorDevice, list: string, names: readonly { readonly name: string }[] = []): void => {
    names.forEach(({ name }, index) => {
      const row = findAccelerator(device, name);
      if (row !== undefined) providers.push(row.name);
      else problems.push(missingProvider(name, elementPath(`optimization.execution_accelerators.${list}`, index)));
    });
  };
  read('gpu', 'gpu_execution_accelerator', accelerators?.gpu_execution_accelerator);
  read('cpu', 'cpu_execution_accelerator', accelerators?.cpu_execution_accelerator);
  return { providers, problems };
}

const missingProvider = (name: string, where: string): Problem => ({
  where,
  what: `this engine has no execution provider '${name}', only ${providerTable.map((row) => row.name).join(', ')}`,
  hint: 'remove the accelerator to run on the CPU',
});
