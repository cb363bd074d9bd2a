/**
 * Decodes inference requests over HTTP as Triton's front end does: JSON, perhaps followed by the bytes of the inputs.
 * What is wrong is refused in Triton's words and with its status.
 */
import { checkShape } from './checked-tensor.js';
import { elementCount, isDataType } from './data-types.js';
import { type HttpDocument, openDocument } from './http-document.js';
import {
  asArray,
  asBoolean,
  asCount,
  asText,
  asUnsigned,
  findMember,
  type JsonObject,
  memberNames,
  memberOf,
} from './json-access.js';
import { readJsonData } from './json-request-data.js';
import { exactNumberOf } from './json-text.js';
import { ProtocolError } from './protocol-error.js';
import type { InferInput, RequestedOutput, RequestParameters } from './tensor.js';
import { checkRequestParameters, isPlainOutput, requestedOutputOf, sharedMemoryOf } from './tensor-parameters.js';

/** Which outputs are to come as binary data. */
export interface BinaryOutputs {
  readonly byDefault: boolean;
  readonly byName: ReadonlyMap<string, boolean>;
}

/** A request's body; the model's name and version are in the path. */
export interface HttpInferRequest {
  readonly id: string;
  readonly inputs: readonly InferInput[];
  readonly outputNames: readonly string[];
  /** The same outputs in full; left out when none has anything beyond its name. */
  readonly outputs?: readonly RequestedOutput[];
  /** Without those that only say how the answer is to be written. */
  readonly parameters?: RequestParameters;
  readonly binaryOutputs: BinaryOutputs;
}

/**
 * Decodes a request's body. Binary inputs are views into it; `modelName` is for messages. Throws ProtocolError for a
 * malformed body and for what perf-ts does not offer.
 */
export function decodeHttpInferRequest(
  body: Uint8Array,
  jsonLength: number | undefined,
  modelName = '',
): HttpInferRequest {
  const document = openDocument(body, jsonLength, 'request');
  const { json } = document;
  const id = readRequestId(json);
  const { binaryDefault, parameters } = readRequestParameters(json);
  const inputs = readInputs(document, modelName);
  const outputs: RequestedOutput[] = [];
  const byName = new Map<string, boolean>();
  const listed = findMember(json, 'outputs');
  if (listed !== undefined) {
    for (const entry of asArray(listed, "Unable to parse 'outputs'")) outputs.push(readRequestedOutput(entry, byName));
  }
  return {
    id,
    inputs,
    outputNames: outputs.map(({ name }) => name),
    // An output that is asked for by name says so itself.
    binaryOutputs: { byDefault: binaryDefault && outputs.length === 0, byName },
    ...(outputs.every(isPlainOutput) ? {} : { outputs }),
    ...(parameters === undefined ? {} : { parameters }),
  };
}

/** Empty where there is none. Throws ProtocolError for an id that is no text. */
export function readRequestId(json: unknown): string {
  const id = findMember(json, 'id');
  return id === undefined ? '' : asText(id, "Unable to parse 'id'");
}

interface ReadParameters {
  readonly binaryDefault: boolean;
  readonly parameters: RequestParameters | undefined;
}

function readRequestParameters(json: unknown): ReadParameters {
  const given = findMember(json, 'parameters');
  if (given === undefined) return { binaryDefault: false, parameters: undefined };
  let binaryDefault = false;
  const own: [string, unknown][] = [];
  for (const name of memberNames(given, 'failed to get request params.')) {
    const value = (given as JsonObject)[name];
    const what = `Unable to parse '${name}'`;
    if (name === 'binary_data_output') {
      binaryDefault = asBoolean(value, what);
      continue;
    }
    if (name === 'sequence_id' && typeof value !== 'string') asUnsigned(value, what);
    else if (name === 'sequence_start' || name === 'sequence_end') asBoolean(value, what);
    else if (name === 'priority' || name === 'timeout') asUnsigned(value, what);
    else if (name.startsWith('triton_')) {
      throw new ProtocolError(
        "parameter keys starting with 'triton_' are reserved for Triton usage and should not be specified.",
      );
    }
    // 64-bit integers were kept as texts, and are numbers here again so that they are refused as what they are.
    const exact = exactNumberOf(value);
    own.push([name, exact === undefined ? value : Number(exact)]);
  }
  const parameters = own.length === 0 ? undefined : checkRequestParameters(Object.fromEntries(own));
  return { binaryDefault, parameters };
}

