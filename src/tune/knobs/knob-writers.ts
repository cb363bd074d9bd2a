/** How single knob values are put into a user's config: only the field in question changes, empty parents go away. */
import type { AcceleratorConfig, InstanceGroupConfig, ModelConfig } from '../../model-config/model-config.js';
import type { AcceleratorDevice } from '../../onnxruntime/provider-table.js';

/** Instances of one group. */
export const groupCount = (config: ModelConfig, index: number): number => config.instance_group?.[index]?.count ?? 1;

/** Of the first group; the knob leaves further groups alone. */
export const defaultGroupCount = (config: ModelConfig): number => groupCount(config, 0);

/** `completed` supplies the kind where the user's config has no group: it was measured on that kind. */
export function writeGroupCount(
  config: ModelConfig,
  index: number,
  count: number,
  completed: ModelConfig,
): ModelConfig {
  const kind = completed.instance_group?.[0]?.kind;
  const groups: readonly InstanceGroupConfig[] = config.instance_group?.length
    ? config.instance_group
    : [kind === undefined ? {} : { kind }];
  return {
    ...config,
    instance_group: groups.map((group, position) => (position === index ? { ...group, count } : group)),
  };
}

/** Puts every group on one device; a group that names GPUs loses them on the CPU. */
export function writeGroupKind(
  config: ModelConfig,
  kind: 'KIND_CPU' | 'KIND_GPU',
  completed: ModelConfig,
): ModelConfig {
  const groups: readonly InstanceGroupConfig[] = config.instance_group?.length
    ? config.instance_group
    : [{ count: defaultGroupCount(completed) }];
  return {
    ...config,
    instance_group: groups.map(({ gpus, ...group }) => ({
      ...group,
      kind,
      ...(kind === 'KIND_GPU' && gpus !== undefined && { gpus }),
    })),
  };
}

export const readParameter = (config: ModelConfig, key: string): string | undefined =>
  config.parameters?.[key]?.string_value;

/** Undefined takes the parameter out. */
export function writeParameter(config: ModelConfig, key: string, text: string | undefined): ModelConfig {
  const { parameters = {}, ...rest } = config;
  const { [key]: _, ...others } = parameters;
  const next = text === undefined ? others : { ...others, [key]: { string_value: text } };
  return Object.keys(next).length === 0 ? rest : { ...rest, parameters: next };
}

/** Undefined is the backend's default: every optimization. */
export function writeGraphLevel(config: ModelConfig, level: number | undefined): ModelConfig {
  const { optimization = {}, ...rest } = config;
  const { graph = {}, ...others } = optimization;
  const { level: _, ...graphRest } = graph;
  const nextGraph = level === undefined ? graphRest : { ...graphRest, level };
  const next = Object.keys(nextGraph).length === 0 ? others : { ...others, graph: nextGraph };
  return Object.keys(next).length === 0 ? rest : { ...rest, optimization: next };
}

const listNames = { gpu: 'gpu_execution_accelerator', cpu: 'cpu_execution_accelerator' } as const;

/** The accelerators that a config asks for on one device, in order. */
export const readAcceleratorList = (config: ModelConfig, device: AcceleratorDevice): readonly AcceleratorConfig[] =>
  config.optimization?.execution_accelerators?.[listNames[device]] ?? [];

/** Replaces the list of one device; empty lists and parents go away. */
export function writeAcceleratorList(
  config: ModelConfig,
  device: AcceleratorDevice,
  list: readonly AcceleratorConfig[],
): ModelConfig {
  const { optimization = {}, ...rest } = config;
  const { execution_accelerators: accelerators = {}, ...others } = optimization;
  const { [listNames[device]]: _, ...otherLists } = accelerators;
  const lists = list.length === 0 ? otherLists : { ...otherLists, [listNames[device]]: list };
  const next = Object.keys(lists).length === 0 ? others : { ...others, execution_accelerators: lists };
  return Object.keys(next).length === 0 ? rest : { ...rest, optimization: next };
}

/** Sets or, with undefined, takes out one parameter of an accelerator that the config asks for. */
export function writeAcceleratorParameter(
  config: ModelConfig,
  device: AcceleratorDevice,
  name: string,
  key: string,
  text: string | undefined,
): ModelConfig {
  const list = readAcceleratorList(config, device).map((accelerator): AcceleratorConfig => {
    if (accelerator.name !== name) return accelerator;
    const { parameters = {}, ...bare } = accelerator;
    const { [key]: _, ...others } = parameters;
    const next = text === undefined ? others : { ...others, [key]: text };
    return Object.keys(next).length === 0 ? bare : { ...bare, parameters: next };
  });
  return writeAcceleratorList(config, device, list);
}
