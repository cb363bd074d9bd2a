/** How single knob values are put into a user's config: only the field in question changes, empty parents go away. */
import type { InstanceGroupConfig, ModelConfig } from '../model-config/model-config.js';

/** Instances of the first group; the knob leaves further groups alone. */
export const defaultGroupCount = (config: ModelConfig): number => config.instance_group?.[0]?.count ?? 1;

/** `completed` supplies the kind where the user's config has no group: it was measured on that kind. */
export function writeGroupCount(config: ModelConfig, count: number, completed: ModelConfig): ModelConfig {
  const [first, ...others] = config.instance_group ?? [];
  const kind = completed.instance_group?.[0]?.kind;
  const group: InstanceGroupConfig = first ?? (kind === undefined ? {} : { kind });
  return { ...config, instance_group: [{ ...group, count }, ...others] };
}

/** Undefined leaves the number of threads to ONNX Runtime. */
export function writeIntraOpThreads(config: ModelConfig, count: number | undefined): ModelConfig {
  const { parameters = {}, ...rest } = config;
  const { intra_op_thread_count: _, ...others } = parameters;
  const next = count === undefined ? others : { ...others, intra_op_thread_count: { string_value: String(count) } };
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
