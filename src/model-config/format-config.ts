/** Writes a model configuration as config.pbtxt, in the order and layout a person would choose. */
import protobuf from 'protobufjs';
import type { ModelConfig } from './model-config.js';
import { messageTypeOf, modelConfigType } from './schema.js';

/** What a reader looks for first; the rest follows in the schema's order. */
const leadingFields = [
  'name',
  'backend',
  'platform',
  'runtime',
  'default_model_filename',
  'version_policy',
  'max_batch_size',
  'input',
  'output',
  'instance_group',
  'dynamic_batching',
];

/** A message that fits into this many columns, has no message inside and few fields stands on one line. */
const LINE_WIDTH = 80;
const MAX_FIELDS_ON_LINE = 2;

/**
 * The text form of `config`, ending in a newline; the same config always gives the same text, and
 * `parseModelConfig` gives the config back. Empty lists and undefined fields are left out. Fields that the schema does
 * not have are a plain error: a ModelConfig is made by this folder's readers, which refuse them.
 */
export function formatModelConfig(config: ModelConfig): string {
  const type = modelConfigType();
  const order = new Map(type.fieldsArray.map((field, index) => [field.name, rankOf(field.name, index)]));
  const names = Object.keys(config).sort((a, b) => (order.get(a) ?? 0) - (order.get(b) ?? 0));
  return `${names.flatMap((name) => formatField(fieldOf(type, name), config[name])).join('\n')}\n`;
}

function rankOf(name: string, index: number): number {
  const leading = leadingFields.indexOf(name);
  return leading >= 0 ? leading : leadingFields.length + index;
}

function fieldOf(type: protobuf.Type, name: string): protobuf.Field {
  const field = Object.hasOwn(type.fields, name) ? type.fields[name] : undefined;
  if (field === undefined) throw new Error(`${type.name} has no field '${name}'`);
  return field;
}

/** The lines of one field; none when there is nothing to write. */
function formatField(field: protobuf.Field, value: unknown): string[] {
  if (value === undefined || value === null) return [];
  if (field instanceof protobuf.MapField) return formatMap(field, value as Readonly<Record<string, unknown>>);
  const message = messageTypeOf(field);
  if (message === undefined) return formatScalarField(field, value);
  if (!field.repeated) return formatBlock(`${field.name} `, formatMessage(message, value));
  const elements = value as readonly unknown[];
  if (elements.length === 0) return [];
  const blocks = elements.map((element) => formatBlock('', formatMessage(message, element)));
  for (const block of blocks.slice(0, -1)) block.push(`${block.pop()},`);
  return [`${field.name} [`, ...blocks.flat().map(indent), ']'];
}

function formatScalarField(field: protobuf.Field, value: unknown): string[] {
  if (!field.repeated) return [`${field.name}: ${formatScalar(field, value)}`];
  const elements = value as readonly unknown[];
  if (elements.length === 0) return [];
  return [`${field.name}: [ ${elements.map((element) => formatScalar(field, element)).join(', ')} ]`];
}

function formatMap(field: protobuf.MapField, entries: Readonly<Record<string, unknown>>): string[] {
  const message = messageTypeOf(field);
  const keyType = field.keyType === 'string' ? 'string' : 'number';
  return Object.keys(entries)
    .sort((a, b) => (keyType === 'number' ? Number(a) - Number(b) : a < b ? -1 : 1))
    .flatMap((key) => {
      const value =
        message === undefined
          ? [`value: ${formatScalar(field, entries[key])}`]
          : formatBlock('value ', formatMessage(message, entries[key]));
      return [`${field.name} {`, ...[`key: ${keyType === 'string' ? quoteText(key) : key}`, ...value].map(indent), '}'];
    });
}

function formatMessage(type: protobuf.Type, value: unknown): string[] {
  const fields = value as Readonly<Record<string, unknown>>;
  for (const name of Object.keys(fields)) fieldOf(type, name);
  return type.fieldsArray.flatMap((field) => formatField(field, fields[field.name]));
}

function formatBlock(prefix: string, lines: readonly string[]): string[] {
  if (lines.length === 0) return [`${prefix}{ }`];
  const onOneLine = `${prefix}{ ${lines.join(' ')} }`;
  const isFlat = lines.every((line) => !/[{}[]$/.test(line) && !line.startsWith(' '));
  if (prefix !== '' && isFlat && lines.length <= MAX_FIELDS_ON_LINE && onOneLine.length <= LINE_WIDTH)
    return [onOneLine];
  return [`${prefix}{`, ...lines.map(indent), '}'];
}

const indent = (line: string): string => `  ${line}`;

function formatScalar(field: Pick<protobuf.Field, 'type'>, value: unknown): string {
  if (field.type === 'string') return quoteText(String(value));
  if (typeof value !== 'number') return String(value);
  if (Object.is(value, -0)) return '-0';
  if (Number.isFinite(value)) return String(value);
  return Number.isNaN(value) ? 'nan' : value > 0 ? 'inf' : '-inf';
}

const escapes: Readonly<Record<string, string>> = { '"': '\\"', '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** In quotes, with controls as octal escapes; letters of any script stay readable. */
const quoteText = (text: string): string =>
  `"${text.replace(/["\\\p{Cc}]/gu, (sign) => escapes[sign] ?? octal(sign))}"`;

/** Controls above 0x7f are two bytes in UTF-8, each with its own escape. */
const octal = (sign: string): string =>
  [...Buffer.from(sign, 'utf8')].map((byte) => `\\${byte.toString(8).padStart(3, '0')}`).join('');
