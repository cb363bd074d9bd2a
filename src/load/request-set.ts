/**
 * The distinct requests that a worker sends in turn, so that a server's caches are not flattered by one request
 * repeated, within a bound of memory.
 */
import type { RequestTemplate } from '../client/infer-client.js';
import { deriveSeed } from '../common/random.js';
import type { Tensor, TensorSpec } from '../kserve/tensor.js';
import { readRows, requestPeriod, stepsOfRequest, workerPeriod } from '../plan/input-data/dataset.js';
import type { InputPlan, LoadPlan, ModelLoad } from '../plan/load-plan.js';
import { inputBytes } from '../plan/plan.js';
import { makeInputTensor } from './input-values.js';

/** Bytes that all workers together may hold in encoded requests, beyond the first of each model. */
const MEMORY_BOUND_BYTES = 64 * 2 ** 20;
const MAX_DISTINCT = 32;

/** Which requests of a model a level sends. */
export interface RequestKind {
  readonly model: ModelLoad;
  readonly batchSize: number;
  readonly shapeIndex: number;
}

const rowsOf = ({ model, batchSize }: RequestKind): number => (model.hasBatchDimension ? batchSize : 1);

const inputsOf = ({ model, shapeIndex }: RequestKind): readonly InputPlan[] => model.shapeVariants[shapeIndex] ?? [];

/**
 * How many distinct requests each worker prepares: at least 1, and no more than 1 when all would be the same. Steps of
 * a data set are all sent, each by its worker's turn.
 */
export function distinctRequestCount(plan: Pick<LoadPlan, 'workerCount' | 'models'>, kind: RequestKind): number {
  const inputs = inputsOf(kind);
  const { dataset } = kind.model;
  if (dataset !== undefined) {
    return workerPeriod(requestPeriod(dataset.stepCount, rowsOf(kind)), plan.workerCount);
  }
  if (inputs.every(({ source }) => source.kind === 'zero')) return 1;
  const rows = rowsOf(kind);
  const requestBytes = rows * inputs.reduce((sum, input) => sum + inputBytes(input), 0);
  const shareCount = plan.workerCount * plan.models.length;
  const affordable = Math.floor(MEMORY_BOUND_BYTES / (Math.max(1, requestBytes) * shareCount));
  return Math.min(MAX_DISTINCT, Math.max(1, affordable));
}

/**
 * Request number `index` of a worker; no two workers and no two numbers share their random values. Of a data set the
 * workers take the requests in turn, so that together they send its steps in order and equally often.
 */
export function makeRequest(kind: RequestKind, workerIndex: number, index: number, workerCount = 1): RequestTemplate {
  const { model } = kind;
  const steps = stepsFor(kind, workerIndex, index, workerCount);
  const inputs = inputsOf(kind).flatMap((input): Tensor[] => {
    if (input.source.kind === 'data') return tensorOf(model, model.dataset!.inputs.indexOf(input.name), input, steps);
    const seed = input.source.kind === 'random' ? input.source.seed : 0;
    const shape = model.hasBatchDimension ? [kind.batchSize, ...input.shape] : input.shape;
    return [makeInputTensor({ ...input, shape }, deriveSeed(deriveSeed(seed, workerIndex), index))];
  });
  const { model: modelName, modelVersion, parameters } = model;
  return { modelName, modelVersion, inputs, outputNames: [], ...(parameters && { parameters }) };
}

/** The outputs that the answer to the request of the same numbers must have; empty where the data says none. */
export function expectedOutputs(
  kind: RequestKind,
  workerIndex: number,
  index: number,
  workerCount: number,
): readonly Tensor[] {
  const { dataset, outputs = [] } = kind.model;
  if (dataset === undefined) return [];
  const steps = stepsFor(kind, workerIndex, index, workerCount);
  return dataset.outputs.flatMap((name, column) => {
    const output = outputs.find((candidate) => candidate.name === name);
    return output === undefined ? [] : tensorOf(kind.model, dataset.inputs.length + column, output, steps);
  });
}

function stepsFor(kind: RequestKind, workerIndex: number, index: number, workerCount: number): readonly number[] {
  const { dataset } = kind.model;
  return dataset === undefined ? [] : stepsOfRequest(dataset, index * workerCount + workerIndex, rowsOf(kind));
}

/** Nothing where one of the steps lacks the tensor. */
function tensorOf(
  model: ModelLoad,
  column: number,
  { name, dataType }: Pick<TensorSpec, 'name' | 'dataType'>,
  steps: readonly number[],
): Tensor[] {
  const rows = readRows(model.dataset!, column, steps);
  if (rows === undefined) return [];
  const shape = model.hasBatchDimension ? [steps.length, ...rows.shape] : rows.shape;
  return [{ name, dataType, shape, bytes: rows.bytes }];
}
