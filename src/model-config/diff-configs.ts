/** Compares two model configurations field by field, for recommendations and reports. */
import protobuf from 'protobufjs';
import { elementPath, entryPath, memberPath } from './field-path.js';
import type { ModelConfig } from './model-config.js';
import { messageTypeOf, modelConfigType } from './schema.js';

/** One field that differs. A side that does not have the field is null. */
export interface ConfigChange {
  /** Such as `instance_group[0].count` or `parameters["intra_op_thread_count"].string_value`. */
  readonly path: string;
  readonly from: unknown;
  readonly to: unknown;
}

type Values = Readonly<Record<string, unknown>>;

/**
 * What changes from `a` to `b`, in the schema's order. Lists of plain values (dims, preferred_batch_size) and messages
 * that only one side has are one change each; everything else is compared down to its fields.
 */
export function diffModelConfigs(a: ModelConfig, b: ModelConfig): ConfigChange[] {
  return diffMessages(modelConfigType(), a, b, '');
}

function diffMessages(type: protobuf.Type, a: Values, b: Values, path: string): ConfigChange[] {
  return type.fieldsArray.flatMap((field) =>
    diffFields(field, a[field.name], b[field.name], memberPath(path, field.name)),
  );
}

function diffFields(field: protobuf.Field, a: unknown, b: unknown, path: string): ConfigChange[] {
  if (field instanceof protobuf.MapField) {
    const left = (a ?? {}) as Values;
    const right = (b ?? {}) as Values;
    const keys = [...new Set([...Object.keys(left), ...Object.keys(right)])].sort();
    return keys.flatMap((key) => diffSingle(field, left[key], right[key], entryPath(path, key)));
  }
  if (!field.repeated || messageTypeOf(field) === undefined) return diffSingle(field, a, b, path);
  const left = (a ?? []) as readonly unknown[];
  const right = (b ?? []) as readonly unknown[];
  const indices = Array.from({ length: Math.max(left.length, right.length) }, (_, index) => index);
  return indices.flatMap((index) => diffSingle(field, left[index], right[index], elementPath(path, index)));
}

function diffSingle(field: Pick<protobuf.Field, 'resolvedType'>, a: unknown, b: unknown, path: string): ConfigChange[] {
  const message = messageTypeOf(field);
  if (message !== undefined && a !== undefined && b !== undefined) {
    return diffMessages(message, a as Values, b as Values, path);
  }
  const isSame = JSON.stringify(a ?? null) === JSON.stringify(b ?? null);
  return isSame ? [] : [{ path, from: a ?? null, to: b ?? null }];
}
