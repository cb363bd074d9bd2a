/**
 * Turns protobuf messages and JSON documents into the JSON form of a model configuration, driven by the schema: enum
 * names, plain numbers, nothing that was not given.
 */
import protobuf from 'protobufjs';
import { PerfTsError, type Problem } from '../common/errors.js';
import { elementPath, entryPath, memberPath } from './field-path.js';
import type { ModelConfig } from './model-config.js';
import { enumOf, messageTypeOf, modelConfigType, requiredFieldsOf } from './schema.js';

/** What is wrong with one value, and the path of the field that holds it. */
export interface FieldProblem {
  readonly path: string;
  readonly what: string;
}

/** Where problems go, and whether the source is a document in protobuf's JSON, which knows more than one way to write a value. */
interface Conversion {
  report(problem: FieldProblem): undefined;
  readonly isJson: boolean;
}

/**
 * Reads a document in protobuf's JSON, such as the answer of GET /v2/models/NAME/config or an override given at load:
 * names in snake or camel case, numbers also as texts, enums by name or number. Nulls and empty lists count as not given.
 * @throws PerfTsError BAD_FILE, all problems together, each with the path of its field.
 */
export function modelConfigFromJson(document: unknown, where: string): ModelConfig {
  const { config, problems } = convert(document, true);
  if (problems.length > 0) {
    throw new PerfTsError(
      'BAD_FILE',
      problems.map(({ path, what }): Problem => ({ where, what: path === '' ? what : `${path}: ${what}` })),
    );
  }
  return config;
}

/** The JSON form, and everything in `source` that the schema does not allow. */
export function toJsonForm(source: unknown): { config: ModelConfig; problems: FieldProblem[] } {
  return convert(source, false);
}

function convert(source: unknown, isJson: boolean): { config: ModelConfig; problems: FieldProblem[] } {
  const problems: FieldProblem[] = [];
  const report = (problem: FieldProblem): undefined => {
    problems.push(problem);
  };
  const config = convertMessage(modelConfigType(), source, '', { report, isJson });
  return { config: config as ModelConfig, problems };
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !isLong(value);

/** A 64-bit integer as the `long` package holds it; protobufjs uses it where that package is installed. */
const isLong = (value: unknown): value is { toString(): string } =>
  typeof value === 'object' && value !== null && 'unsigned' in value && 'low' in value && 'high' in value;

function convertMessage(
  type: protobuf.Type,
  source: unknown,
  path: string,
  conversion: Conversion,
): Record<string, unknown> {
  const result: Record<string, unknown> = requiredFieldsOf(type);
  if (!isObject(source)) {
    conversion.report({ path, what: `must be an object with the fields of ${type.name}` });
    return result;
  }
  for (const key of Object.keys(source)) {
    const field = fieldOf(type, key, conversion);
    const name = field?.name ?? key;
    const value = source[key];
    if (field === undefined) conversion.report({ path: memberPath(path, name), what: 'there is no such field' });
    else if (value !== null && value !== undefined) {
      const converted = convertField(field, value, memberPath(path, name), conversion);
      if (converted !== undefined) result[name] = converted;
    }
  }
  for (const oneof of type.oneofsArray) {
    const given = oneof.fieldsArray.map((field) => field.name).filter((name) => Object.hasOwn(result, name));
    if (given.length > 1) conversion.report({ path, what: `only one of ${given.join(' and ')} can be given` });
  }
  return result;
}

function fieldOf(type: protobuf.Type, key: string, { isJson }: Conversion): protobuf.Field | undefined {
  if (Object.hasOwn(type.fields, key)) return type.fields[key];
  return isJson ? type.fieldsArray.find(({ name }) => protobuf.util.camelCase(name) === key) : undefined;
}

function convertField(field: protobuf.Field, value: unknown, path: string, conversion: Conversion): unknown {
  if (field instanceof protobuf.MapField) {
    if (!isObject(value)) return conversion.report({ path, what: 'must be a map' });
    const entries = Object.keys(value).map(
      (key) => [key, convertSingle(field, value[key], entryPath(path, key), conversion)] as const,
    );
    return entries.length === 0 ? undefined : Object.fromEntries(entries);
  }
  if (!field.repeated) return convertSingle(field, value, path, conversion);
  if (!Array.isArray(value)) return conversion.report({ path, what: 'must be a list' });
  if (value.length === 0) return undefined;
  return value.map((element, index) => convertSingle(field, element, elementPath(path, index), conversion));
}

function convertSingle(field: protobuf.Field, value: unknown, path: string, conversion: Conversion): unknown {
  const message = messageTypeOf(field);
  if (message !== undefined) return convertMessage(message, value, path, conversion);
  const choices = enumOf(field);
  if (choices !== undefined) return convertEnum(choices, value, path, conversion);
  if (field.type === 'string' || field.type === 'bool') {
    const expected = field.type === 'bool' ? 'boolean' : 'string';
    if (typeof value === expected) return value;
    if (conversion.isJson && field.type === 'bool' && (value === 'true' || value === 'false')) return value === 'true';
    return conversion.report({ path, what: `must be ${field.type === 'bool' ? 'true or false' : 'a text'}` });
  }
  return convertNumber(field, value, path, conversion);
}

function convertEnum(choices: protobuf.Enum, value: unknown, path: string, conversion: Conversion): unknown {
  const name = typeof value === 'number' ? choices.valuesById[value] : value;
  if (typeof name === 'string' && Object.hasOwn(choices.values, name)) return name;
  return conversion.report({
    path,
    what: `'${String(value)}' is not one of ${Object.keys(choices.values).join(', ')}`,
  });
}

const integerRange: Readonly<Record<string, readonly [number, number]>> = {
  int32: [-(2 ** 31), 2 ** 31 - 1],
  uint32: [0, 2 ** 32 - 1],
  int64: [Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
  uint64: [0, Number.MAX_SAFE_INTEGER],
};

const isInt64 = (text: string): boolean => BigInt.asIntN(64, BigInt(text)) === BigInt(text);

/** What JSON has no number for is a text in protobuf's JSON. */
const specialNumbers: Readonly<Record<string, number>> = {
  NaN: Number.NaN,
  Infinity: Number.POSITIVE_INFINITY,
  '-Infinity': Number.NEGATIVE_INFINITY,
};

function convertNumber(field: protobuf.Field, value: unknown, path: string, conversion: Conversion): unknown {
  const range = integerRange[field.type];
  // protobuf's JSON writes 64-bit integers as texts and takes texts for all numbers; decoders give Long objects.
  const isText =
    typeof value === 'string' &&
    (range === undefined
      ? conversion.isJson && /^-?\d+(\.\d+)?([eE][-+]?\d+)?$/.test(value)
      : /^-?\d+$/.test(value) && (conversion.isJson || field.type.endsWith('64')));
  let number = isText || isLong(value) ? Number(value.toString()) : value;
  if (range === undefined && typeof number === 'string' && Object.hasOwn(specialNumbers, number))
    number = specialNumbers[number];
  if (typeof number !== 'number') return conversion.report({ path, what: 'must be a number' });
  if (range === undefined) return number;
  if (Number.isInteger(number) && number >= range[0] && number <= range[1]) return number;
  // Versions are names: all of their digits count.
  if (field.name === 'versions' && (isText || isLong(value)) && isInt64(value.toString())) return value.toString();
  return conversion.report({ path, what: `must be a whole number from ${range[0]} to ${range[1]}` });
}