function readRequestedOutput(entry: unknown, byName: Map<string, boolean>): RequestedOutput {
  const given = findMember(entry, 'parameters');
  const parameters = (given ?? {}) as JsonObject;
  const isShared = findMember(parameters, 'shared_memory_region') !== undefined;
  const binary = findMember(parameters, 'binary_data');
  const name = asText(memberOf(entry, 'name', "Unable to parse 'name'"), "Unable to parse 'name'");
  const classes = findMember(parameters, 'classification');
  if (classes !== undefined && !isShared) asCount(classes, "Unable to set 'classification'");
  if (binary !== undefined) {
    const isBinary = asBoolean(binary, `Unable to ${isShared ? 'set' : 'parse'} 'binary_data'`);
    if (isShared && isBinary) {
      throw new ProtocolError("Output can't set both 'shared_memory_region' and 'binary_data'");
    }
    byName.set(name, isBinary);
  }
  return requestedOutputOf(name, parameters, 0);
}

/** In Triton's order; what follows the JSON belongs to the inputs one after the other, and nothing may be left over. */
function readInputs(document: HttpDocument, modelName: string): readonly InferInput[] {
  const list = asArray(memberOf(document.json, 'inputs', "Unable to parse 'inputs'"), "Unable to parse 'inputs'");
  let position = 0;
  const inputs = list.map((entry): InferInput => {
    const parameters = findMember(entry, 'parameters');
    const size = findMember(parameters, 'binary_data_size');
    const region = findMember(parameters, 'shared_memory_region');
    const data = findMember(entry, 'data');
    refuseUnlessOne({ data, binary_data_size: size, shared_memory_region: region });
    const description = readDescription(entry);
    const { name, dataType, shape } = description;
    if (region !== undefined) {
      const sharedMemory = sharedMemoryOf(parameters as JsonObject, name);
      return { ...description, bytes: noBytes, ...(sharedMemory === undefined ? {} : { sharedMemory }) };
    }
    if (size === undefined) {
      const count = elementCount(shape);
      const bytes =
        count === 0
          ? noBytes
          : readJsonData(asArray(data, "Unable to parse 'data'"), name, dataType, count, document.jsonLength);
      return { ...description, bytes };
    }
    const byteSize = asCount(size, "Unable to parse 'binary_data_size'");
    const missing = byteSize - (document.tail.length - position);
    if (missing > 0) {
      throw new ProtocolError(
        `unexpected size for input '${name}', expecting ${missing} additional bytes for model '${modelName}'`,
      );
    }
    const bytes = document.tail.subarray(position, position + byteSize);
    position += byteSize;
    return { ...description, bytes };
  });
  if (position < document.tail.length) {
    throw new ProtocolError(`unexpected additional input data for model '${modelName}'`);
  }
  return inputs;
}

const noBytes = new Uint8Array(0);

function readDescription(entry: unknown): Pick<InferInput, 'name' | 'dataType' | 'shape'> {
  const member = (name: string): [unknown, string] => {
    const what = `Unable to parse '${name}'`;
    return [memberOf(entry, name, what), what];
  };
  const name = asText(...member('name'));
  const dataType = asText(...member('datatype'));
  const shape = asArray(...member('shape')).map((size) => asCount(size, "Unable to parse 'shape'"));
  checkShape(name, shape);
  if (!isDataType(dataType)) throw new ProtocolError(`invalid datatype for input ${name}`);
  return { name, dataType, shape };
}

function refuseUnlessOne(sources: Readonly<Record<string, unknown>>): void {
  const given = Object.keys(sources).filter((name) => sources[name] !== undefined);
  if (given.length === 1) return;
  throw new ProtocolError(
    "Input must set only one of the following fields: 'data', 'binary_data_size' in 'parameters', " +
      `'shared_memory_region' in 'parameters'. But ${
        given.length === 0 ? 'no field is set' : `set ${given.map((name) => `'${name}'`).join(' ')}`
      }`,
  );
}
