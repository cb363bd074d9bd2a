import { describe, expect, it } from 'vitest';
import { PerfTsError, type Problem } from '../../src/common/errors.js';
import { millis, seconds } from '../../src/common/units.js';
import type { ModelMetadata } from '../../src/kserve/metadata.js';
import type { ModelConfig } from '../../src/model-config/model-config.js';
import type { LoadKind } from '../../src/plan/load-plan.js';
import { createLoadPlan, defaultWorkerCount, type PlanOptions } from '../../src/plan/plan.js';

const options: PlanOptions = {
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

const planOf = (given: PlanOptions, metadata: ModelMetadata, config: ModelConfig | undefined) =>
  createLoadPlan(given, [{ model: 'reader', metadata, config }]);

const inputsOf = (...given: Parameters<typeof planOf>) => planOf(...given).models[0]!.shapeVariants[0]!;
const shapesOf = (...given: Parameters<typeof planOf>) => inputsOf(...given).map(({ shape }) => shape);
const batchesOf = (...given: Parameters<typeof planOf>) => planOf(...given).models[0]!.hasBatchDimension;

const openLoad = (maxInFlight = 100): LoadKind => ({ kind: 'open', arrival: { kind: 'constant' }, maxInFlight });

describe('a load plan', () => {
  it('is plain data, frozen in depth, with every default filled in', () => {
    const plan = planOf(options, fixed, batching);
    expect(structuredClone(plan)).toEqual(plan);
    expect(plan).toMatchObject({
      models: [{ model: 'reader', modelVersion: '', weight: 1, hasBatchDimension: true }],
      client: 'grpc-wire',
      load: { kind: 'closed' },
      batchSizes: [1],
      seed: 1,
      workerCount: 2,
      requestTimeout: seconds(30),
    });
    const inputs = plan.models[0]!.shapeVariants[0]!;
    expect(inputs[0]).toMatchObject({
      name: 'image',
      dataType: 'FP32',
      stringLengthBytes: 128,
      source: { kind: 'random' },
    });
    expect('latencyLimit' in plan).toBe(false);
    for (const part of [plan, plan.models, inputs, inputs[0], inputs[0]!.shape, plan.sequence, plan.stopRule]) {
      expect(Object.isFrozen(part)).toBe(true);
    }
  });

  it('is the same for the same options, and draws other inputs for another seed', () => {
    expect(planOf(options, fixed, batching)).toEqual(planOf(options, fixed, batching));
    const seedsOf = (seed: number) => inputsOf({ ...options, seed }, fixed, batching).map(({ source }) => source);
    expect(seedsOf(5)).toEqual(seedsOf(5));
    expect(seedsOf(5)).not.toEqual(seedsOf(6));
  });

  it('gives each input of each model values of its own', () => {
    const two = metadataOf(tensor('a', [-1, 4]), tensor('b', [-1, 4]));
    const described = ['x', 'y'].map((model) => ({ model, metadata: two, config: batching }));
    const seeds = createLoadPlan(options, described).models.flatMap(({ shapeVariants }) =>
      shapeVariants[0]!.map(({ source }) => JSON.stringify(source)),
    );
    expect(new Set(seeds).size).toBe(4);
  });

  it('tells whether requests have a batch dimension, and leaves it out of the shapes', () => {
    expect(shapesOf({ ...options, batchSizes: [4] }, fixed, batching)).toEqual([[1, 32, 100]]);
    expect(batchesOf({ ...options, batchSizes: [4] }, fixed, batching)).toBe(true);
    for (const config of [{ max_batch_size: 0 }, {}]) {
      const given = [options, metadataOf(tensor('x', [3, 4])), config] as const;
      expect([shapesOf(...given), batchesOf(...given)]).toEqual([[[3, 4]], false]);
    }
  });

  it('fills dynamic dimensions from the given shapes', () => {
    const shapes = { image: [1, 32, 50], text: [2] };
    expect(shapesOf({ ...options, shapes }, dynamic, batching)).toEqual([[1, 32, 50], [2]]);
  });

  it('holds the inputs of every shape variant', () => {
    const shapeVariants = [50, 100].map((width) => ({ image: [1, 32, width], text: [2] }));
    const { models } = planOf({ ...options, shapeVariants }, dynamic, batching);
    const widths = models[0]!.shapeVariants.map((inputs) => inputs.map(({ shape }) => shape.at(-1)));
    expect(widths).toEqual([
      [50, 2],
      [100, 2],
    ]);
  });

  it('has no more workers than may have a request in flight', () => {
    const load = openLoad(3);
    const sequence = { kind: 'stepped', values: [100] } as const;
    expect(planOf({ ...options, load, sequence, workerCount: 8 }, fixed, batching).workerCount).toBe(3);
    expect(planOf({ ...options, workerCount: 8 }, fixed, batching).workerCount).toBe(8);
  });

  it('sends compressed gRPC messages through the client that can', () => {
    expect(planOf({ ...options, compression: 'gzip' }, fixed, batching).client).toBe('grpc-js');
    expect(planOf({ ...options, protocol: 'http' }, fixed, batching).client).toBe('http');
  });

  it('tells from the metadata whether a model batches when there is no configuration', () => {
    expect(shapesOf({ ...options, batchSizes: [300] }, fixed, undefined)).toEqual([[1, 32, 100]]);
    const unbatched = { ...metadataOf(tensor('x', [-1, 4])), outputs: [tensor('out', [10])] };
    expect(shapesOf({ ...options, shapes: { x: [7, 4] } }, unbatched, undefined)).toEqual([[7, 4]]);
    const problems = problemsOf(() =>
      planOf({ ...options, batchSizes: [2] }, metadataOf(tensor('x', [3, 4])), undefined),
    );
    expect(problems).toMatchObject([{ where: '-b', what: expect.stringContaining('publishes no configuration') }]);
  });

  it('takes a shape with every dimension as that of a model that does not batch, when nothing else tells', () => {
    const any = metadataOf(tensor('x', [-1, -1]));
    const batches = (x: readonly number[]) => batchesOf({ ...options, shapes: { x } }, any, undefined);
    expect([batches([5]), batches([6, 5])]).toEqual([true, false]);
    const mixed = { ...options, shapeVariants: [{ x: [5] }, { x: [6, 5] }] };
    expect(problemsOf(() => planOf(mixed, any, undefined))).toContainEqual(
      expect.objectContaining({ where: '--shape', what: expect.stringContaining('leave the batch dimension out') }),
    );
  });
});

describe('a load plan is refused', () => {
  const refuse = (changes: Partial<PlanOptions>, metadata = fixed, config: ModelConfig | undefined = batching) =>
    problemsOf(() => planOf({ ...options, ...changes }, metadata, config));

  it('for a batch that the model does not take', () => {
    expect(refuse({ batchSizes: [1, 9] })).toMatchObject([
      { where: '-b', what: expect.stringContaining('max_batch_size of model reader, 8') },
    ]);
    const unbatched = metadataOf(tensor('x', [4]));
    expect(refuse({ batchSizes: [2] }, unbatched, {})).toMatchObject([
      { where: '-b', what: expect.stringContaining('does not batch') },
    ]);
    for (const size of [0, -1, 1.5, Number.NaN])
      expect(refuse({ batchSizes: [size] })).toMatchObject([{ where: '-b' }]);
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
    expect(refuse({ batchSizes: [1, 8] }, metadataOf(tensor('x', [-1, 100_000_000])))).toMatchObject([
      { where: '-b', what: expect.stringContaining('3200000000 bytes') },
    ]);
  });

  it.each<[string, Partial<PlanOptions>]>([
    ['-u', { endpoint: 'localhost' }],
    ['--concurrency-range', { sequence: { kind: 'stepped', values: [] } }],
    ['--concurrency-range', { sequence: { kind: 'stepped', values: [4, 0] } }],
    ['--concurrency-range', { sequence: { kind: 'adaptive', start: 8, end: 4 } }],
    ['--request-rate-range', { load: openLoad(), sequence: { kind: 'stepped', values: [0] } }],
    ['--request-rate-range', { load: openLoad(), sequence: { kind: 'stepped', values: [Number.NaN] } }],
    ['--max-in-flight', { load: openLoad(0) }],
    ['--peak', { sequence: { kind: 'peak' } }],
    ['--peak', { load: openLoad(), sequence: { kind: 'peak', start: 10, end: 5 } }],
    ['-b', { load: openLoad(), sequence: { kind: 'peak' }, batchSizes: [1, 2] }],
    ['--request-count', { requestCount: 63 }],
    ['--request-count', { requestCount: 0.5, load: openLoad() }],
    ['--warmup-request-count', { warmupRequestCount: -1 }],
    ['--percentile', { latencyPercentile: 100 }],
    ['--client', { client: 'http' }],
    ['--client', { client: 'grpc-wire', compression: 'gzip' }],
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

  it('for models that are not named, named twice, or weighed by no whole number', () => {
    const models = (...named: { model: string; weight?: number }[]) =>
      problemsOf(() =>
        createLoadPlan(
          options,
          named.map((one) => ({ ...one, metadata: fixed, config: batching })),
        ),
      );
    expect(models({ model: '' })).toMatchObject([{ where: '-m', what: 'no model is named' }]);
    expect(models({ model: 'a' }, { model: 'b' }, { model: 'a' })).toMatchObject([{ what: 'model a is named twice' }]);
    expect(models({ model: 'a', weight: 0 }, { model: 'b', weight: 1.5 })).toHaveLength(2);
  });

  it('for all of its problems at once', () => {
    const problems = refuse({ batchSizes: [99], endpoint: 'x', workerCount: 0, shapes: { nope: [1] } }, dynamic);
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
