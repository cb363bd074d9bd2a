/**
 * ModelInferRequest, ModelInferResponse and ModelStreamInferResponse as bytes, written by hand because they are on the
 * path of every request: one allocation to encode, views instead of copies to decode.
 */
import { Buffer } from 'node:buffer';
import { decodeInferRequestFrom } from './infer-request-decoder.js';
import { decodeInferResponseFrom } from './infer-response-decoder.js';
import type { InferInput, InferOutput, RequestedOutput, RequestParameters, Tensor } from './tensor.js';
import { outputParameters, referenceParameters } from './tensor-parameters.js';
import { parametersSize, writeParameters } from './wire-parameters.js';
import { WireReader } from './wire-reader.js';
import { delimitedSize, packedSize, stringSize, WireWriter } from './wire-writer.js';

export interface InferRequestMessage {
  readonly modelName: string;
  /** Empty lets the server choose. */
  readonly modelVersion: string;
  readonly id: string;
  readonly inputs: readonly InferInput[];
  /** Empty asks for every output. */
  readonly outputNames: readonly string[];
  /** The same outputs in full; left out when none has anything beyond its name. */
  readonly outputs?: readonly RequestedOutput[];
  /** Left out when there are none. */
  readonly parameters?: RequestParameters;
}

export interface InferResponseMessage {
  readonly modelName: string;
  readonly modelVersion: string;
  readonly id: string;
  readonly outputs: readonly InferOutput[];
  /** Left out when there are none. */
  readonly parameters?: RequestParameters;
}

/** One answer on a stream: a response, or the error of that request; the stream lives on. */
export type StreamInferMessage =
  | { readonly state: 'ok'; readonly response: InferResponseMessage }
  | { readonly state: 'failed'; readonly id: string; readonly message: string };

/** The parameter entry { "triton_final_response": { bool_param: true } } that Triton's clients look for on a stream. */
const finalResponse = Buffer.from('\n\u0015triton_final_response\u0012\u0002\b\u0001', 'latin1');

/** Bytes of a tensor's description: name, data type and shape, which have the fields 1, 2 and 3 in both messages. */
const tensorSize = (tensor: Tensor): number =>
  stringSize(tensor.name) + stringSize(tensor.dataType) + packedSize(tensor.shape);

function writeDescription(writer: WireWriter, tensor: Tensor): void {
  writer.string(1, tensor.name);
  writer.string(2, tensor.dataType);
  writer.packed(3, tensor.shape);
}

function writeTensor(writer: WireWriter, field: number, tensor: Tensor): void {
  writer.delimited(field, tensorSize(tensor));
  writeDescription(writer, tensor);
}

/** Bytes of the descriptions and of the raw contents of all tensors. */
function tensorsSize(tensors: readonly Tensor[]): number {
  let size = 0;
  for (const tensor of tensors) size += delimitedSize(tensorSize(tensor)) + delimitedSize(tensor.bytes.byteLength);
  return size;
}

/** Field 4 of an input: where its bytes are, if not in the message. */
const inputParameters = ({ sharedMemory }: InferInput): RequestParameters =>
  sharedMemory === undefined ? {} : referenceParameters(sharedMemory);

function inputsSize(inputs: readonly InferInput[]): number {
  let size = 0;
  for (const input of inputs) {
    size += delimitedSize(tensorSize(input) + parametersSize(inputParameters(input)));
    if (input.sharedMemory === undefined) size += delimitedSize(input.bytes.byteLength);
  }
  return size;
}

function writeInput(writer: WireWriter, input: InferInput): void {
  const parameters = inputParameters(input);
  writer.delimited(5, tensorSize(input) + parametersSize(parameters));
  writeDescription(writer, input);
  writeParameters(writer, 4, parameters);
}

const requestedOutputs = ({ outputs, outputNames }: InferRequestMessage): readonly RequestedOutput[] =>
  outputs ?? outputNames.map((name) => ({ name, classificationCount: 0 }));

const outputSize = (output: RequestedOutput): number =>
  stringSize(output.name) + parametersSize(outputParameters(output));

