/**
 * Inference requests and responses over HTTP: JSON, and Triton's binary tensor data extension, where raw bytes follow
 * the JSON and a header (Inference-Header-Content-Length) says how long the JSON is.
 */
import { Buffer } from 'node:buffer';
import { asObject, type JsonObject, listOf, openDocument, parametersOf, readTensors, textOf } from './http-document.js';
import type { InferRequestMessage, InferResponseMessage } from './infer-codec.js';
import { bytesToJson } from './json-tensor.js';
import { exactNumberOf } from './json-text.js';
import { ProtocolError } from './protocol-error.js';
import type { InferInput, RequestedOutput, RequestParameters, Tensor } from './tensor.js';
import {
  checkRequestParameters,
  isPlainOutput,
  outputParameters,
  referenceParameters,
  requestedOutputOf,
} from './tensor-parameters.js';

export const INFERENCE_HEADER_LENGTH = 'inference-header-content-length';

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

const everyOutputBinary: BinaryOutputs = { byDefault: true, byName: new Map() };

const binaryDescription = (tensor: Tensor): object => ({
  name: tensor.name,
  datatype: tensor.dataType,
  shape: tensor.shape,
  parameters: { binary_data_size: tensor.bytes.byteLength },
});

const inputDescription = (input: InferInput): object =>
  input.sharedMemory === undefined
    ? binaryDescription(input)
    : {
        name: input.name,
        datatype: input.dataType,
        shape: input.shape,
        parameters: referenceParameters(input.sharedMemory),
      };

function outputDescription(output: RequestedOutput): object {
  const parameters = outputParameters(output);
  return {
    name: output.name,
    parameters: output.sharedMemory === undefined ? { ...parameters, binary_data: true } : parameters,
  };
}

/**
 * Encodes a request with every input binary or in shared memory, asking for binary outputs. `jsonLength` goes into the
 * header.
 */
export function encodeHttpInferRequest(message: InferRequestMessage): { body: Uint8Array; jsonLength: number } {
  const { outputNames, inputs } = message;
  const outputs = message.outputs ?? outputNames.map((name) => ({ name, classificationCount: 0 }));
  const parameters = { ...message.parameters, ...(outputs.length === 0 ? { binary_data_output: true } : {}) };
  const document = {
    ...(message.id === '' ? {} : { id: message.id }),
    ...(Object.keys(parameters).length === 0 ? {} : { parameters }),
    inputs: inputs.map(inputDescription),
    ...(outputs.length === 0 ? {} : { outputs: outputs.map(outputDescription) }),
  };
  const json = Buffer.from(JSON.stringify(document), 'utf8');
  const tail = inputs.filter(({ sharedMemory }) => sharedMemory === undefined).map(({ bytes }) => bytes);
  return { body: Buffer.concat([json, ...tail]), jsonLength: json.length };
}

/**
 * Decodes a request's body. Binary inputs are views into it. Throws ProtocolError for a malformed body and for what
 * perf-ts does not offer.
 */
export function decodeHttpInferRequest(body: Uint8Array, jsonLength: number | undefined): HttpInferRequest {
  const document = openDocument(body, jsonLength);
  const { json } = document;
  if (json.inputs === undefined) throw new ProtocolError('the request has no inputs');
  const inputs = readTensors(document, listOf(json.inputs, 'inputs'), 'input');
  const outputs: RequestedOutput[] = [];
  const byName = new Map<string, boolean>();
  for (const entry of listOf(json.outputs, 'outputs'))
    outputs.push(readRequestedOutput(asObject(entry, 'each output'), byName));
  const { binary_data_output: binary, ...parameters } = parametersOf(json, 'the request');
  const byDefault = readSwitch(binary, 'binary_data_output') ?? false;
  return {
    id: requestId(json.id),
    inputs,
    outputNames: outputs.map(({ name }) => name),
    binaryOutputs: { byDefault, byName },
    ...(outputs.every(isPlainOutput) ? {} : { outputs }),
    ...(Object.keys(parameters).length === 0 ? {} : { parameters: readParameters(parameters) }),
  };
}

/** 64-bit integers were kept as texts, and are numbers here again so that they are refused as what they are. */
const readParameters = (parameters: JsonObject): RequestParameters =>
  checkRequestParameters(
    Object.fromEntries(
      Object.entries(parameters).map(([key, value]) => {
        const exact = exactNumberOf(value);
        return [key, exact === undefined ? value : Number(exact)];
      }),
    ),
  );

function readRequestedOutput(output: JsonObject, byName: Map<string, boolean>): RequestedOutput {
  const name = textOf(output.name, 'name of an output');
  const parameters = parametersOf(output, `output '${name}'`);
  const isBinary = readSwitch(parameters.binary_data, `binary_data of output '${name}'`);
  if (isBinary !== undefined) byName.set(name, isBinary);
  return requestedOutputOf(name, parameters, 0);
}

function readSwitch(value: unknown, what: string): boolean | undefined {
  if (value === undefined || typeof value === 'boolean') return value;
  throw new ProtocolError(`${what} must be true or false`);
}

/** Some clients send a number as the id. */
function requestId(value: unknown): string {
  if (value === undefined || value === null) return '';
  if (typeof value === 'string') return value;
  if (typeof value === 'number') return String(value);
  throw new ProtocolError('the id of a request must be a text');
}

/**
 * Encodes a response. `jsonLength` is undefined when no output is binary: the body is then plain JSON and the header is
 * left out. Throws ProtocolError for an output that JSON cannot carry.
 */
export function encodeHttpInferResponse(
  message: InferResponseMessage,
  binaryOutputs: BinaryOutputs = everyOutputBinary,
): { body: Uint8Array; jsonLength: number | undefined } {
  const head = {
    ...(message.id === '' ? {} : { id: message.id }),
    model_name: message.modelName,
    model_version: message.modelVersion,
  };
  const tail: Uint8Array[] = [];
  const outputs = message.outputs.map((tensor) => {
    const { name, dataType, shape } = tensor;
    if (tensor.sharedMemory !== undefined) return JSON.stringify({ name, datatype: dataType, shape });
    if (binaryOutputs.byName.get(tensor.name) ?? binaryOutputs.byDefault) {
      tail.push(tensor.bytes);
      return JSON.stringify(binaryDescription(tensor));
    }
    // The data is put in as text, because numbers such as 64-bit integers would not survive JSON.stringify.
    return `${JSON.stringify({ name, datatype: dataType, shape }).slice(0, -1)},"data":${bytesToJson(tensor)}}`;
  });
  const json = Buffer.from(`${JSON.stringify(head).slice(0, -1)},"outputs":[${outputs.join(',')}]}`, 'utf8');
  if (tail.length === 0) return { body: json, jsonLength: undefined };
  return { body: Buffer.concat([json, ...tail]), jsonLength: json.length };
}

/** Decodes a response's body; binary outputs are views into it. Throws ProtocolError for a malformed body. */
export function decodeHttpInferResponse(body: Uint8Array, jsonLength: number | undefined): InferResponseMessage {
  const document = openDocument(body, jsonLength);
  const { json } = document;
  const outputs = readTensors(document, listOf(json.outputs, 'outputs'), 'output');
  return {
    modelName: textOf(json.model_name, 'model_name'),
    modelVersion: json.model_version === undefined || json.model_version === null ? '' : String(json.model_version),
    id: requestId(json.id),
    outputs,
  };
}
