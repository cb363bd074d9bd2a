/**
 * Session settings from a model configuration, by the keys and places of Triton's ONNX Runtime backend
 * (onnxruntime_backend, src/onnxruntime.cc). What Triton would silently ignore is refused by name here.
 */
import type { Problem } from '../common/errors.js';
import type { ModelConfig } from '../model-config/model-config.js';
import { findAccelerator } from './provider-table.js';
import type { GraphLevel, SessionSettings } from './session-settings.js';

type Parse = (text: string) => unknown;

function parseFlag(text: string): boolean {
  const word = text.toLowerCase();
  if (['true', 'on', '1'].includes(word)) return true;
  if (['false', 'off', '0'].includes(word)) return false;
  throw new Error('must be true, on, 1, false, off or 0');
}

const parseCount: Parse = (text) => {
  if (!/^\d{1,4}$/.test(text)) throw new Error('must be a whole number from 0 to 9999');
  return Number(text);
};

const parseMode: Parse = (text) => {
  if (text !== '0' && text !== '1') throw new Error('must be 0 (sequential) or 1 (parallel)');
  return text === '1';
};

const verbatim: Parse = (text) => text;

const parameterParsers: Readonly<Record<string, Parse>> = {
  intra_op_thread_count: parseCount,
  inter_op_thread_count: parseCount,
  execution_mode: parseMode,
  enable_mem_arena: parseFlag,
  enable_mem_pattern: parseFlag,
  'session.use_device_allocator_for_initializers': verbatim,
  'memory.enable_memory_arena_shrinkage': verbatim,
};

/** Triton's graph levels: -1 basic, 1 extended, 2 off, and everything else, 0 or absent included, is all. */
function toGraphLevel(level: number | undefined): GraphLevel {
  if (level === -1) return 'basic';
  if (level === 1) return 'extended';
  return level === 2 ? 'disabled' : 'all';
}

/** Settings, and every problem with the path of its field; the settings hold only without problems. */
export function readSessionSettings(config: ModelConfig): { settings: SessionSettings; problems: readonly Problem[] } {
  const problems: Problem[] = [...checkAccelerators(config)];
  const values: Record<string, unknown> = {};
  for (const [key, parameter] of Object.entries(config.parameters ?? {})) {
    const where = `parameters["${key}"]`;
    const parse = Object.hasOwn(parameterParsers, key) ? parameterParsers[key] : undefined;
    if (parse === undefined) {
      const hint = `the ONNX Runtime backend reads ${Object.keys(parameterParsers).join(', ')}`;
      problems.push({ where, what: 'is not a parameter of the ONNX Runtime backend on CPU', hint });
      continue;
    }
    try {
      values[key] = parse(parameter.string_value);
    } catch (thrown) {
      problems.push({ where, what: `${(thrown as Error).message}, not '${parameter.string_value}'` });
    }
  }
  return { settings: toSettings(config, values), problems };
}

function toSettings(config: ModelConfig, values: Readonly<Record<string, unknown>>): SessionSettings {
  const threads = (key: string): number | undefined => {
    const count = values[key] as number | undefined;
    // The backend passes on only counts above zero.
    return count !== undefined && count > 0 ? count : undefined;
  };
  const intraOpThreads = threads('intra_op_thread_count');
  const interOpThreads = threads('inter_op_thread_count');
  const entry = (key: string): Record<string, string> =>
    values[key] === undefined ? {} : { [key]: values[key] as string };
  return {
    graphLevel: toGraphLevel(config.optimization?.graph?.level),
    executionMode: values['execution_mode'] === true ? 'parallel' : 'sequential',
    ...(intraOpThreads === undefined ? {} : { intraOpThreads }),
    ...(interOpThreads === undefined ? {} : { interOpThreads }),
    ...(values['enable_mem_arena'] === undefined ? {} : { cpuArena: values['enable_mem_arena'] as boolean }),
    ...(values['enable_mem_pattern'] === undefined ? {} : { memoryPattern: values['enable_mem_pattern'] as boolean }),
    configEntries: entry('session.use_device_allocator_for_initializers'),
    runConfigEntries: entry('memory.enable_memory_arena_shrinkage'),
  };
}

function checkAccelerators(config: ModelConfig): Problem[] {
  const accelerators = config.optimization?.execution_accelerators;
  return (['gpu', 'cpu'] as const).flatMap((device) =>
    (accelerators?.[`${device}_execution_accelerator`] ?? [])
      .filter(({ name }) => findAccelerator(device, name) === undefined)
      .map(({ name }) => ({
        where: `optimization.execution_accelerators.${device}_execution_accelerator`,
        what: `the execution provider '${name}' cannot be used by this version`,
        hint: 'remove it to run on the CPU provider',
      })),
  );
}
