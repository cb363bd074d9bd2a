/**
 * What of a model's config has no effect, here and on a Triton with default flags. It does not keep the model from
 * being served, but it is said aloud: by the engine's log, by sweeps, and by `perf-ts doctor`.
 */
import { closestWord } from '../common/closest-word.js';
import { elementPath, entryPath, memberPath } from '../model-config/field-path.js';
import type { ModelConfig } from '../model-config/model-config.js';
import { accelerators, findProviderParameter, readAccelerators } from './accelerator-settings.js';
import { isBackendParameter, knownParameters, usesGpu } from './triton-settings.js';

export interface ConfigNote {
  /** The field's path in the config. */
  readonly path: string;
  /** Says that it has no effect, and who would heed it. */
  readonly what: string;
}

export const describeNote = ({ path, what }: ConfigNote): string => `${path}: ${what}`;

interface OpenMessage {
  readonly [field: string]: unknown;
}

/** Of a config whose kinds of instances are known, so a completed one. */
export const findConfigNotes = (config: ModelConfig): readonly ConfigNote[] => [
  ...noteParameters(config),
  ...noteAccelerators(config),
  ...noteOptimization(config),
  ...noteInstances(config),
  ...noteOthers(config),
];

function noteParameters(config: ModelConfig): ConfigNote[] {
  const { providers } = readAccelerators(config);
  return Object.keys(config.parameters ?? {}).flatMap((key): ConfigNote[] => {
    if (isBackendParameter(key)) return [];
    const path = entryPath('parameters', key);
    const owner = findProviderParameter(key)?.row.name;
    if (owner === undefined) {
      const guess = closestWord(key, knownParameters);
      const remedy = guess === undefined ? '' : `; did you mean '${guess}'?`;
      return [{ path, what: `is no parameter of the ONNX Runtime backend and has no effect${remedy}` }];
    }
    const isUsed = providers.some(({ name }) => name === owner) || (owner === 'cuda' && usesGpu(config));
    if (isUsed) return [];
    const what = `has no effect: only the ${owner.toUpperCase()} execution provider reads it, and this model does not use it`;
    return [{ path, what }];
  });
}

function noteAccelerators(config: ModelConfig): ConfigNote[] {
  const list = config.optimization?.execution_accelerators?.gpu_execution_accelerator ?? [];
  if (list.length === 0 || usesGpu(config)) return [];
  const names = list.map(({ name }) => `'${name}'`).join(', ');
  return [{ path: accelerators.gpu, what: `${names} has no effect: no instance group runs on a GPU here` }];
}

function noteOptimization(config: ModelConfig): ConfigNote[] {
  const fields = (config.optimization ?? {}) as OpenMessage;
  const notes: ConfigNote[] = [];
  const note = (field: string, what: string): void => {
    notes.push({ path: memberPath('optimization', field), what: `has no effect: ${what}` });
  };
  for (const field of ['cuda', 'gather_kernel_buffer_threshold', 'eager_batching']) {
    if (fields[field]) note(field, 'only TensorRT plans heed it');
  }
  const { priority } = fields;
  if (typeof priority === 'string' && priority !== 'PRIORITY_DEFAULT') note('priority', 'CUDA streams have it');
  return notes;
}

function noteInstances({ instance_group: groups = [] }: ModelConfig): ConfigNote[] {
  return groups.flatMap((group, index): ConfigNote[] => {
    const fields = group as OpenMessage;
    const at = (field: string): string => memberPath(elementPath('instance_group', index), field);
    const notes: ConfigNote[] = [];
    if (fields.rate_limiter !== undefined) {
      const what = 'has no effect here; a Triton with --rate-limit=execution_count would hold instances back by it';
      notes.push({ path: at('rate_limiter'), what });
    }
    if (Array.isArray(fields.secondary_devices) && fields.secondary_devices.length > 0) {
      notes.push({ path: at('secondary_devices'), what: 'has no effect on ONNX models' });
    }
    return notes;
  });
}

function noteOthers(config: ModelConfig): ConfigNote[] {
  const notes: ConfigNote[] = [];
  if (config.response_cache?.enable === true) {
    const what =
      'has no effect here: every request is executed; a Triton with a cache (--cache-config) answers repeated ones from it';
    notes.push({ path: 'response_cache.enable', what });
  }
  if (Object.keys((config.cc_model_filenames ?? {}) as OpenMessage).length > 0 && !usesGpu(config)) {
    notes.push({ path: 'cc_model_filenames', what: 'has no effect: no instance group runs on a GPU here' });
  }
  return notes;
}
