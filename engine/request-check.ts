/**
 * Checks an inference request against a model, in the order and with the messages of Triton's core, which its users
 * know. Pure. It runs for every request, so nothing is allocated unless something is wrong.
 */
import { type DataType, elementSize } from '../src/kserve/data-types.js';
import type { Failure } from '../src/kserve/status.js';
import type { Tensor } from '../src/kserve/tensor.js';
import type { InferenceRequest } from './inference.js';
import { byteLengthOf, type InputTensor } from './input-tensor.js';
import { inputNamed } from './queued-inference.js';

/** What a model accepts. `dims` are without the batch dimension; -1 takes any size. */
export interface AcceptedTensor {
  readonly name: string;
  readonly dataType: DataType;
  readonly dims: readonly number[];
  /** A request may leave it out. */
  readonly isOptional?: boolean | undefined;
}

export interface AcceptedRequest {
  readonly modelName: string;
  /** 0 where the model does not batch. */
  readonly maxBatchSize: number;
  readonly inputs: readonly AcceptedTensor[];
  readonly outputNames: ReadonlySet<string>;
}

const LENGTH_BYTES = 4;
const BATCH_NOTE =
  'NOTE: Setting a non-zero max_batch_size in the model config requires a batch dimension to be prepended to each ' +
  'input shape. If you want to specify the full shape including the batch dim in your input dims config, try setting ' +
  'max_batch_size to zero. See the model configuration docs for more info on max_batch_size.';

/** The reason to refuse the request, or undefined. */
export function checkRequest(request: InferenceRequest, accepted: AcceptedRequest): Failure | undefined {
  return (
    checkOutputs(request, accepted) ??
    checkNames(request, accepted) ??
    checkRows(request, accepted) ??
    checkTensors(request, accepted)
  );
}

const refuse = (message: string): Failure => ({ status: 'INVALID_ARGUMENT', message });

/** Most messages begin with the request's id. */
const refuseById = ({ id }: InferenceRequest, message: string): Failure =>
  refuse(`[request id: ${id === '' ? '<id_unknown>' : id}] ${message}`);

const quote = (names: readonly string[]): string => `[${names.map((name) => `'${name}'`).join(',')}]`;

function checkOutputs({ requestedOutputs }: InferenceRequest, accepted: AcceptedRequest): Failure | undefined {
  for (const name of requestedOutputs) {
    if (!accepted.outputNames.has(name)) {
      return refuse(`unexpected inference output '${name}' for model '${accepted.modelName}'`);
    }
  }
  return undefined;
}

function checkNames(request: InferenceRequest, { modelName, inputs: wanted }: AcceptedRequest): Failure | undefined {
  const { inputs } = request;
  for (let place = 1; place < inputs.length; place++) {
    const { name } = inputs[place]!;
    for (let earlier = 0; earlier < place; earlier++) {
      if (inputs[earlier]!.name === name) return refuseById(request, `input '${name}' already exists in request`);
    }
  }
  if (inputs.length !== wanted.length && !hasAllRequired(inputs, wanted)) {
    return refuseById(request, describeMissing(inputs, wanted, modelName));
  }
  for (let place = 0; place < inputs.length; place++) {
    const { name } = inputs[place]!;
    if (wanted[place]?.name !== name && !wanted.some((input) => input.name === name)) {
      return refuse(`unexpected inference input '${name}' for model '${modelName}'`);
    }
  }
  return undefined;
}

const hasAllRequired = (inputs: readonly Tensor[], wanted: readonly AcceptedTensor[]): boolean =>
  inputs.length < wanted.length &&
  wanted.every(({ name, isOptional }) => isOptional === true || inputs.some((input) => input.name === name));

function describeMissing(inputs: readonly Tensor[], wanted: readonly AcceptedTensor[], modelName: string): string {
  const given = inputs.map(({ name }) => name);
  const required = wanted.filter(({ isOptional }) => isOptional !== true).map(({ name }) => name);
  const missing = required.filter((name) => !given.includes(name));
  const expected =
    required.length === wanted.length
      ? `expected ${wanted.length} inputs`
      : `expected number of inputs between ${required.length} and ${wanted.length}`;
  return (
    `${expected} but got ${given.length} inputs for model '${modelName}'. Got input(s) ` +
    `${quote(given)}, but missing required input(s) ${quote(missing)}. Please provide all required input(s).`
  );
}

