/** A valid LoadPlan for the scripted servers' `echo` model. */
import { millis, seconds } from '../../src/common/units.js';
import type { LoadPlan } from '../../src/plan/load-plan.js';

export const samplePlan = (changes: Partial<LoadPlan> = {}): LoadPlan => ({
  model: 'echo',
  modelVersion: '',
  protocol: 'grpc',
  endpoint: '127.0.0.1:1',
  sequence: { kind: 'stepped', values: [1] },
  batchSize: 1,
  inputs: [
    { name: 'IN', dataType: 'FP32', shape: [1, 4], source: { kind: 'random', seed: 3 }, stringLengthBytes: 128 },
  ],
  stopRule: { minDuration: millis(100), maxDuration: seconds(1), targetHalfWidth: 0.05 },
  requestTimeout: seconds(5),
  workerCount: 1,
  seed: 1,
  ...changes,
});
