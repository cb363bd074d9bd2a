/**
 * The distinct requests that a worker sends in turn, so that a server's caches are not flattered by one request
 * repeated, within a bound of memory.
 */
import type { RequestTemplate } from '../client/infer-client.js';
import { deriveSeed } from '../common/random.js';
import type { LoadPlan } from '../plan/load-plan.js';
import { inputBytes } from '../plan/plan.js';
import { makeInputTensor } from './input-values.js';

/** Bytes that all workers together may hold in encoded requests, beyond the first of each. */
const MEMORY_BOUND_BYTES = 64 * 2 ** 20;
const MAX_DISTINCT = 32;

/** How many distinct requests each worker prepares: at least 1, and no more than 1 when all would be the same. */
export function distinctRequestCount(plan: LoadPlan): number {
  if (plan.inputs.every(({ source }) => source.kind === 'zero')) return 1;
  const requestBytes = plan.inputs.reduce((sum, input) => sum + inputBytes(input), 0);
  const affordable = Math.floor(MEMORY_BOUND_BYTES / (Math.max(1, requestBytes) * plan.workerCount));
  return Math.min(MAX_DISTINCT, Math.max(1, affordable));
}

/** Request number `index` of a worker; no two workers and no two numbers share their random values. */
export function makeRequest(plan: LoadPlan, workerIndex: number, index: number): RequestTemplate {
  const inputs = plan.inputs.map((input) => {
    const seed = input.source.kind === 'random' ? input.source.seed : 0;
    return makeInputTensor(input, deriveSeed(deriveSeed(seed, workerIndex), index));
  });
  return { modelName: plan.model, modelVersion: plan.modelVersion, inputs, outputNames: [] };
}
