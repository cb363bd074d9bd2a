/**
 * Triton's generate extension: a request is one JSON object with a member for each input, an answer one with a member
 * for each output. Other members are parameters of the request. Names, shapes and refusals are Triton's.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Instant } from '../../src/common/units.js';
import { isDataType } from '../../src/kserve/data-types.js';
import { readRequestId } from '../../src/kserve/http-request-decoder.js';
import { asJsonObject, findMember, type JsonObject, memberNames } from '../../src/kserve/json-access.js';
import { readJsonData } from '../../src/kserve/json-request-data.js';
import { bytesToJson } from '../../src/kserve/json-tensor.js';
import { exactNumberOf, parseJson } from '../../src/kserve/json-text.js';
import type { TensorMetadata } from '../../src/kserve/metadata.js';
import { ProtocolError } from '../../src/kserve/protocol-error.js';
import { type Failure, httpStatusOf } from '../../src/kserve/status.js';
import type { InferInput, Tensor } from '../../src/kserve/tensor.js';
import type { InferenceOutcome } from '../inference.js';
import type { ServedModel } from '../served-model.js';
import { requireModel } from './admin-answers.js';
import { failureOf } from './call-failure.js';
import { sendChunked, sendError } from './http-reply.js';
import type { ModelSource } from './model-source.js';
import { startInference } from './start-inference.js';

export interface GenerateTarget {
  readonly name: string;
  readonly version: string;
  /** Answers as an event of a stream. */
  readonly isStreaming: boolean;
}

/** Answers the request once the model has; throws ProtocolError when it does not get that far. */
export function answerGenerate(
  source: ModelSource,
  target: GenerateTarget,
  body: Buffer,
  receivedAt: Instant,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const model = requireModel(source, target.name, target.version);
  const call = readGenerateRequest(body, model.metadata.inputs);
  const { socket } = request;
  const onOutcome = (outcome: InferenceOutcome): void => {
    if (socket.destroyed) return;
    if (outcome.state === 'failed' && outcome.failure.status !== 'INTERNAL') {
      // Refused before it ran.
      sendError(response, httpStatusOf(outcome.failure.status), outcome.failure.message);
      return;
    }
    const { status, text } = describeOutcome(outcome, model, call.id);
    if (!target.isStreaming) sendChunked(response, status, 'application/json', text);
    else sendChunked(response, status, 'text/event-stream; charset=utf-8', `data: ${text}\n\n`);
  };
  startInference(model, { ...call, outputNames: [] }, receivedAt, () => socket.destroyed, onOutcome, undefined);
}

export interface GenerateRequest {
  readonly id: string;
  readonly inputs: readonly InferInput[];
}

/** `inputs` are those of the model, batch dimension included. Throws ProtocolError. */
export function readGenerateRequest(body: Buffer, inputs: readonly TensorMetadata[]): GenerateRequest {
  const document = parseJson(body.toString('utf8'), 'request', true);
  const id = readRequestId(document);
  const found: InferInput[] = [];
  const read = (holder: JsonObject): void => {
    for (const name of memberNames(holder)) {
      const input = inputs.find((one) => one.name === name);
      if (input !== undefined) found.push(readInput(input, holder[name], body.length));
      else checkParameter(name, holder[name]);
    }
  };
  for (const name of memberNames(document)) {
    const value = findMember(document, name);
    if (name !== 'parameters') read({ [name]: value });
    else if (inputs.some((input) => input.name === name)) {
      throw new ProtocolError(`Keyword '${name}' for nested schema also given as input tensor name`);
    } else readNested(value, read);
  }
  return { id, inputs: found };
}

function readNested(value: unknown, read: (holder: JsonObject) => void): void {
  const nested = asJsonObject(value, "Expected JSON object for keyword: 'parameters'");
  try {
    read(nested);
  } catch (thrown) {
    if (!(thrown instanceof ProtocolError)) throw thrown;
    throw new ProtocolError(`Converting keyword: 'parameters': ${thrown.message}`, thrown.failure.status);
  }
}

/** Models do not see parameters here; what Triton would not take is refused all the same. */
function checkParameter(name: string, value: unknown): void {
  if (['string', 'number', 'boolean'].includes(typeof value) || exactNumberOf(value) !== undefined) return;
  throw new ProtocolError(`parameter '${name}' has invalid type. It should be either 'int', 'bool', or 'string'.`);
}

function readInput({ name, datatype, shape }: TensorMetadata, value: unknown, textLength: number): InferInput {
  if (!isDataType(datatype)) throw new Error(`the model's input '${name}' has the data type ${datatype}`);
  const count = Array.isArray(value) ? value.length : 1;
  const shapeOfValue = deduceShape(name, shape, count);
  return {
    name,
    dataType: datatype,
    shape: shapeOfValue,
    bytes: readJsonData(value, name, datatype, count, textLength),
  };
}

/** What the fixed dimensions leave of the count goes to the innermost open dimension, the other open ones are 1. */
function deduceShape(name: string, shape: readonly number[], count: number): readonly number[] {
  const refusal = (): ProtocolError =>
    new ProtocolError(`The schema can not convert input '${name}' to tensor with proper shape`);
  let left = count;
  for (const size of shape) {
    if (size === -1) continue;
    if (left % size !== 0) throw refusal();
    left /= size;
  }
  const deduced = [...shape];
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    if (shape[axis] !== -1) continue;
    deduced[axis] = left;
    left = 1;
  }
  if (left !== 1) throw refusal();
  return deduced;
}

function describeOutcome(outcome: InferenceOutcome, model: ServedModel, id: string): { status: number; text: string } {
  const failed = ({ status, message }: Failure) => ({
    status: httpStatusOf(status),
    text: JSON.stringify({ error: message }),
  });
  if (outcome.state === 'failed') return failed(outcome.failure);
  try {
    return { status: 200, text: describeOutputs(outcome.outputs, model, id) };
  } catch (thrown) {
    return failed(failureOf(thrown));
  }
}

/** Members in the order of their names. */
function describeOutputs(outputs: readonly Tensor[], { name, version }: ServedModel, id: string): string {
  const members = new Map<string, string>([
    ...(id === '' ? [] : [['id', JSON.stringify(id)] as const]),
    ['model_name', JSON.stringify(name)],
    ['model_version', JSON.stringify(version)],
  ]);
  for (const output of outputs) {
    if (members.has(output.name)) continue;
    const data = bytesToJson(output);
    const isSingle = output.shape.every((size) => size === 1);
    members.set(output.name, isSingle ? data.slice(1, -1) : data);
  }
  const sorted = [...members].sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  return `{${sorted.map(([member, text]) => `${JSON.stringify(member)}:${text}`).join(',')}}`;
}
