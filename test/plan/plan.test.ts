import { describe, expect, it } from 'vitest';
import { PerfTsError, type Problem } from '../../src/common/errors.js';
import { millis, seconds } from '../../src/common/units.js';
import type { ModelMetadata } from '../../src/kserve/metadata.js';
import type { ModelConfig } from '../../src/model-config/model-config.js';
import { createLoadPlan, defaultWorkerCount, type PlanOptions } from '../../src/plan/plan.js';

const options: PlanOptions = {
  model: 'reader',
  protocol: 'grpc',
  endpoint: '127.0.0.1:8001',
  sequence: { kind: 'adaptive', start: 1, end: 64 },
  stopRule: { minDuration: millis(500), maxDuration: seconds(10), targetHalfWidth: 0.02 },
  workerCount: 2,
};

const tensor = (name: string, shape: number[], datatype = 'FP32') => ({ name, datatype, shape });

const metadataOf = (...inputs: ModelMetadata['inputs']): ModelMetadata => ({
  name: 'reader',
  versions: ['1'],
  platform: 'onnxruntime_onnx',
  inputs,
  outputs: [tensor('out', [-1, 10])],
});

const fixed = metadataOf(tensor('image', [-1, 1, 32, 100]));
const dynamic = metadataOf(tensor('image', [-1, 1, 32, -1]), tensor('text', [-1, -1], 'BYTES'));
const batching: ModelConfig = { max_batch_size: 8 };

function problemsOf(make: () => unknown): readonly Problem[] {
  try {
    make();
  } catch (thrown) {
    expect(thrown).toBeInstanceOf(PerfTsError);
    expect(thrown).toMatchObject({ code: 'BAD_OPTION' });
    return (thrown as PerfTsError).problems;
  }
  throw new Error('nothing was refused');
}

const shapesOf = (...[given, metadata, config]: Parameters<typeof createLoadPlan>) =>
  createLoadPlan(given, metadata, config).inputs.map(({ shape }) => shape);

describe('a load plan', () => {
  it('is plain data, frozen in depth, with every default filled in', () => {
    const plan = createLoadPlan(options, fixed, batching);
    expect(structuredClone(plan)).toEqual(plan);
    expect(plan).toMatchObject({
      modelVersion: '',
      batchSize: 1,
      seed: 1,
      workerCount: 2,
      requestTimeout: seconds(30),
    });
    expect(plan.inputs[0]).toMatchObject({
      name: 'image',
      dataType: 'FP32',
      stringLengthBytes: 128,
      source: { kind: 'random' },
    });
    expect('latencyLimit' in plan).toBe(false);
    for (const part of [plan, plan.inputs, plan.inputs[0], plan.inputs[0]!.shape, plan.sequence, plan.stopRule]) {
      expect(Object.isFrozen(part)).toBe(true);
    }
  });

  it('is the same for the same options, and draws other inputs for another seed', () => {
    expect(createLoadPlan(options, fixed, batching)).toEqual(createLoadPlan(options, fixed, batching));
    const seedsOf = (seed: number) =>
      createLoadPlan({ ...options, seed }, fixed, batching).inputs.map(({ source }) => source);
    expect(seedsOf(5)).toEqual(seedsOf(5));
    expect(seedsOf(5)).not.toEqual(seedsOf(6));
  });

  it('gives each input values of its own', () => {
    const two = metadataOf(tensor('a', [-1, 4]), tensor('b', [-1, 4]));
    const [a, b] = createLoadPlan(options, two, batching).inputs;
    expect(a!.source).not.toEqual(b!.source);
  });

  it('puts the batch size first where the model batches', () => {
    expect(shapesOf({ ...options, batchSize: 4 }, fixed, batching)).toEqual([[4, 1, 32, 100]]);
    expect(shapesOf(options, metadataOf(tensor('x', [3, 4])), { max_batch_size: 0 })).toEqual([[3, 4]]);
    expect(shapesOf(options, metadataOf(tensor('x', [3, 4])), {})).toEqual([[3, 4]]);
  });

  it('fills dynamic dimensions from the given shapes', () => {
    const shapes = { image: [1, 32, 50], text: [2] };
    expect(shapesOf({ ...options, shapes }, dynamic, batching)).toEqual([
      [1, 1, 32, 50],
      [1, 2],
    ]);
  });

  it('tells from the metadata whether a model batches when there is no configuration', () => {
    expect(shapesOf({ ...options, batchSize: 300 }, fixed, undefined)).toEqual([[300, 1, 32, 100]]);
    const unbatched = { ...metadataOf(tensor('x', [-1, 4])), outputs: [tensor('out', [10])] };
    expect(shapesOf({ ...options, shapes: { x: [7, 4] } }, unbatched, undefined)).toEqual([[7, 4]]);
    const problems = problemsOf(() =>
      createLoadPlan({ ...options, batchSize: 2 }, metadataOf(tensor('x', [3, 4])), undefined),
    );
    expect(problems).toMatchObject([{ where: '-b', what: expect.stringContaining('publishes no configuration') }]);
  });

  it('takes a shape with every dimension as that of a model that does not batch, when nothing else tells', () => {
    const any = metadataOf(tensor('x', [-1, -1]));
    expect(shapesOf({ ...options, shapes: { x: [5] } }, any, undefined)).toEqual([[1, 5]]);
    expect(shapesOf({ ...options, shapes: { x: [6, 5] } }, any, undefined)).toEqual([[6, 5]]);
  });
});

