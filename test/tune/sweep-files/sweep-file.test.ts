import { describe, expect, it } from 'vitest';
import { PerfTsError } from '../../../src/common/errors.js';
import { seconds } from '../../../src/common/units.js';
import { parseSweepFile, readSweepFile } from '../../../src/tune/sweep-files/sweep-file.js';

const complaints = (text: string): string[] => {
  try {
    parseSweepFile(text, 'my.yaml');
  } catch (thrown) {
    expect(thrown).toBeInstanceOf(PerfTsError);
    return (thrown as PerfTsError).problems.map(({ where, what }) => `${where} ${what}`);
  }
  return [];
};

describe('a sweep file', () => {
  it('says what to tune, for what, within which limits and time', () => {
    const sweep = parseSweepFile(
      [
        'strategy: exhaustive',
        'objective: latency_p99',
        'constraints: ["throughput >= 100"]',
        'budget: 5m',
        'seed: 7',
        'concurrency: 8',
        'knobs: { instance_count: [1, 2], intra_op_threads: auto }',
      ].join('\n'),
      'my.yaml',
    );
    expect(sweep).toMatchObject({
      strategy: 'exhaustive',
      objective: { metric: 'latency_p99', direction: 'minimize' },
      constraints: [{ metric: 'throughput', operator: '>=', limit: 100 }],
      budget: seconds(300),
      seed: 7,
      concurrency: 8,
      knobs: { instance_count: [1, 2], intra_op_threads: 'auto' },
    });
  });

  it('may leave everything out', () => {
    expect(parseSweepFile('', 'my.yaml')).toMatchObject({ budget: undefined, constraints: [], knobs: undefined });
  });

  it('with faults is refused with all of them, each with its line', () => {
    const text = [
      'strategy: clever',
      'objective: latency',
      'budget: 5',
      'constraints:',
      '  - throughput >= 100',
      '  - latency_p99 <= 20',
      'knobs:',
      '  instances: [1]',
      '  graph_level: all',
      'retries: 3',
    ].join('\n');
    expect(complaints(text)).toEqual([
      'my.yaml:1 strategy: must be one of forest, quick, random, exhaustive',
      "my.yaml:2 objective: must be one of throughput, latency_mean, latency_p50, latency_p90, latency_p95, latency_p99, memory_rss, gpu_memory, energy_per_inference, cost_per_million, not 'latency'",
      "my.yaml:3 budget: must be a duration with a unit, such as 250ms, 10s or 5m, not '5'",
      "my.yaml:6 constraints.1: must be a duration with a unit, such as 250ms, 10s or 5m, not '20'",
      'my.yaml:8 knobs.instances: is not known',
      "my.yaml:9 knobs.graph_level: must be a list of values, a range such as {min: 1, max: 8, step: 1}, or 'auto'",
      'my.yaml:10 retries: is not known',
    ]);
  });

  it('that is not YAML is refused with the line', () => {
    expect(complaints('strategy: quick\nknobs: [1, 2\n')[0]).toMatch(/^my\.yaml:\d+ /);
  });

  it('that does not exist is a clear problem', async () => {
    await expect(readSweepFile('/nowhere/x.yaml')).rejects.toMatchObject({ code: 'BAD_FILE' });
  });

  it('may give ranges, of numbers and of sizes, by steps or by doubling', () => {
    const text = [
      'knobs:',
      '  instance_count: { min: 1, max: 4 }',
      '  max_queue_delay_us: { min: 0, max: 500, step: 200 }',
      '  pinned_memory_pool_bytes: { min: 16MiB, max: 64MiB, step: double }',
    ].join('\n');
    expect(parseSweepFile(text, 'my.yaml').knobs).toEqual({
      instance_count: [1, 2, 3, 4],
      max_queue_delay_us: [0, 200, 400, 500],
      pinned_memory_pool_bytes: [16, 32, 64].map((size) => size * 2 ** 20),
    });
  });

  it('with impossible ranges is refused with the reason for each', () => {
    const text = [
      'knobs:',
      '  instance_count: { min: 4, max: 1 }',
      '  max_batch_size: { min: 0, max: 8, step: double }',
      '  intra_op_threads: { min: 1, max: 4, step: 0 }',
      '  max_queue_delay_us: { min: 0, max: 60000000 }',
      '  inter_op_threads: { min: 1, max: 4, steps: 2 }',
      '  pinned_memory_pool_bytes: { min: little, max: 1GiB }',
    ].join('\n');
    expect(complaints(text)).toEqual([
      'my.yaml:2 knobs.instance_count: has a min of 4 above its max of 1',
      'my.yaml:3 knobs.max_batch_size: doubles from min, which must be above 0',
      'my.yaml:4 knobs.intra_op_threads: has a step of 0 or less',
      'my.yaml:5 knobs.max_queue_delay_us: has more than 1000 values',
      'my.yaml:6 knobs.inter_op_threads.steps: is not known',
      'my.yaml:7 knobs.pinned_memory_pool_bytes: min, max and step must be numbers or sizes such as 256MiB',
    ]);
  });

  it('may weigh several objectives', () => {
    const sweep = parseSweepFile('objectives: { throughput: 2, memory_rss: 1 }', 'my.yaml');
    expect(sweep.objective).toMatchObject({ metric: 'throughput and memory_rss', direction: 'maximize' });
    expect(sweep.objective?.parts?.map(({ weight }) => weight)).toEqual([2, 1]);
    expect(parseSweepFile('objectives: [latency_p99]', 'my.yaml').objective?.metric).toBe('latency_p99');
    expect(complaints('objectives: { beauty: 1 }')[0]).toMatch(
      /^my\.yaml:1 objectives\.beauty: must be one of throughput/,
    );
  });

  it('may say the load, the runtimes, what the host costs, and models with their own knobs', () => {
    const text = [
      'load: { concurrency: 4, batch_size: 8 }',
      'runtimes: [bundled, openvino]',
      'price_per_hour: 1.2',
      'models:',
      '  - { name: a, weight: 2, knobs: { instance_count: [1] } }',
      '  - { name: b }',
    ].join('\n');
    expect(parseSweepFile(text, 'my.yaml')).toMatchObject({
      concurrency: 4,
      batchSize: 8,
      runtimes: ['bundled', 'openvino'],
      pricePerHour: 1.2,
      models: [
        { name: 'a', weight: 2, knobs: { instance_count: [1] } },
        { name: 'b', weight: 1, knobs: undefined },
      ],
      tunesTogether: true,
    });
  });

  it('that contradicts itself is refused at the lines that do', () => {
    const text = [
      'objective: throughput',
      'objectives: [throughput]',
      'concurrency: 4',
      'load: { concurrency: 2, batch_size: 2 }',
      'constraints:',
      '  - latency_p99 <= 10ms',
      '  - latency_p50 >= 20ms',
      '  - latency_p99 >= 5ms',
      'knobs: { client_batch_size: [1, 2], client_concurrency: auto }',
      'models: [{ name: a }, { name: a }]',
    ].join('\n');
    expect(complaints(text)).toEqual([
      'my.yaml:2 objectives: cannot be given beside objective',
      'my.yaml:4 load.concurrency: cannot be given beside concurrency',
      "my.yaml:7 constraints.1: 'latency_p50 >= 20ms' and 'latency_p99 <= 10ms' cannot both hold",
      'my.yaml:9 knobs.client_batch_size: cannot be given beside load.batch_size',
      'my.yaml:9 knobs.client_concurrency: cannot be given beside a concurrency for every variant',
      "my.yaml:10 models.1: 'a' is listed twice",
    ]);
  });
});
