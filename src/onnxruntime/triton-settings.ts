/**
 * Session settings from a model configuration, by the keys and places of Triton's ONNX Runtime backend
 * (onnxruntime_backend, src/onnxruntime.cc). What has no effect is config-notes.ts's business.
 */
import { appendAll } from '../common/append-all.js';
import type { Problem } from '../common/errors.js';
import { entryPath } from '../model-config/field-path.js';
import type { ModelConfig } from '../model-config/model-config.js';
import { findProviderParameter, type PlacedProvider, readAccelerators } from './accelerator-settings.js';
import { readSwitch, switchWords } from './provider-options.js';
import { providerRow } from './provider-table.js';
import type { ExecutionMode, GraphLevel, SessionSettings } from './session-settings.js';

/** A parameter's text turned into settings. */
type ReadParameter = (text: string) => Partial<SessionSettings> | { readonly refusal: string };

const SHRINKAGE = 'memory.enable_memory_arena_shrinkage';
const executionModes: Readonly<Record<string, ExecutionMode>> = { '0': 'sequential', '1': 'parallel' };

function flag(toSettings: (isOn: boolean) => Partial<SessionSettings>): ReadParameter {
  return (text) => {
    const isOn = readSwitch(text);
    return isOn === undefined ? { refusal: `must be one of ${switchWords}` } : toSettings(isOn);
  };
}

/**
 * The backend passes on only counts above zero; 0 leaves the choice to ONNX Runtime. As it reads numbers (std::stoi),
 * what follows the digits does not count.
 */
function threadCount(toSettings: (count: number) => Partial<SessionSettings>): ReadParameter {
  return (text) => {
    const count = readInteger(text);
    if (count === undefined || count > MOST_THREADS) return { refusal: `must be a whole number up to ${MOST_THREADS}` };
    return count > 0 ? toSettings(count) : {};
  };
}

const MOST_THREADS = 9999;

function readInteger(text: string): number | undefined {
  const digits = /^\s*([+-]?\d{1,10})/.exec(text)?.[1];
  return digits === undefined || Math.abs(Number(digits)) >= 2 ** 31 ? undefined : Number(digits);
}

const parameterReaders: Readonly<Record<string, ReadParameter>> = {
  intra_op_thread_count: threadCount((intraOpThreads) => ({ intraOpThreads })),
  inter_op_thread_count: threadCount((interOpThreads) => ({ interOpThreads })),
  execution_mode: (text) => {
    const executionMode = executionModes[String(readInteger(text))];
    return executionMode === undefined ? { refusal: 'must be 0 (sequential) or 1 (parallel)' } : { executionMode };
  },
  enable_mem_arena: flag((cpuArena) => ({ cpuArena })),
  enable_mem_pattern: flag((memoryPattern) => ({ memoryPattern })),
  'session.use_device_allocator_for_initializers': (text) =>
    ['0', '1'].includes(text)
      ? { configEntries: { 'session.use_device_allocator_for_initializers': text } }
      : { refusal: 'must be 0 or 1' },
  [SHRINKAGE]: (text) =>
    /^(cpu:0|gpu:\d{1,4})(;(cpu:0|gpu:\d{1,4}))*$/.test(text)
      ? { runConfigEntries: { [SHRINKAGE]: text } }
      : { refusal: 'must name arenas, such as cpu:0, or cpu:0;gpu:0 with a GPU' },
};

export const knownParameters: readonly string[] = Object.keys(parameterReaders);
export const isBackendParameter = (key: string): boolean => Object.hasOwn(parameterReaders, key);

/** True for a completed config with instances on GPUs. */
export const usesGpu = ({ instance_group: groups = [] }: ModelConfig): boolean =>
  groups.some(({ kind }) => kind === 'KIND_GPU');

/** Triton's graph levels: -1 basic, 1 extended, 2 off, and everything else, 0 or absent included, is all. */
function toGraphLevel(level: number | undefined): GraphLevel {
  if (level === -1) return 'basic';
  if (level === 1) return 'extended';
  return level === 2 ? 'disabled' : 'all';
}

export interface ConfigSettings {
  readonly settings: SessionSettings;
  /** The providers of `settings`, with their places in the config. */
  readonly providers: readonly PlacedProvider[];
  /** With the path of each field; settings and providers hold only without problems. */
  readonly problems: readonly Problem[];
}

