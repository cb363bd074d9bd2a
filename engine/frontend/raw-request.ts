/**
 * Raw requests over HTTP: the body is the one input of the model, without any JSON, and its shape follows from its size.
 * As in Triton's core, whose words these are.
 */
import { Buffer } from 'node:buffer';
import { elementSize, fromConfigType } from '../../src/kserve/data-types.js';
import type { HttpInferRequest } from '../../src/kserve/http-request-decoder.js';
import { ProtocolError } from '../../src/kserve/protocol-error.js';
import type { InferInput } from '../../src/kserve/tensor.js';
import type { ModelConfig } from '../../src/model-config/model-config.js';
import { createSegmentedInput } from '../input-tensor.js';
import type { MessagePieces } from './pieces/message-pieces.js';

/** What Triton calls the input before it knows its name. */
const RAW_NAME = 'raw_input';

const refuse = (words: string): ProtocolError => new ProtocolError(`[request id: <id_unknown>] ${words}`);

/** The request that the body stands for; its outputs are binary. Throws ProtocolError for a body or a model that does not fit. */
export function readRawRequest(body: MessagePieces, modelName: string, config: ModelConfig): HttpInferRequest {
  return {
    id: '',
    inputs: [readRawInput(body, modelName, config)],
    outputNames: [],
    binaryOutputs: { byDefault: true, byName: new Map() },
  };
}

function readRawInput(body: MessagePieces, modelName: string, config: ModelConfig): InferInput {
  const { input: inputs = [], max_batch_size: maxBatchSize = 0 } = config;
  const [input] = inputs;
  if (input === undefined || inputs.length !== 1) {
    throw refuse(
      `Raw request must only have 1 input (found 1) to be deduced but got ${inputs.length} inputs in '${modelName}' model configuration`,
    );
  }
  const { name, dims } = input;
  const openCount = dims.filter((size) => size === -1).length;
  if (openCount > 1) {
    throw refuse(
      `The shape of the raw input '${name}' can not be deduced because there are more than one variable-sized dimension`,
    );
  }
  const dataType = fromConfigType(input.data_type);
  if (dataType === undefined) throw new Error(`'${name}' has the data type ${input.data_type}, unknown to KServe`);
  const fixedCount = dims.reduce((product, size) => (size === -1 ? product : product * size), 1);
  const size = elementSize(dataType);
  if (size === undefined) {
    if (openCount > 0 || fixedCount !== 1) {
      throw refuse(`For BYTE datatype raw input '${name}', the model must have input shape [1]`);
    }
    const shape = maxBatchSize > 0 ? [1, ...dims] : dims;
    return { name, dataType, shape, bytes: asElement(body) };
  }
  const openSize = fixedCount === 0 ? 0 : Math.floor(body.byteLength / fixedCount / size);
  const fullDims = dims.map((dim) => (dim === -1 ? openSize : dim));
  const expected = fixedCount * size * (openCount > 0 ? openSize : 1);
  if (expected !== body.byteLength) {
    throw refuse(
      `input byte size mismatch for input '${RAW_NAME}' for model '${modelName}'. Expected ${expected}, got ${body.byteLength}`,
    );
  }
  const described = { name, dataType, shape: maxBatchSize > 0 ? [1, ...fullDims] : fullDims };
  const segments = body.slice(0, body.byteLength);
  const [bytes = Buffer.alloc(0)] = segments.pieces;
  return segments.pieces.length > 1 ? createSegmentedInput({ ...described, bytes }, segments) : { ...described, bytes };
}

/** The body as one text: its length before it. */
function asElement(body: MessagePieces): Uint8Array {
  const length = Buffer.alloc(4);
  length.writeUInt32LE(body.byteLength);
  return Buffer.concat([length, ...body.slice(0, body.byteLength).pieces]);
}
