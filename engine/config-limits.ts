/** What a valid model config may ask for that this engine does not do: refused when the model is loaded, never ignored. */
import { join } from 'node:path';
import { closestWord } from '../src/common/closest-word.js';
import { PerfTsError, type Problem } from '../src/common/errors.js';
import type { ModelConfig } from '../src/model-config/model-config.js';
import type { ConfigNote } from '../src/onnxruntime/config-notes.js';
import { type CudaDevices, findCudaDevices } from '../src/onnxruntime/cuda-devices.js';
import { acceleratorsOf, findAccelerator } from '../src/onnxruntime/provider-table.js';
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
const builtInPolicies = [/^cpu$/, /^gpu(_\d+)?$/, /^model$/];

/** GPUs that instance groups name are looked for only when one does; `cuda` stands in for this machine's in tests. */
export function findUnservable(config: ModelConfig, cuda: () => CudaDevices = findCudaDevices): readonly Problem[] {
  return [...checkInstances(config), ...checkPlaces(config, cuda), ...checkSingle(config)];
}

/** Accelerators for GPUs that CUDA's device numbers say nothing of. */
const otherGpuProviders = acceleratorsOf('gpu').filter((name) => !['cuda', 'tensorrt'].includes(name));

function checkPlaces(config: ModelConfig, cuda: () => CudaDevices): Problem[] {
  const { instance_group: groups = [], optimization } = config;
  const accelerators = optimization?.execution_accelerators?.gpu_execution_accelerator ?? [];
  const isOnGpu = groups.some(({ kind }) => kind === 'KIND_GPU');
  const problems: Problem[] = [];
  groups.forEach(({ kind, gpus = [] }, index) => {
    if (kind === 'KIND_GPU' || gpus.length === 0) return;
    const what = `names GPUs, and its kind is ${kind ?? 'KIND_AUTO'}, which runs on the CPU here`;
    problems.push({ where: `instance_group[${index}].gpus`, what, hint: 'use kind: KIND_GPU or remove gpus' });
  });
  if (!isOnGpu || accelerators.some(({ name }) => otherGpuProviders.includes(name))) return problems;
  const { devices, reason } = cuda();
  const known = devices.map(({ gpu }) => gpu);
  groups.forEach(({ kind, gpus = [] }, index) => {
    if (kind !== 'KIND_GPU') return;
    const where = `instance_group[${index}]`;
    const unknown = gpus.filter((gpu) => !known.includes(gpu));
    if (reason !== undefined) {
      problems.push({ where, what: `asks for a GPU, and there is none: ${reason}`, hint: 'use kind: KIND_CPU' });
    } else if (unknown.length > 0) {
      const what = `there is no CUDA device ${unknown.join(', ')}, only ${known.join(', ')}`;
      problems.push({ where: `${where}.gpus`, what, hint: 'name devices that are there' });
    }
  });
  return problems;
}

/** A provider that would crash with a second session in the process. */
function checkSingle({ instance_group: groups = [], optimization }: ModelConfig): Problem[] {
  const accelerators = optimization?.execution_accelerators?.gpu_execution_accelerator ?? [];
  const single = accelerators.find(({ name }) => findAccelerator('gpu', name)?.isSingle === true);
  const count = groups
    .filter(({ kind }) => kind === 'KIND_GPU')
    .reduce((sum, group) => sum + (group.count ?? 1) * Math.max(1, group.gpus?.length ?? 1), 0);
  if (single === undefined || count <= 1) return [];
  const what = `asks for ${count} instances, and ${single.name} can run one in a process`;
  return [{ where: 'instance_group', what, hint: 'use count: 1' }];
}

function checkInstances({ instance_group: groups = [] }: ModelConfig): Problem[] {
  const problems: Problem[] = [];
  const count = groups.reduce((sum, group) => sum + (group.count ?? 1) * Math.max(1, group.gpus?.length ?? 1), 0);
  if (count > MOST_INSTANCES) {
    problems.push({ where: 'instance_group', what: `asks for ${count} instances; the most is ${MOST_INSTANCES}` });
  }
  return problems;
}

/** Groups whose host policy was not given when the engine was started: they run unbound, as with Triton. */
export function noteUnknownPolicies(
  { instance_group: groups = [] }: ModelConfig,
  policies: HostPolicies = new Map(),
): readonly ConfigNote[] {
  return groups.flatMap(({ host_policy: policy }, index): ConfigNote[] => {
    if (!policy || policies.has(policy) || builtInPolicies.some((name) => name.test(policy))) return [];
    const guess = closestWord(policy, [...policies.keys()]);
    const remedy =
      guess === undefined ? `start the engine with --host-policy=${policy},cpu-cores=0-1` : `did you mean '${guess}'?`;
    const what = `has no effect, because the engine was given no host policy '${policy}'; ${remedy}`;
    return [{ path: `instance_group[${index}].host_policy`, what }];
  });
}
