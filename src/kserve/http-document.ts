/** An inference document over HTTP: its JSON head and binary tail, and the tensors of a response. */
import { Buffer } from 'node:buffer';
import { checkedDataType, checkShape } from './checked-tensor.js';
import { jsonToBytes } from './json-tensor.js';
import { parseJson } from './json-text.js';
import { ProtocolError } from './protocol-error.js';
import type { Tensor } from './tensor.js';

export type JsonObject = Readonly<Record<string, unknown>>;

export interface HttpDocument {
  /** Of any type. */
  readonly json: unknown;
  readonly jsonLength: number;
  /** The bytes after the JSON. */
  readonly tail: Buffer;
}

export function asObject(value: unknown, what: string): JsonObject {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as JsonObject;
  throw new ProtocolError(`${what} must be a JSON object`);
}

/** The member, or an empty object where it is absent. */
export const parametersOf = (holder: JsonObject, what: string): JsonObject =>
  holder.parameters === undefined || holder.parameters === null
    ? {}
    : asObject(holder.parameters, `parameters of ${what}`);

/** A list member, empty where it is absent. */
export function listOf(value: unknown, what: string): readonly unknown[] {
  if (value === undefined) return [];
  if (Array.isArray(value)) return value;
  throw new ProtocolError(`${what} must be a list`);
}

export function textOf(value: unknown, what: string): string {
  if (typeof value === 'string') return value;
  throw new ProtocolError(`${what} must be a text`);
}

const noBytes = new Uint8Array(0);

/** Splits a body at `jsonLength`, the Inference-Header-Content-Length; without one the whole body is JSON. */
export function openDocument(
  body: Uint8Array,
  jsonLength: number | undefined,
  what: 'request' | 'response',
): HttpDocument {
  const length = jsonLength ?? body.byteLength;
  if (!Number.isSafeInteger(length) || length < 0 || length > body.byteLength) {
    throw new ProtocolError(`Inference-Header-Content-Length is ${length}, but the body has ${body.byteLength} bytes`);
  }
  const content = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  const json = parseJson(content.toString('utf8', 0, length), what);
  return { json, jsonLength: length, tail: content.subarray(length) };
}

/**
 * The outputs described by `list`. Those with binary_data_size take their bytes from the tail one after the other, as
 * views; nothing of the tail may be left over. Those that were written to shared memory have no bytes.
 */
export function readTensors(document: HttpDocument, list: readonly unknown[]): readonly Tensor[] {
  let position = 0;
  const tensors = list.map((entry): Tensor => {
    const description = asObject(entry, 'each output');
    const name = textOf(description.name, 'name of an output');
    const dataType = checkedDataType(name, textOf(description.datatype, `datatype of output '${name}'`));
    const shape = listOf(description.shape, `shape of output '${name}'`) as readonly number[];
    checkShape(name, shape);
    const size = parametersOf(description, `output '${name}'`).binary_data_size;
    if (size === undefined) {
      if (description.data === undefined) return { name, dataType, shape, bytes: noBytes };
      const bytes = jsonToBytes(description.data, name, dataType, shape, document.jsonLength);
      return { name, dataType, shape, bytes };
    }
    const left = document.tail.length - position;
    if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0 || size > left) {
      throw new ProtocolError(
        `output '${name}': binary_data_size is ${String(size)}, but ${left} bytes are left in the body`,
      );
    }
    const bytes = document.tail.subarray(position, position + size);
    position += size;
    return { name, dataType, shape, bytes };
  });
  const rest = document.tail.length - position;
  if (rest > 0) throw new ProtocolError(`the body has ${rest} bytes that no output claims`);
  return tensors;
}
