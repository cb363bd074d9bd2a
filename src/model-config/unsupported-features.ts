/**
 * What a model configuration can ask for that perf-ts's engine does not do. Each is refused by name, because serving
 * the model without it would measure something else. An engine that learns one removes its row.
 */
import { elementPath, entryPath, memberPath } from './field-path.js';
import type { FieldProblem } from './json-form.js';
import type { ModelConfig } from './model-config.js';

/** Top-level fields that are refused when they hold anything. */
const refusedFields: Readonly<Record<string, string>> = {
  sequence_batching: 'the sequence batcher is not supported',
  ensemble_scheduling: 'ensembles are not supported',
  batch_input: 'generated batch inputs are not supported',
  batch_output: 'scattered batch outputs are not supported',
  model_repository_agents: 'repository agents are not supported',
};

interface OpenMessage {
  readonly [field: string]: unknown;
}

const isOn = (message: unknown, flag: string): boolean => (message as OpenMessage | undefined)?.[flag] === true;
const hasAny = (message: unknown, list: string): boolean => {
  const value = (message as OpenMessage | undefined)?.[list];
  return Array.isArray(value) && value.length > 0;
};

export function findUnsupportedFeatures(config: ModelConfig): readonly FieldProblem[] {
  const problems: FieldProblem[] = [];
  const refuse = (path: string, what: string): void => {
    problems.push({ path, what });
  };
  for (const [field, what] of Object.entries(refusedFields)) {
    const value = config[field];
    if (Array.isArray(value) ? value.length > 0 : value !== undefined) refuse(field, what);
  }
  if (isOn(config.model_transaction_policy, 'decoupled')) {
    refuse(
      'model_transaction_policy.decoupled',
      'decoupled models (any number of responses a request) are not supported',
    );
  }
  if (hasAny(config.model_operations, 'op_library_filename')) {
    refuse('model_operations.op_library_filename', 'libraries of custom operators are not supported');
  }
  const strategy = 'TRITON_BATCH_STRATEGY_PATH';
  if (config.parameters !== undefined && Object.hasOwn(config.parameters, strategy)) {
    refuse(entryPath('parameters', strategy), 'libraries of custom batching are not supported');
  }
  config.input?.forEach((input, index) => {
    const path = elementPath('input', index);
    if (input.allow_ragged_batch === true)
      refuse(memberPath(path, 'allow_ragged_batch'), 'ragged batches are not supported');
  });
  config.instance_group?.forEach((group, index) => {
    const path = elementPath('instance_group', index);
    if (hasAny(group, 'profile'))
      refuse(memberPath(path, 'profile'), 'profiles belong to TensorRT plans, not to ONNX models');
    if (group.passive === true) refuse(memberPath(path, 'passive'), 'passive instances are not supported');
  });
  return problems;
}
