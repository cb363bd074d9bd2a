/**
 * Inference requests and responses over HTTP: JSON, and Triton's binary tensor data extension, where raw bytes follow
 * the JSON and a header (Inference-Header-Content-Length) says how long the JSON is.
 */
import { Buffer } from 'node:buffer';
import { asObject, type JsonObject, listOf, openDocument, parametersOf, readTensors, textOf } from './http-document.js';
import type { InferRequestMessage, InferResponseMessage } from './infer-codec.js';
import { refuseParameter } from './infer-request-decoder.js';
import { bytesToJson } from './json-tensor.js';
import { ProtocolError } from './protocol-error.js';
import type { Tensor } from './tensor.js';

export const INFERENCE_HEADER_LENGTH = 'inference-header-content-length';

/** Which outputs are to come as binary data. */
export interface BinaryOutputs {
  readonly byDefault: boolean;
  readonly byName: ReadonlyMap<string, boolean>;
}

/** A request's body; the model's name and version are in the path. */
export interface HttpInferRequest {
  readonly id: string;
  readonly inputs: readonly Tensor[];
  readonly outputNames: readonly string[];
  readonly binaryOutputs: BinaryOutputs;
}

const everyOutputBinary: BinaryOutputs = { byDefault: true, byName: new Map() };

const binaryDescription = (tensor: Tensor): object => ({
  name: tensor.name,
  datatype: tensor.dataType,
  shape: tensor.shape,
  parameters: { binary_data_size: tensor.bytes.byteLength },
});

/** Encodes a request with every input binary, asking for binary outputs. `jsonLength` goes into the header. */
export function encodeHttpInferRequest(message: InferRequestMessage): { body: Uint8Array; jsonLength: number } {
  const document = {
    ...(message.id === '' ? {} : { id: message.id }),
    inputs: message.inputs.map(binaryDescription),
    ...(message.outputNames.length === 0
      ? { parameters: { binary_data_output: true } }
      : { outputs: message.outputNames.map((name) => ({ name, parameters: { binary_data: true } })) }),
  };
  const json = Buffer.from(JSON.stringify(document), 'utf8');
  return { body: Buffer.concat([json, ...message.inputs.map((tensor) => tensor.bytes)]), jsonLength: json.length };
}

/**
 * Decodes a request's body. Binary inputs are views into it. Throws ProtocolError for a malformed body and for what
 * perf-ts does not offer.
 */
export function decodeHttpInferRequest(body: Uint8Array, jsonLength: number | undefined): HttpInferRequest {
  const document = openDocument(body, jsonLength);
  const { json } = document;
  if (json.inputs === undefined) throw new ProtocolError('the request has no inputs');
  const inputs = readTensors(document, listOf(json.inputs, 'inputs'), 'input', (name, parameter) =>
    refuseParameter('input', name, parameter),
  );
  const outputNames: string[] = [];
  const byName = new Map<string, boolean>();
  for (const entry of listOf(json.outputs, 'outputs'))
    readRequestedOutput(asObject(entry, 'each output'), outputNames, byName);
  const byDefault = readSwitch(parametersOf(json, 'the request').binary_data_output, 'binary_data_output') ?? false;
  return { id: requestId(json.id), inputs, outputNames, binaryOutputs: { byDefault, byName } };
}

function readRequestedOutput(output: JsonObject, outputNames: string[], byName: Map<string, boolean>): void {
  const name = textOf(output.name, 'name of an output');
  const parameters = parametersOf(output, `output '${name}'`);
  for (const parameter of Object.keys(parameters)) refuseParameter('output', name, parameter);
  const isBinary = readSwitch(parameters.binary_data, `binary_data of output '${name}'`);
  outputNames.push(name);
  if (isBinary !== undefined) byName.set(name, isBinary);
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
    if (binaryOutputs.byName.get(tensor.name) ?? binaryOutputs.byDefault) {
      tail.push(tensor.bytes);
      return JSON.stringify(binaryDescription(tensor));
    }
    const { name, dataType, shape } = tensor;
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
  const outputs = readTensors(document, listOf(json.outputs, 'outputs'), 'output', () => undefined);
  return {
    modelName: textOf(json.model_name, 'model_name'),
    modelVersion: json.model_version === undefined || json.model_version === null ? '' : String(json.model_version),
    id: requestId(json.id),
    outputs,
  };
}
