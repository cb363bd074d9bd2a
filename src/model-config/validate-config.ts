/**
 * Checks a model configuration as a whole: everything Triton would refuse at load, what contradicts the model, and
 * what the engine does not do. Reads nothing; positions come from the parser.
 */
import { appendAll } from '../common/append-all.js';
import type { Problem } from '../common/errors.js';
import { ONNX_BACKEND, ONNX_FILE, ONNX_LIBRARY, ONNX_PLATFORM } from './complete-config.js';
import { linesOf, placeOf } from './config-lines.js';
import { elementPath, entryPath, memberPath } from './field-path.js';
import { type FieldProblem, toJsonForm } from './json-form.js';
import type { DynamicBatchingConfig, InstanceGroupConfig, ModelConfig, QueuePolicyConfig } from './model-config.js';
import type { ModelSignature } from './model-signature.js';
import { findSignatureProblems } from './signature-problems.js';
import { findTensorProblems } from './tensor-problems.js';
import { findUnsupportedFeatures } from './unsupported-features.js';

export interface ValidationFacts {
  /** The model's folder name, which the config's name must equal. */
  readonly modelName?: string;
  /** The ONNX model that the config is for. */
  readonly signature?: ModelSignature;
  /** What `config` was completed from, where it was. */
  readonly given?: ModelConfig;
}

/**
 * Every problem of `config`, which may be as parsed or completed; none means that the engine can serve it. `where` is
 * `file:line` for a config that was parsed from text, else `file`; the sentence begins with the field's path.
 */
export function validateModelConfig(
  config: ModelConfig,
  file: string,
  facts: ValidationFacts = {},
): readonly Problem[] {
  const schemaProblems = toJsonForm(config).problems;
  // Values of a wrong kind would make the checks below say nonsense.
  const found = schemaProblems.length > 0 ? schemaProblems : findProblems(config, facts);
  return locateProblems(config, file, found);
}

/** The problems of a config's fields with the place of each: `file:line` where `config` remembers its lines. */
export function locateProblems(
  config: ModelConfig,
  file: string,
  problems: readonly FieldProblem[],
): readonly Problem[] {
  const lines = linesOf(config);
  return problems.map(({ path, what }) => ({ where: placeOf(file, lines, path), what: `${path}: ${what}` }));
}

function findProblems(config: ModelConfig, facts: ValidationFacts): readonly FieldProblem[] {
  return [
    ...checkIdentity(config, facts.modelName),
    ...checkBatchSize(config),
    ...findTensorProblems(config),
    ...(config.dynamic_batching ? checkDynamicBatching(config.dynamic_batching, config.max_batch_size ?? 0) : []),
    ...(config.instance_group ?? []).flatMap((group, index) =>
      checkInstanceGroup(group, elementPath('instance_group', index)),
    ),
    ...checkVersionPolicy(config),
    ...findUnsupportedFeatures(config),
    ...(facts.signature ? findSignatureProblems(config, facts.signature, facts.given) : []),
  ];
}

function checkIdentity(config: ModelConfig, modelName: string | undefined): FieldProblem[] {
  const problems: FieldProblem[] = [];
  if (modelName !== undefined && config.name && config.name !== modelName) {
    problems.push({
      path: 'name',
      what: `'${config.name}' must be the name of its folder, '${modelName}', or be left out`,
    });
  }
  if (config.backend && config.backend !== ONNX_BACKEND) {
    problems.push({ path: 'backend', what: `'${config.backend}' is not supported, only '${ONNX_BACKEND}'` });
  }
  if (config.runtime && config.runtime !== ONNX_LIBRARY) {
    problems.push({
      path: 'runtime',
      what: `'${config.runtime}' is not the ONNX Runtime backend's library, which is '${ONNX_LIBRARY}'; leave it out`,
    });
  }
  if (!config.backend && !config.platform && (config.default_model_filename || ONNX_FILE) !== ONNX_FILE) {
    const what = `must be given beside a default_model_filename other than '${ONNX_FILE}': backend: "${ONNX_BACKEND}"`;
    problems.push({ path: 'backend', what });
  }
  if (config.platform && config.platform !== ONNX_PLATFORM) {
    problems.push({ path: 'platform', what: `'${config.platform}' is not supported, only '${ONNX_PLATFORM}'` });
  }
  return problems;
}

