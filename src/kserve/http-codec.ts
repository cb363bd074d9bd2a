/**
 * Inference requests and responses over HTTP: JSON, and Triton's binary tensor data extension, where raw bytes follow
 * the JSON and a header (Inference-Header-Content-Length) says how long the JSON is.
 */
import { Buffer } from 'node:buffer';
import { asObject, listOf, openDocument, readTensors, textOf } from './http-document.js';
import type { BinaryOutputs } from './http-request-decoder.js';
import type { InferRequestMessage, InferResponseMessage } from './infer-codec.js';
import { bytesToJson } from './json-tensor.js';
import { ProtocolError } from './protocol-error.js';
import type { InferInput, RequestedOutput, Tensor } from './tensor.js';
import { outputParameters, referenceParameters } from './tensor-parameters.js';

export const INFERENCE_HEADER_LENGTH = 'inference-header-content-length';

const everyOutputBinary: BinaryOutputs = { byDefault: true, byName: new Map() };

const binaryDescription = (tensor: Tensor): object => ({
  name: tensor.name,
  datatype: tensor.dataType,
  shape: tensor.shape,
  parameters: { binary_data_size: tensor.bytes.byteLength },
});

/** JSON text of an input; its data is put in as text, because 64-bit integers would not survive JSON.stringify. */
function inputText(input: InferInput, isBinary: boolean): string {
  const { name, dataType, shape, sharedMemory } = input;
  const described = { name, datatype: dataType, shape };
  if (sharedMemory !== undefined)
    return JSON.stringify({ ...described, parameters: referenceParameters(sharedMemory) });
  if (isBinary) return JSON.stringify(binaryDescription(input));
  return withMember(JSON.stringify(described), 'data', bytesToJson(input));
}

/** An object's JSON text with one more member, whose value is JSON text already. */
const withMember = (object: string, key: string, value: string): string =>
  `${object.slice(0, -1)}${object === '{}' ? '' : ','}"${key}":${value}}`;

function outputDescription(output: RequestedOutput, isBinary: boolean): object {
  const parameters = outputParameters(output);
  return {
    name: output.name,
    parameters: output.sharedMemory === undefined ? { ...parameters, binary_data: isBinary } : parameters,
  };
}

/** How a request's tensors are written, and how those of its answer are asked for. */
export interface HttpTensorFormats {
  readonly input: 'binary' | 'json';
  readonly output: 'binary' | 'json';
}

const allBinary: HttpTensorFormats = { input: 'binary', output: 'binary' };

/**
 * Encodes a request; inputs in shared memory are references in either format. `jsonLength` goes into the header, and is
 * undefined where the body is JSON alone. Throws ProtocolError for inputs that JSON cannot carry.
 */
export function encodeHttpInferRequest(
  message: InferRequestMessage,
  formats = allBinary,
): { body: Uint8Array; jsonLength: number | undefined } {
  const { outputNames, inputs } = message;
  const isBinaryOutput = formats.output === 'binary';
  const outputs = message.outputs ?? outputNames.map((name) => ({ name, classificationCount: 0 }));
  const parameters = { ...message.parameters, ...(outputs.length === 0 ? { binary_data_output: isBinaryOutput } : {}) };
  const head = JSON.stringify({
    ...(message.id === '' ? {} : { id: message.id }),
    ...(Object.keys(parameters).length === 0 ? {} : { parameters }),
    ...(outputs.length === 0 ? {} : { outputs: outputs.map((output) => outputDescription(output, isBinaryOutput)) }),
  });
  const isBinary = formats.input === 'binary';
  const inputTexts = inputs.map((input) => inputText(input, isBinary));
  const json = Buffer.from(withMember(head, 'inputs', `[${inputTexts.join(',')}]`), 'utf8');
  const tail = isBinary ? inputs.flatMap(({ sharedMemory, bytes }) => (sharedMemory === undefined ? [bytes] : [])) : [];
  return { body: Buffer.concat([json, ...tail]), jsonLength: isBinary ? json.length : undefined };
}

/** Some servers send a number as the id. */
function responseId(value: unknown): string {
  if (value === undefined || value === null) return '';
  if (typeof value === 'string') return value;
  if (typeof value === 'number') return String(value);
  throw new ProtocolError('the id of a response must be a text');
}

/**
 * Encodes a response. `jsonLength` is undefined when no output has binary data: the body is then plain JSON and the
 * header is left out. Throws ProtocolError for an output that JSON cannot carry.
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
    return withMember(JSON.stringify({ name, datatype: dataType, shape }), 'data', bytesToJson(tensor));
  });
  const json = Buffer.from(withMember(JSON.stringify(head), 'outputs', `[${outputs.join(',')}]`), 'utf8');
  // Binary outputs without elements do not make the body binary.
  if (tail.every(({ byteLength }) => byteLength === 0)) return { body: json, jsonLength: undefined };
  return { body: Buffer.concat([json, ...tail]), jsonLength: json.length };
}

/** Decodes a response's body; binary outputs are views into it. Throws ProtocolError for a malformed body. */
export function decodeHttpInferResponse(body: Uint8Array, jsonLength: number | undefined): InferResponseMessage {
  const document = openDocument(body, jsonLength, 'response');
  const json = asObject(document.json, 'the document');
  const outputs = readTensors(document, listOf(json.outputs, 'outputs'));
  return {
    modelName: textOf(json.model_name, 'model_name'),
    modelVersion: json.model_version === undefined || json.model_version === null ? '' : String(json.model_version),
    id: responseId(json.id),
    outputs,
  };
}
