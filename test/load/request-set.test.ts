import { describe, expect, it } from 'vitest';
import { distinctRequestCount, makeRequest } from '../../src/load/request-set.js';
import type { InputPlan, LoadPlan } from '../../src/plan/load-plan.js';
import { samplePlan } from '../support/sample-plan.js';

const withInput = (changes: Partial<InputPlan>, plan: Partial<LoadPlan> = {}): LoadPlan => {
  const base = samplePlan(plan);
  return { ...base, inputs: [{ ...base.inputs[0]!, ...changes }] };
};

describe('request set', () => {
  it('holds several distinct requests, bounded by memory over all workers', () => {
    expect(distinctRequestCount(samplePlan())).toBe(32);
    const megabyte = { shape: [1, 2 ** 18] };
    expect(distinctRequestCount(withInput({ shape: [4, 2 ** 18] }))).toBe(16);
    expect(distinctRequestCount(withInput(megabyte, { workerCount: 4 }))).toBe(16);
    expect(distinctRequestCount(withInput({ shape: [1024, 2 ** 18] }))).toBe(1);
  });

  it('holds one request when all would be alike', () => {
    expect(distinctRequestCount(withInput({ source: { kind: 'zero' } }))).toBe(1);
  });

  it('repeats for the same plan, and differs between requests and workers', () => {
    const plan = samplePlan();
    const bytesOf = (worker: number, index: number): string =>
      Buffer.from(makeRequest(plan, worker, index).inputs[0]!.bytes).toString('hex');
    expect(bytesOf(0, 0)).toBe(bytesOf(0, 0));
    const all = [bytesOf(0, 0), bytesOf(0, 1), bytesOf(1, 0), bytesOf(1, 1)];
    expect(new Set(all).size).toBe(4);
  });
});
