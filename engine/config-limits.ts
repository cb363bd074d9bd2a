/** What a valid model config may ask for that this engine does not do: refused when the model is loaded, never ignored. */
import { join } from 'node:path';
import { closestWord } from '../src/common/closest-word.js';
import { PerfTsError, type Problem } from '../src/common/errors.js';
import type { ModelConfig } from '../src/model-config/model-config.js';
import type { HostPolicies } from './instance/host-policy.js';

/**
 * Refuses a model's config.
 * @throws PerfTsError BAD_FILE with every problem, unless there is none.
 */
export function refuseConfig(modelName: string, problems: readonly Problem[]): void {
  if (problems.length === 0) return;
  const file = join(modelName, 'config.pbtxt');
  throw new PerfTsError(
    'BAD_FILE',
    problems.map((problem) => ({ ...problem, where: `${file}, ${problem.where}` })),
  );
}

/** More threads than this for one model is a slip of the keyboard. */
const MOST_INSTANCES = 256;

/** Policies that groups fall under by their kind; without settings they mean nothing. */
const builtInPolicies = ['cpu', 'model'];

export function findUnservable(config: ModelConfig): readonly Problem[] {
  return checkInstances(config);
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

/** Groups whose host policy was not given when the engine was started: Triton would run them unbound without a word. */
export function findUnknownPolicies(
  { instance_group: groups = [] }: ModelConfig,
  policies: HostPolicies = new Map(),
): readonly Problem[] {
  return groups.flatMap(({ host_policy: policy }, index): Problem[] => {
    if (!policy || policies.has(policy) || builtInPolicies.includes(policy)) return [];
    const guess = closestWord(policy, [...policies.keys()]);
    const what = `there is no host policy '${policy}'${guess === undefined ? '' : `; did you mean '${guess}'?`}`;
    const hint = `start the engine with --host-policy=${policy},cpu-cores=0-1, or remove it`;
    return [{ where: `instance_group[${index}].host_policy`, what, hint }];
  });
}
