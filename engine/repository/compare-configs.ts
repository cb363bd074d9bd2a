/** Which parts of two configs differ, whatever the order of their fields and however absent values are written. */
import type { ModelConfig } from '../../src/model-config/model-config.js';
import { modelConfigType } from '../../src/model-config/schema.js';

const sortKeys = (_: string, value: unknown): unknown =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
    : value;

/** With every plain field at least at its zero value, which is what protobuf takes an absent one for. */
function canonical(config: ModelConfig): string {
  const type = modelConfigType();
  const form = type.toObject(type.fromObject(config), { longs: Number, enums: String, defaults: true });
  return JSON.stringify(form, sortKeys);
}

/** True when only instance groups and the version policy differ, if anything does: what a served model can take over. */
export function differInChangeable(a: ModelConfig, b: ModelConfig): boolean {
  const fixedPart = (config: ModelConfig): string => canonical({ ...config, instance_group: [], version_policy: {} });
  return fixedPart(a) === fixedPart(b);
}

export const areSameConfigs = (a: ModelConfig, b: ModelConfig): boolean => canonical(a) === canonical(b);
