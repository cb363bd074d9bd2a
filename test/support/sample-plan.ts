/** A valid LoadPlan for the scripted servers' `echo` model. */
import { millis, seconds } from '../../src/common/units.js';
import type { InputPlan, LoadPlan, ModelLoad } from '../../src/plan/load-plan.js';

export const sampleInput = (changes: Partial<InputPlan> = {}): InputPlan => ({
  name: 'IN',
  dataType: 'FP32',
  shape: [4],
  source: { kind: 'random', seed: 3 },
  stringLengthBytes: 128,
  ...changes,
});

export const sampleModel = (changes: Partial<ModelLoad> = {}): ModelLoad => ({
  model: 'echo',
  modelVersion: '',
  weight: 1,
  hasBatchDimension: true,
  shapeVariants: [[sampleInput()]],
  ...changes,
});

export const samplePlan = (changes: Partial<LoadPlan> = {}): LoadPlan => {
  const { protocol = 'grpc' } = changes;
  return {
    models: [sampleModel()],
    protocol,
    endpoint: '127.0.0.1:1',
    client: protocol === 'grpc' ? 'grpc-wire' : 'http',
    load: { kind: 'closed' },
    sequence: { kind: 'stepped', values: [1] },
    batchSizes: [1],
    stopRule: { minDuration: millis(100), maxDuration: seconds(1), targetHalfWidth: 0.05 },
    maxErrorRatio: 0.01,
    requestTimeout: seconds(5),
    workerCount: 1,
    seed: 1,
    ...changes,
  };
};
