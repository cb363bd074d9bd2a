/** Which instances a model's config asks for: their names, as Triton gives them, and the CPU cores they are bound to. */
import type { InstanceGroupConfig, ModelConfig } from '../../src/model-config/model-config.js';
import type { HostPolicies } from './host-policy.js';

export interface InstancePlan {
  /** `<group>_<number in the group>`; a group that has no name of its own is `<model>_<group number>`. */
  readonly name: string;
  /** The only cores its threads may run on; undefined leaves them to the system. */
  readonly cpuCores?: readonly number[];
  /** The GPU that it runs on; undefined for the CPU. */
  readonly gpu?: number;
}

/** The instances of a completed config, at least one, in the order of their groups. */
export function planInstances(config: ModelConfig, hostPolicies: HostPolicies = new Map()): readonly InstancePlan[] {
  const groups = config.instance_group ?? [];
  const plans = groups.flatMap((group, index) =>
    planGroup(group, group.name || `${config.name}_${index}`, hostPolicies),
  );
  return plans.length > 0 ? plans : [{ name: `${config.name}_0` }];
}

function planGroup(group: InstanceGroupConfig, name: string, hostPolicies: HostPolicies): InstancePlan[] {
  const cpuCores = hostPolicies.get(hostPolicyOf(group))?.cpuCores;
  // On GPUs the count is that of each of them, as in Triton.
  const places: readonly (number | undefined)[] = group.kind === 'KIND_GPU' ? gpusOf(group) : [undefined];
  return places
    .flatMap((gpu) => Array.from({ length: group.count ?? 1 }, () => gpu))
    .map((gpu, index) => ({
      name: `${name}_${index}`,
      ...(cpuCores === undefined ? {} : { cpuCores }),
      ...(gpu === undefined ? {} : { gpu }),
    }));
}

/** A group that names no device was completed with all there are; providers that have no numbers take the first. */
const gpusOf = ({ gpus }: InstanceGroupConfig): readonly number[] => (gpus?.length ? gpus : [0]);

/** The policy that a group names, or the one that every group of its kind falls under. */
const hostPolicyOf = ({ host_policy: policy, kind }: InstanceGroupConfig): string =>
  policy || (kind === 'KIND_MODEL' ? 'model' : kind === 'KIND_GPU' ? 'gpu' : 'cpu');

/** True when both describe the same instance, so that one that runs can go on as the other. */
export const isSamePlan = (a: InstancePlan, b: InstancePlan): boolean =>
  a.name === b.name && a.cpuCores?.join() === b.cpuCores?.join() && a.gpu === b.gpu;
