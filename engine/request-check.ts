/** Checks an inference request against a model, with the messages that Triton's users know. Pure. */
import { type DataType, elementCount, elementSize } from '../src/kserve/data-types.js';
import type { Failure } from '../src/kserve/status.js';
import type { Tensor } from '../src/kserve/tensor.js';
import type { InferenceRequest } from './inference.js';

/** What a model accepts. `dims` are without the batch dimension; -1 takes any size. */
export interface AcceptedTensor {
  readonly name: string;
  readonly dataType: DataType;
  readonly dims: readonly number[];
}

export interface AcceptedRequest {
  readonly modelName: string;
  /** 0 where the model does not batch. */
  readonly maxBatchSize: number;
  readonly inputs: readonly AcceptedTensor[];
  readonly outputNames: ReadonlySet<string>;
}

/** The reason to refuse the request, or undefined. */
export function checkRequest(request: InferenceRequest, accepted: AcceptedRequest): Failure | undefined {
  const message =
    checkInputNames(request, accepted) ??
    accepted.inputs.reduce<string | undefined>(
      (found, input) => found ?? checkInput(request, input, accepted),
      undefined,
    ) ??
    checkBatch(request, accepted) ??
    checkOutputs(request, accepted);
  if (message === undefined) return undefined;
  const id = request.id === '' ? '<id_unknown>' : request.id;
  return { status: 'INVALID_ARGUMENT', message: `[request id: ${id}] ${message}` };
}

function checkInputNames(
  { inputs }: InferenceRequest,
  { modelName, inputs: wanted }: AcceptedRequest,
): string | undefined {
  const names = inputs.map(({ name }) => name);
  const unexpected = names.find((name) => !wanted.some((input) => input.name === name));
  if (unexpected !== undefined) return `unexpected inference input '${unexpected}' for model '${modelName}'`;
  const missing = wanted.filter(({ name }) => !names.includes(name)).map(({ name }) => name);
  if (missing.length > 0) {
    const quote = (list: readonly string[]): string => list.map((name) => `'${name}'`).join(',');
    return `expected ${wanted.length} inputs but got ${names.length} inputs for model '${modelName}'. Got input(s) [${quote(names)}], but missing required input(s) [${quote(missing)}]. Please provide all required input(s).`;
  }
  return names.length > wanted.length ? `input '${duplicateOf(names)}' already exists in request` : undefined;
}

const duplicateOf = (names: readonly string[]): string =>
  names.find((name, place) => names.indexOf(name) !== place) ?? '';

function checkInput(request: InferenceRequest, input: AcceptedTensor, accepted: AcceptedRequest): string | undefined {
  const { modelName, maxBatchSize } = accepted;
  const tensor = request.inputs.find(({ name }) => name === input.name)!;
  if (tensor.dataType !== input.dataType) {
    return `inference input '${input.name}' data-type is '${tensor.dataType}', but model '${modelName}' expects '${input.dataType}'`;
  }
  const expected = maxBatchSize > 0 ? [-1, ...input.dims] : input.dims;
  const isMatching =
    tensor.shape.length === expected.length &&
    tensor.shape.every(
      (size, axis) => Number.isSafeInteger(size) && size >= 0 && (expected[axis] === -1 || expected[axis] === size),
    );
  if (!isMatching) {
    return `unexpected shape for input '${input.name}' for model '${modelName}'. Expected [${expected}], got [${tensor.shape}]`;
  }
  return checkSize(tensor, modelName);
}

function checkSize({ name, dataType, shape, bytes }: Tensor, modelName: string): string | undefined {
  const size = elementSize(dataType);
  const count = elementCount(shape);
  if (!Number.isSafeInteger(count)) return `input '${name}' for model '${modelName}' has too many elements`;
  if (size === undefined) return checkFraming(bytes, count, name);
  return bytes.length === count * size
    ? undefined
    : `input byte size mismatch for input '${name}' for model '${modelName}'. Expected ${count * size}, got ${bytes.length}`;
}

function checkFraming(bytes: Uint8Array, count: number, name: string): string | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let found = 0;
  for (let at = 0; at < bytes.length; found++) {
    if (at + 4 > bytes.length)
      return `incomplete string length indicator for inference input '${name}', expecting ${count} strings`;
    at += 4 + view.getUint32(at, true);
    if (at > bytes.length)
      return `incomplete string data for inference input '${name}', expecting string ${found + 1} of ${count}`;
  }
  return found === count ? undefined : `expected ${count} strings for inference input '${name}', got ${found}`;
}

function checkBatch(
  request: InferenceRequest,
  { modelName, maxBatchSize, inputs }: AcceptedRequest,
): string | undefined {
  if (maxBatchSize === 0 || inputs.length === 0) return undefined;
  const rows = request.inputs[0]!.shape[0]!;
  const other = request.inputs.find(({ shape }) => shape[0] !== rows);
  if (other !== undefined) {
    return `input '${other.name}' batch size does not match other inputs for '${modelName}'`;
  }
  if (rows > maxBatchSize) return `inference request batch-size must be <= ${maxBatchSize} for '${modelName}'`;
  return rows === 0 ? `inference request batch-size must be >= 1 for '${modelName}'` : undefined;
}

function checkOutputs({ requestedOutputs }: InferenceRequest, accepted: AcceptedRequest): string | undefined {
  const unknown = requestedOutputs.find((name) => !accepted.outputNames.has(name));
  return unknown === undefined
    ? undefined
    : `unexpected inference output '${unknown}' for model '${accepted.modelName}'`;
}