/** Encodes a ModelInferRequest with raw contents; `tensor.bytes` are copied, and left out for shared memory. */
export function encodeInferRequest(message: InferRequestMessage): Uint8Array {
  const { parameters = {} } = message;
  const outputs = requestedOutputs(message);
  let size = stringSize(message.modelName) + stringSize(message.modelVersion) + stringSize(message.id);
  size += parametersSize(parameters) + inputsSize(message.inputs);
  for (const output of outputs) size += delimitedSize(outputSize(output));
  const writer = new WireWriter(size);
  writer.string(1, message.modelName);
  writer.string(2, message.modelVersion);
  writer.string(3, message.id);
  writeParameters(writer, 4, parameters);
  for (const input of message.inputs) writeInput(writer, input);
  for (const output of outputs) {
    writer.delimited(6, outputSize(output));
    writer.string(1, output.name);
    writeParameters(writer, 2, outputParameters(output));
  }
  for (const input of message.inputs) if (input.sharedMemory === undefined) writer.raw(7, input.bytes);
  return writer.bytes;
}

/**
 * Decodes a ModelInferRequest with raw or typed contents. Raw tensors are views into `bytes`, so they live as long as
 * that buffer is left alone. Throws ProtocolError for malformed bytes and for what perf-ts does not offer.
 */
export const decodeInferRequest = (bytes: Uint8Array): InferRequestMessage =>
  decodeInferRequestFrom(new WireReader(bytes));

const responseSize = (message: InferResponseMessage): number =>
  stringSize(message.modelName) +
  stringSize(message.modelVersion) +
  stringSize(message.id) +
  (message.parameters === undefined ? 0 : parametersSize(message.parameters)) +
  tensorsSize(message.outputs);

function writeResponse(writer: WireWriter, message: InferResponseMessage): void {
  writer.string(1, message.modelName);
  writer.string(2, message.modelVersion);
  writer.string(3, message.id);
  if (message.parameters !== undefined) writeParameters(writer, 4, message.parameters);
  for (const tensor of message.outputs) writeTensor(writer, 5, tensor);
  for (const tensor of message.outputs) writer.raw(6, tensor.bytes);
}

/** Encodes a ModelInferResponse with raw contents; `tensor.bytes` are copied. */
export function encodeInferResponse(message: InferResponseMessage): Uint8Array {
  const writer = new WireWriter(responseSize(message));
  writeResponse(writer, message);
  return writer.bytes;
}

/** Decodes a ModelInferResponse; raw tensors are views into `bytes`. Throws ProtocolError for malformed bytes. */
export const decodeInferResponse = (bytes: Uint8Array): InferResponseMessage =>
  decodeInferResponseFrom(new WireReader(bytes));

/** Encodes one answer of ModelStreamInfer, marked as the last one for its request. */
export function encodeStreamInferMessage(message: StreamInferMessage): Uint8Array {
  if (message.state === 'failed') {
    const idSize = stringSize(message.id);
    const writer = new WireWriter(stringSize(message.message) + delimitedSize(idSize));
    writer.string(1, message.message);
    writer.delimited(2, idSize);
    writer.string(3, message.id);
    return writer.bytes;
  }
  const size = responseSize(message.response) + delimitedSize(finalResponse.length);
  const writer = new WireWriter(delimitedSize(size));
  writer.delimited(2, size);
  writeResponse(writer, message.response);
  writer.raw(4, finalResponse);
  return writer.bytes;
}

/** Decodes one answer of ModelStreamInfer; an answer without an error message is ok, as in Triton. */
export function decodeStreamInferMessage(bytes: Uint8Array): StreamInferMessage {
  const reader = new WireReader(bytes);
  let message = '';
  let response: InferResponseMessage | undefined;
  while (reader.hasMore()) {
    const tag = reader.readTag();
    if (tag === 10) message = reader.readString();
    else if (tag === 18) {
      const outer = reader.enter();
      response = decodeInferResponseFrom(reader);
      reader.leave(outer);
    } else reader.skip(tag);
  }
  response ??= { modelName: '', modelVersion: '', id: '', outputs: [] };
  return message === '' ? { state: 'ok', response } : { state: 'failed', id: response.id, message };
}
