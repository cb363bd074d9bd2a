/**
 * Finds everything in a scanned config.pbtxt that the schema does not allow, where the parser would stop at the first.
 * It only explains a refusal; it never decides one.
 */

import protobuf from 'protobufjs';
import { editDistance } from '../common/closest-word.js';
import { elementPath, entryPath, memberPath } from './field-path.js';
import type { PbtxtField, PbtxtValue } from './pbtxt-scan.js';
import { enumOf, messageTypeOf } from './schema.js';

export interface PbtxtProblem {
  readonly line: number;
  readonly what: string;
  readonly hint?: string;
}

export function findPbtxtProblems(fields: readonly PbtxtField[], type: protobuf.Type): readonly PbtxtProblem[] {
  const problems: PbtxtProblem[] = [];
  checkMessage(fields, type, '', problems);
  return problems;
}

function checkMessage(
  fields: readonly PbtxtField[],
  type: protobuf.Type,
  path: string,
  problems: PbtxtProblem[],
): void {
  const firstLine = new Map<string, number>();
  const counts = new Map<string, number>();
  for (const field of fields) {
    const fieldPath = memberPath(path, field.name);
    const declared = Object.hasOwn(type.fields, field.name) ? type.fields[field.name]! : undefined;
    if (declared === undefined) {
      problems.push({ line: field.line, what: `unknown field '${fieldPath}'`, ...suggest(field.name, type) });
      continue;
    }
    const isSingle = !declared.repeated && !(declared instanceof protobuf.MapField);
    if (isSingle) checkSingle(field, declared, fieldPath, firstLine, problems);
    for (const value of field.values) {
      const index = counts.get(field.name) ?? 0;
      counts.set(field.name, index + 1);
      checkValue(value, declared, isSingle ? fieldPath : elementPath(fieldPath, index), problems);
    }
  }
}

function checkSingle(
  field: PbtxtField,
  declared: protobuf.Field,
  path: string,
  firstLine: Map<string, number>,
  problems: PbtxtProblem[],
): void {
  if (field.isList) problems.push({ line: field.line, what: `'${path}' takes one value, not a list` });
  const group =
    declared.partOf === null || declared.partOf === undefined ? field.name : `oneof ${declared.partOf.name}`;
  const earlier = firstLine.get(group);
  if (earlier === undefined) firstLine.set(group, field.line);
  else if (group === field.name)
    problems.push({ line: field.line, what: `'${path}' is given again (first on line ${earlier})` });
  else {
    const names = declared.partOf!.fieldsArray.map((member) => member.name).join(', ');
    problems.push({
      line: field.line,
      what: `'${path}' contradicts line ${earlier}: only one of ${names} can be given`,
    });
  }
}

function checkValue(value: PbtxtValue, declared: protobuf.Field, path: string, problems: PbtxtProblem[]): void {
  if (declared instanceof protobuf.MapField) {
    checkEntry(value, declared, path, problems);
    return;
  }
  const message = messageTypeOf(declared);
  if (message !== undefined) {
    if (value.kind === 'message') checkMessage(value.fields, message, path, problems);
    else problems.push({ line: value.line, what: `'${path}' takes fields in braces, not ${value.text}` });
    return;
  }
  const expected = value.kind === 'message' ? 'one value, not fields in braces' : wantedInstead(value, declared);
  if (expected !== undefined) problems.push({ line: value.line, what: `'${path}' takes ${expected}` });
}

function checkEntry(value: PbtxtValue, map: protobuf.MapField, path: string, problems: PbtxtProblem[]): void {
  if (value.kind !== 'message') {
    problems.push({ line: value.line, what: `'${path}' takes { key: ... value: ... }, not ${value.text}` });
    return;
  }
  for (const field of value.fields) {
    if (field.name !== 'key' && field.name !== 'value') {
      problems.push({
        line: field.line,
        what: `unknown field '${memberPath(path, field.name)}' in a map entry, which has key and value`,
      });
      continue;
    }
    const at =
      field.name === 'key' ? memberPath(path, 'key') : entryPath(path.replace(/\[\d+\]$/, ''), keyOf(value.fields));
    const declared = field.name === 'key' ? new protobuf.Field('key', 1, map.keyType) : asSingle(map);
    for (const inner of field.values) checkValue(inner, declared, at, problems);
  }
}

const keyOf = (entry: readonly PbtxtField[]): string => {
  const key = entry.find((field) => field.name === 'key')?.values[0];
  if (key === undefined || key.kind === 'message') return '';
  return key.kind === 'string' ? key.text.slice(1, -1) : key.text;
};

/** The field that a map's values would be if they stood alone. */
function asSingle(map: protobuf.MapField): protobuf.Field {
  const field = new protobuf.Field('value', 2, map.type);
  field.resolvedType = map.resolvedType;
  return field;
}

/** What the field takes, when it does not take this value. */
function wantedInstead(value: Exclude<PbtxtValue, { kind: 'message' }>, declared: protobuf.Field): string | undefined {
  const choices = enumOf(declared);
  if (choices !== undefined) {
    const isKnown = value.kind === 'number' || (value.kind === 'word' && Object.hasOwn(choices.values, value.text));
    return isKnown ? undefined : `one of ${Object.keys(choices.values).join(', ')}, not ${value.text}`;
  }
  switch (declared.type) {
    case 'string':
      return value.kind === 'string' ? undefined : `a text in quotes, not ${value.text}`;
    case 'bool':
      return /^(?:true|True|t|false|False|f|[01])$/.test(value.text) ? undefined : `true or false, not ${value.text}`;
    case 'float':
    case 'double':
      return value.kind === 'number' || /^-?(?:inf|infinity|nan)$/i.test(value.text)
        ? undefined
        : `a number, not ${value.text}`;
    default:
      return wantedInteger(value, declared.type);
  }
}

function wantedInteger(value: Exclude<PbtxtValue, { kind: 'message' }>, type: string): string | undefined {
  const digits = value.text.replace(/\s/g, '');
  if (value.kind !== 'number' || !/^-?(?:0[xX][\da-fA-F]+|\d+)$/.test(digits))
    return `a whole number, not ${value.text}`;
  const isNegative = digits.startsWith('-');
  if (isNegative && type.startsWith('u')) return `a whole number from 0 up, not ${value.text}`;
  const magnitude = Number(digits.replace('-', ''));
  const limit = 2 ** (type.endsWith('32') ? 32 : 64) / (type.startsWith('u') ? 1 : 2);
  const isInside = isNegative ? magnitude <= limit : magnitude < limit;
  return isInside ? undefined : `a whole number of ${type.endsWith('32') ? 32 : 64} bits, which ${value.text} is not`;
}

function suggest(name: string, type: protobuf.Type): { hint?: string } {
  const near = type.fieldsArray
    .map((field) => ({ name: field.name, distance: editDistance(name, field.name) }))
    .filter(({ name: known, distance }) => distance <= Math.max(1, Math.floor(known.length / 3)))
    .sort((a, b) => a.distance - b.distance)[0];
  return near === undefined ? {} : { hint: `did you mean '${near.name}'?` };
}
