/** What a valid model config may ask for that this engine does not do: refused when the model is loaded, never ignored. */
import type { Problem } from '../src/common/errors.js';
import type { ModelConfig } from '../src/model-config/model-config.js';

/** More threads than this for one model is a slip of the keyboard. */
const MOST_INSTANCES = 256;

export function findUnservable(config: ModelConfig): readonly Problem[] {
  return [...checkInstances(config), ...checkBatching(config), ...checkWarmUp(config)];
}

function checkInstances({ instance_group: groups = [] }: ModelConfig): Problem[] {
  const problems = groups.flatMap(({ kind, gpus = [] }, index): Problem[] => {
    if (kind !== 'KIND_GPU' && gpus.length === 0) return [];
    const what = 'asks for a GPU, and this engine runs on the CPU';
    return [{ where: `instance_group[${index}]`, what, hint: 'use kind: KIND_CPU' }];
  });
  const count = groups.reduce((sum, group) => sum + (group.count ?? 1), 0);
  if (count > MOST_INSTANCES) {
    problems.push({ where: 'instance_group', what: `asks for ${count} instances; the most is ${MOST_INSTANCES}` });
  }
  return problems;
}

function checkWarmUp({ model_warmup: warmups }: ModelConfig): Problem[] {
  if (!Array.isArray(warmups) || warmups.length === 0) return [];
  const hint = 'remove it: perf-ts finds the end of warm-up itself when it measures';
  return [{ where: 'model_warmup', what: 'is not supported by this version of the engine', hint }];
}

function checkBatching({ dynamic_batching: batching }: ModelConfig): Problem[] {
  if (batching === undefined) return [];
  const refuse = (field: string): Problem => ({
    where: `dynamic_batching.${field}`,
    what: 'is not supported by this version of the engine',
    hint: 'remove it',
  });
  const hasPolicy = Object.keys(batching.default_queue_policy ?? {}).length > 0;
  const hasPolicies = Object.keys(batching.priority_queue_policy ?? {}).length > 0;
  return [
    ...((batching.priority_levels ?? 0) > 0 ? [refuse('priority_levels')] : []),
    ...(hasPolicy ? [refuse('default_queue_policy')] : []),
    ...(hasPolicies ? [refuse('priority_queue_policy')] : []),
  ];
}