describe('a load plan is refused', () => {
  const refuse = (changes: Partial<PlanOptions>, metadata = fixed, config: ModelConfig | undefined = batching) =>
    problemsOf(() => createLoadPlan({ ...options, ...changes }, metadata, config));

  it('for a batch that the model does not take', () => {
    expect(refuse({ batchSize: 9 })).toMatchObject([
      { where: '-b', what: expect.stringContaining('max_batch_size of model reader, 8') },
    ]);
    const unbatched = metadataOf(tensor('x', [4]));
    expect(refuse({ batchSize: 2 }, unbatched, {})).toMatchObject([
      { where: '-b', what: expect.stringContaining('does not batch') },
    ]);
    for (const batchSize of [0, -1, 1.5, Number.NaN]) expect(refuse({ batchSize })).toMatchObject([{ where: '-b' }]);
  });

  it('for shapes that do not fit, with an example that does', () => {
    expect(refuse({}, dynamic)).toMatchObject([
      {
        where: '--shape',
        what: expect.stringContaining('image'),
        hint: expect.stringContaining('--shape image:1,32,8'),
      },
      { where: '--shape', what: expect.stringContaining('text') },
    ]);
    expect(refuse({ shapes: { imag: [1, 32, 100] } })).toMatchObject([
      { what: 'model reader has no input imag', hint: 'its inputs are image' },
    ]);
    expect(refuse({ shapes: { image: [32, 100] } })).toMatchObject([
      { what: expect.stringContaining('has 3 dimensions [1, 32, 100]') },
    ]);
    expect(refuse({ shapes: { image: [4, 1, 32, 100] } })).toMatchObject([
      { what: expect.stringContaining('batch dimension is not part of it') },
    ]);
    expect(refuse({ shapes: { image: [1, 32, 99] } })).toMatchObject([
      { what: expect.stringContaining('does not fit') },
    ]);
    expect(refuse({ shapes: { image: [1, 32, 0] } })).toContainEqual({
      where: '--shape',
      what: expect.stringContaining('at least 1'),
    });
  });

  it('for a shape named like a member of every object', () => {
    expect(refuse({ shapes: { constructor: [1] } })).toMatchObject([{ what: 'model reader has no input constructor' }]);
    expect(refuse({}, metadataOf(tensor('constructor', [-1, -1])))).toMatchObject([{ where: '--shape' }]);
  });

  it('for a data type that nobody knows', () => {
    expect(refuse({}, metadataOf(tensor('x', [-1, 4], 'FP8')))).toMatchObject([
      { what: 'input x has the data type FP8, which is unknown' },
    ]);
  });

  it('for a request that no message can hold', () => {
    expect(refuse({ batchSize: 8 }, metadataOf(tensor('x', [-1, 100_000_000])))).toMatchObject([
      { where: '-b', what: expect.stringContaining('3200000000 bytes') },
    ]);
  });

  it.each<[string, Partial<PlanOptions>]>([
    ['-m', { model: '' }],
    ['-u', { endpoint: 'localhost' }],
    ['--concurrency-range', { sequence: { kind: 'stepped', values: [] } }],
    ['--concurrency-range', { sequence: { kind: 'stepped', values: [4, 0] } }],
    ['--concurrency-range', { sequence: { kind: 'adaptive', start: 8, end: 4 } }],
    ['--string-length', { stringLengthBytes: -1 }],
    ['--request-timeout', { requestTimeout: seconds(0) }],
    ['--latency-threshold', { latencyLimit: seconds(0) }],
    ['--workers', { workerCount: 0 }],
    ['--seed', { seed: -1 }],
    ['--max-time', { stopRule: { ...options.stopRule, maxDuration: millis(1) } }],
    ['--confidence-target', { stopRule: { ...options.stopRule, targetHalfWidth: 0 } }],
  ])('for a bad %s', (where, changes) => {
    expect(refuse(changes)).toMatchObject([{ where }]);
  });

  it('for all of its problems at once', () => {
    const problems = refuse({ batchSize: 99, endpoint: 'x', workerCount: 0, shapes: { nope: [1] } }, dynamic);
    expect(problems.map(({ where }) => where).sort()).toEqual([
      '--shape',
      '--shape',
      '--shape',
      '--workers',
      '-b',
      '-u',
    ]);
  });
});

describe('the default number of workers', () => {
  it('leaves a small host to the server and grows with the host', () => {
    expect([1, 2, 4, 7, 8, 12, 16, 128].map(defaultWorkerCount)).toEqual([1, 1, 1, 1, 2, 3, 4, 4]);
  });
});
