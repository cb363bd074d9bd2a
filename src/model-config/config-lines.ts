/**
 * Remembers on which line of its file each field of a parsed config stands, so that later checks of the same config
 * can say `file:line`. Kept beside the config, not in it: configs stay plain comparable values.
 */
import protobuf from 'protobufjs';
import { elementPath, entryPath, memberPath } from './field-path.js';
import type { ModelConfig } from './model-config.js';
import type { PbtxtField } from './pbtxt-scan.js';
import { messageTypeOf } from './schema.js';

/** Field path to line, counted from 1. */
export type ConfigLines = ReadonlyMap<string, number>;

const linesByConfig = new WeakMap<object, ConfigLines>();

export const rememberLines = (config: ModelConfig, lines: ConfigLines): void => {
  linesByConfig.set(config, lines);
};

/** The lines of a config that came from `parseModelConfig` (or was completed from one), else undefined. */
export const linesOf = (config: ModelConfig): ConfigLines | undefined => linesByConfig.get(config);

/** `file:line` of the field at `path` or of the nearest field around it; just `file` when no line is known. */
export function placeOf(file: string, lines: ConfigLines | undefined, path: string): string {
  for (let known = path; known !== '' && lines !== undefined; known = parentOf(known)) {
    const line = lines.get(known);
    if (line !== undefined) return `${file}:${line}`;
  }
  return file;
}

const parentOf = (path: string): string => path.replace(/(?:^|\.)\w+$|\[(?:\d+|"(?:[^"\\]|\\.)*")\]$/, '');

/** The lines of scanned fields; elements of lists are numbered across repeated mentions of the field. */
export function collectLines(fields: readonly PbtxtField[], type: protobuf.Type): Map<string, number> {
  const lines = new Map<string, number>();
  collect(fields, type, '', lines);
  return lines;
}

function collect(fields: readonly PbtxtField[], type: protobuf.Type, path: string, lines: Map<string, number>): void {
  const counts = new Map<string, number>();
  for (const field of fields) {
    const declared = Object.hasOwn(type.fields, field.name) ? type.fields[field.name]! : undefined;
    if (declared === undefined) continue;
    const fieldPath = memberPath(path, field.name);
    if (!lines.has(fieldPath)) lines.set(fieldPath, field.line);
    for (const value of field.values) {
      const index = counts.get(field.name) ?? 0;
      counts.set(field.name, index + 1);
      if (declared instanceof protobuf.MapField) {
        collectEntry(value.kind === 'message' ? value.fields : [], declared, fieldPath, value.line, lines);
        continue;
      }
      const valuePath = declared.repeated ? elementPath(fieldPath, index) : fieldPath;
      if (declared.repeated) lines.set(valuePath, value.line);
      const message = messageTypeOf(declared);
      if (message !== undefined && value.kind === 'message') collect(value.fields, message, valuePath, lines);
    }
  }
}

function collectEntry(
  entry: readonly PbtxtField[],
  map: protobuf.MapField,
  path: string,
  line: number,
  lines: Map<string, number>,
): void {
  const key = entry.find((field) => field.name === 'key')?.values[0];
  if (key === undefined || key.kind === 'message') return;
  const plainKey = key.kind === 'string' ? key.text.slice(1, -1) : key.text;
  const entryAt = entryPath(path, plainKey);
  lines.set(entryAt, line);
  const value = entry.find((field) => field.name === 'value')?.values[0];
  const message = messageTypeOf(map);
  if (value?.kind === 'message' && message !== undefined) collect(value.fields, message, entryAt, lines);
}
