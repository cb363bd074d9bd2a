import { describe, expect, it } from 'vitest';
import { distinctRequestCount, makeRequest, type RequestKind } from '../../src/load/request-set.js';
import { sampleInput, sampleModel, samplePlan } from '../support/sample-plan.js';

const kindOf = (input = sampleInput(), batchSize = 1): RequestKind => ({
  model: sampleModel({ shapeVariants: [[input]] }),
  batchSize,
  shapeIndex: 0,
});

describe('request set', () => {
  it('holds several distinct requests, bounded by memory over all workers, models and rows', () => {
    const plan = samplePlan();
    expect(distinctRequestCount(plan, kindOf())).toBe(32);
    const megabyte = sampleInput({ shape: [2 ** 18] });
    expect(distinctRequestCount(plan, kindOf(megabyte, 4))).toBe(16);
    expect(distinctRequestCount({ ...plan, workerCount: 4 }, kindOf(megabyte))).toBe(16);
    expect(distinctRequestCount({ ...plan, models: [sampleModel(), sampleModel()] }, kindOf(megabyte, 2))).toBe(16);
    expect(distinctRequestCount(plan, kindOf(megabyte, 1024))).toBe(1);
  });

  it('holds one request when all would be alike', () => {
    expect(distinctRequestCount(samplePlan(), kindOf(sampleInput({ source: { kind: 'zero' } })))).toBe(1);
  });

  it('repeats for the same plan, and differs between requests and workers', () => {
    const bytesOf = (worker: number, index: number): string =>
      Buffer.from(makeRequest(kindOf(), worker, index).inputs[0]!.bytes).toString('hex');
    expect(bytesOf(0, 0)).toBe(bytesOf(0, 0));
    const all = [bytesOf(0, 0), bytesOf(0, 1), bytesOf(1, 0), bytesOf(1, 1)];
    expect(new Set(all).size).toBe(4);
  });

  it('puts the batch size first where the model batches, and takes the inputs of the shape asked for', () => {
    const shapesOf = (kind: RequestKind) => makeRequest(kind, 0, 0).inputs.map(({ shape }) => shape);
    const shapeVariants = [[sampleInput()], [sampleInput({ shape: [7] })]];
    expect(shapesOf({ model: sampleModel({ shapeVariants }), batchSize: 3, shapeIndex: 1 })).toEqual([[3, 7]]);
    const plain = sampleModel({ shapeVariants, hasBatchDimension: false });
    expect(shapesOf({ model: plain, batchSize: 1, shapeIndex: 0 })).toEqual([[4]]);
  });
});