/** What a config asks of a session. Whether the library can do it is `findMissingProviders`'s question. */
export function readSessionSettings(config: ModelConfig): ConfigSettings {
  const accelerators = readAccelerators(withUsableAccelerators(config));
  const problems = [...accelerators.problems];
  let providers = withImpliedCuda(config, accelerators.providers);
  let settings: SessionSettings = { graphLevel: toGraphLevel(config.optimization?.graph?.level) };
  for (const [key, parameter] of Object.entries(config.parameters ?? {})) {
    const where = entryPath('parameters', key);
    const read = Object.hasOwn(parameterReaders, key) ? parameterReaders[key] : undefined;
    if (read === undefined) {
      const placed = readProviderParameter(key, parameter.string_value, where, providers);
      if ('what' in placed) problems.push(placed);
      else providers = placed.providers;
      continue;
    }
    const result = read(parameter.string_value);
    if ('refusal' in result) problems.push({ where, what: `'${parameter.string_value}' ${result.refusal}` });
    else settings = { ...settings, ...result };
  }
  appendAll(problems, checkArena(settings, providers));
  if (providers.length > 0) {
    const context = { intraOpThreads: settings.intraOpThreads };
    settings = {
      ...settings,
      providers: providers.map(({ name, options }) => ({
        name,
        options: providerRow(name).finish?.(options, context) ?? options,
      })),
    };
  }
  return { settings, providers, problems };
}

/** Accelerators for GPUs are not even looked at, by Triton either, where all instances are on the CPU. */
function withUsableAccelerators(config: ModelConfig): ModelConfig {
  const { instance_group: groups = [], optimization } = config;
  if (groups.length === 0 || usesGpu(config) || optimization?.execution_accelerators === undefined) return config;
  const { gpu_execution_accelerator: _, ...others } = optimization.execution_accelerators;
  return { ...config, optimization: { ...optimization, execution_accelerators: others } };
}

/** Triton appends CUDA for every instance on a GPU; a config need not ask for it. Other makes of GPU stand instead. */
function withImpliedCuda(config: ModelConfig, providers: readonly PlacedProvider[]): readonly PlacedProvider[] {
  const group = (config.instance_group ?? []).findIndex(({ kind }) => kind === 'KIND_GPU');
  const isOther = ({ name }: PlacedProvider): boolean =>
    name !== 'tensorrt' && providerRow(name).devices.includes('gpu');
  if (group === -1 || providers.some(isOther)) return providers;
  const cuda: PlacedProvider = { name: 'cuda', options: {}, keys: [], where: `instance_group[${group}].kind` };
  const after = providers.findLastIndex(({ name }) => name === 'tensorrt') + 1;
  return [...providers.slice(0, after), cuda, ...providers.slice(after)];
}

/** Shrinking an arena that is not there fails every run. */
function checkArena(
  { cpuArena, runConfigEntries = {} }: SessionSettings,
  providers: readonly PlacedProvider[],
): Problem[] {
  const where = entryPath('parameters', SHRINKAGE);
  const arenas = (runConfigEntries[SHRINKAGE] ?? '').split(';');
  const hasGpu = providers.some(({ name }) => providerRow(name).devices.includes('gpu'));
  if (cpuArena === false && arenas.includes('cpu:0')) {
    const what = 'has nothing to shrink for cpu:0, because enable_mem_arena is off';
    return [{ where, what, hint: 'remove one of them' }];
  }
  const gpu = hasGpu ? undefined : arenas.find((arena) => arena.startsWith('gpu:'));
  return gpu === undefined ? [] : [{ where, what: `names '${gpu}', and this model runs on no GPU`, hint: 'say cpu:0' }];
}

/** The providers with an option that the model's own parameters set, or why that cannot be. */
function readProviderParameter(
  key: string,
  text: string,
  where: string,
  providers: readonly PlacedProvider[],
): Problem | { readonly providers: readonly PlacedProvider[] } {
  const found = findProviderParameter(key);
  if (found === undefined) return { providers };
  const { row, option } = found;
  if (!providers.some(({ name }) => name === row.name)) return { providers };
  const value = option.type.read(text);
  if (value === undefined) return { where, what: `'${text}' ${option.type.describe}` };
  return {
    providers: providers.map((provider) =>
      provider.name === row.name ? { ...provider, options: { ...provider.options, [key]: value } } : provider,
    ),
  };
}