function checkBatchSize(config: ModelConfig): FieldProblem[] {
  if ((config.max_batch_size ?? 0) >= 0) return [];
  return [{ path: 'max_batch_size', what: `is ${config.max_batch_size}, but must be 0 (no batching) or more` }];
}

function checkDynamicBatching(batching: DynamicBatchingConfig, maxBatchSize: number): FieldProblem[] {
  const at = (field: string): string => memberPath('dynamic_batching', field);
  const problems: FieldProblem[] = [];
  batching.preferred_batch_size?.forEach((size, index) => {
    const path = elementPath(at('preferred_batch_size'), index);
    if (size <= 0) problems.push({ path, what: `${size} must be above 0` });
    else if (size > maxBatchSize)
      problems.push({ path, what: `${size} is above max_batch_size, which is ${maxBatchSize}` });
  });
  const levels = batching.priority_levels ?? 0;
  const defaultLevel = batching.default_priority_level ?? 0;
  if (levels > 0 && (defaultLevel < 1 || defaultLevel > levels)) {
    problems.push({
      path: at('default_priority_level'),
      what: `must be from 1 to ${levels}, the number of priority_levels`,
    });
  }
  for (const level of Object.keys(batching.priority_queue_policy ?? {})) {
    if (levels > 0 && (Number(level) < 1 || Number(level) > levels)) {
      problems.push({
        path: entryPath(at('priority_queue_policy'), level),
        what: `there are only levels 1 to ${levels}`,
      });
    }
  }
  if (batching.preserve_ordering === true) appendAll(problems, checkOrdering(batching, levels, at));
  return problems;
}

/** Responses in order of arrival exclude whatever lets one request overtake another. */
function checkOrdering(batching: DynamicBatchingConfig, levels: number, at: (field: string) => string): FieldProblem[] {
  const problems: FieldProblem[] = [];
  if (levels > 1) problems.push({ path: at('preserve_ordering'), what: `contradicts ${levels} priority_levels` });
  const canDelay = (policy: QueuePolicyConfig | undefined): boolean =>
    policy?.timeout_action === 'DELAY' && (policy.default_timeout_microseconds ?? 0) > 0;
  const what = 'DELAY contradicts preserve_ordering';
  if (canDelay(batching.default_queue_policy)) problems.push({ path: at('default_queue_policy.timeout_action'), what });
  for (const [level, policy] of Object.entries(batching.priority_queue_policy ?? {})) {
    if (!canDelay(policy)) continue;
    problems.push({ path: memberPath(entryPath(at('priority_queue_policy'), level), 'timeout_action'), what });
  }
  return problems;
}

function checkInstanceGroup(group: InstanceGroupConfig, path: string): FieldProblem[] {
  const problems: FieldProblem[] = [];
  const refuse = (field: string, what: string): void => {
    problems.push({ path: memberPath(path, field), what });
  };
  if ((group.count ?? 0) < 0) refuse('count', `is ${group.count}, but must be 1 or more (0 means the default)`);
  const gpus = group.gpus ?? [];
  if (gpus.length > 0 && (group.kind === 'KIND_CPU' || group.kind === 'KIND_MODEL'))
    refuse('gpus', `cannot be given for ${group.kind}`);
  gpus.forEach((gpu, index) => {
    if (gpu < 0) refuse(elementPath('gpus', index), `${gpu} is not a GPU's number`);
    if (gpus.indexOf(gpu) < index) refuse(elementPath('gpus', index), `GPU ${gpu} is listed twice`);
  });
  return problems;
}

function checkVersionPolicy(config: ModelConfig): FieldProblem[] {
  const policy = config.version_policy;
  if (policy?.latest !== undefined && (policy.latest.num_versions ?? 0) < 1) {
    return [{ path: 'version_policy.latest.num_versions', what: 'must be 1 or more' }];
  }
  if (policy?.specific !== undefined && !policy.specific.versions?.length) {
    return [{ path: 'version_policy.specific.versions', what: 'names no version' }];
  }
  return [];
}