function checkRows(request: InferenceRequest, { modelName, maxBatchSize }: AcceptedRequest): Failure | undefined {
  const { inputs } = request;
  if (maxBatchSize === 0 || inputs.length === 0) return undefined;
  const rows = inputs[0]!.shape[0];
  for (const { name, shape } of inputs) {
    if (shape.length === 0) {
      return refuseById(request, `input '${name}' has no shape but model requires batch dimension for '${modelName}'`);
    }
    if (shape[0] !== rows) {
      return refuseById(request, `input '${name}' batch size does not match other inputs for '${modelName}'`);
    }
  }
  if (rows! > maxBatchSize) {
    return refuseById(request, `inference request batch-size must be <= ${maxBatchSize} for '${modelName}'`);
  }
  // A batch of no rows could be neither queued nor answered.
  if (!(rows! >= 1)) return refuseById(request, `inference request batch-size must be >= 1 for '${modelName}'`);
  return undefined;
}

function checkTensors(request: InferenceRequest, accepted: AcceptedRequest): Failure | undefined {
  const { modelName, inputs: wanted } = accepted;
  for (let place = 0; place < wanted.length; place++) {
    const input = wanted[place]!;
    const tensor = inputNamed(request.inputs, input.name, place) as InputTensor | undefined;
    // Names were checked before: only an optional input can be missing.
    if (tensor === undefined) continue;
    if (tensor.dataType !== input.dataType) {
      return refuseById(
        request,
        `inference input '${input.name}' data-type is '${tensor.dataType}', but model '${modelName}' expects '${input.dataType}'`,
      );
    }
    const failure = checkShape(request, tensor, input, accepted) ?? checkBytes(request, tensor, modelName);
    if (failure !== undefined) return failure;
  }
  return undefined;
}

function checkShape(
  request: InferenceRequest,
  { name, shape }: Tensor,
  { dims }: AcceptedTensor,
  { modelName, maxBatchSize }: AcceptedRequest,
): Failure | undefined {
  const first = maxBatchSize > 0 ? 1 : 0;
  let isFitting = shape.length === dims.length + first;
  for (let axis = first; isFitting && axis < shape.length; axis++) {
    const size = shape[axis]!;
    const expected = dims[axis - first]!;
    isFitting = expected === -1 ? Number.isSafeInteger(size) && size >= 0 : size === expected;
  }
  if (isFitting) return undefined;
  const expected = maxBatchSize > 0 ? [-1, ...dims] : dims;
  const note = maxBatchSize > 0 ? BATCH_NOTE : '';
  return refuseById(
    request,
    `unexpected shape for input '${name}' for model '${modelName}'. Expected [${expected}], got [${shape}]. ${note}`,
  );
}

function checkBytes(request: InferenceRequest, tensor: InputTensor, modelName: string): Failure | undefined {
  const { name, dataType, shape } = tensor;
  let count = 1;
  for (const size of shape) count *= size;
  const size = elementSize(dataType);
  if (size === undefined) return checkStrings(request, tensor, count, modelName);
  const byteLength = byteLengthOf(tensor);
  if (byteLength === count * size) return undefined;
  return refuseById(
    request,
    `input byte size mismatch for input '${name}' for model '${modelName}'. Expected ${count * size}, got ${byteLength}`,
  );
}

/** BYTES: each element follows its own length in 4 bytes, little-endian. */
function checkStrings(
  request: InferenceRequest,
  { name, bytes }: Tensor,
  count: number,
  modelName: string,
): Failure | undefined {
  const input = `inference input '${name}'`;
  let found = 0;
  for (let at = 0; at < bytes.byteLength; found++) {
    const left = bytes.byteLength - at;
    if (left < LENGTH_BYTES) {
      return refuseById(
        request,
        `incomplete string length indicator for ${input} for model '${modelName}', expecting ${LENGTH_BYTES} bytes but ` +
          `only ${left} bytes available. Please make sure the string length indicator is in one buffer.`,
      );
    }
    const length = readLength(bytes, at);
    if (length > left - LENGTH_BYTES) {
      return refuse(
        `incomplete string data for ${input}, expecting string of length ${length} but only ${left - LENGTH_BYTES} bytes available`,
      );
    }
    at += LENGTH_BYTES + length;
  }
  if (found === count) return undefined;
  return refuseById(
    request,
    found > count
      ? `unexpected number of string elements ${found} for ${input} for model '${modelName}', expecting ${count}`
      : `expected ${count} string elements for ${input} for model '${modelName}', got ${found}`,
  );
}

const readLength = (bytes: Uint8Array, at: number): number =>
  (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;
