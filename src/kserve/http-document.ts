/** The parts of an inference document over HTTP that requests and responses share: its JSON head, tensors, binary tail. */
import { Buffer } from 'node:buffer';
import { checkedDataType, checkShape } from './checked-tensor.js';
import { jsonToBytes } from './json-tensor.js';
import { parseJson } from './json-text.js';
import { ProtocolError } from './protocol-error.js';
import type { InferInput } from './tensor.js';
import { sharedMemoryOf } from './tensor-parameters.js';

export type JsonObject = Readonly<Record<string, unknown>>;

export interface HttpDocument {
  readonly json: JsonObject;
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
export function openDocument(body: Uint8Array, jsonLength: number | undefined): HttpDocument {
  const length = jsonLength ?? body.byteLength;
  if (!Number.isSafeInteger(length) || length < 0 || length > body.byteLength) {
    throw new ProtocolError(`Inference-Header-Content-Length is ${length}, but the body has ${body.byteLength} bytes`);
  }
  const content = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  const json = asObject(parseJson(content.toString('utf8', 0, length)), 'the document');
  return { json, jsonLength: length, tail: content.subarray(length) };
}

/**
 * The tensors described by `list`. Those with binary_data_size take their bytes from the tail one after the other, as
 * views; nothing of the tail may be left over. Inputs in shared memory, and outputs that were written there, have no bytes.
 */
export function readTensors(
  document: HttpDocument,
  list: readonly unknown[],
  kind: 'input' | 'output',
): readonly InferInput[] {
  let position = 0;
  const tensors = list.map((entry): InferInput => {
    const description = asObject(entry, `each ${kind}`);
    const name = textOf(description.name, `name of an ${kind}`);
    const dataType = checkedDataType(name, textOf(description.datatype, `datatype of ${kind} '${name}'`));
    const shape = listOf(description.shape, `shape of ${kind} '${name}'`) as readonly number[];
    checkShape(name, shape);
    const parameters = parametersOf(description, `${kind} '${name}'`);
    const sharedMemory = kind === 'input' ? sharedMemoryOf(parameters, name) : undefined;
    if (sharedMemory !== undefined) {
      if (description.data !== undefined || parameters.binary_data_size !== undefined) {
        throw new ProtocolError(`input '${name}' has both data and a shared memory region`);
      }
      return { name, dataType, shape, bytes: noBytes, sharedMemory };
    }
    const size = parameters.binary_data_size;
    if (size === undefined) {
      if (kind === 'output' && description.data === undefined) return { name, dataType, shape, bytes: noBytes };
      const bytes = jsonToBytes(description.data, name, dataType, shape, document.jsonLength);
      return { name, dataType, shape, bytes };
    }
    if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0 || size > document.tail.length - position) {
      const left = document.tail.length - position;
      throw new ProtocolError(
        `${kind} '${name}': binary_data_size is ${String(size)}, but ${left} bytes are left in the body`,
      );
    }
    const bytes = document.tail.subarray(position, position + size);
    position += size;
    return { name, dataType, shape, bytes };
  });
  const rest = document.tail.length - position;
  if (rest > 0) throw new ProtocolError(`the body has ${rest} bytes that no ${kind} claims`);
  return tensors;
}
