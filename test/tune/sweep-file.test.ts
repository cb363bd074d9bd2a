import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { PerfTsError } from '../../src/common/errors.js';
import { packageRoot } from '../../src/common/package-root.js';
import { seconds } from '../../src/common/units.js';
import { buildSearchSpace, countVariants } from '../../src/tune/search-space.js';
import { parseSweepFile, readSweepFile } from '../../src/tune/sweep-file.js';
import { plainContext } from './support/study-bench.js';

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
      'my.yaml:1 strategy: must be one of quick, random, exhaustive',
      "my.yaml:2 objective: must be one of throughput, latency_mean, latency_p50, latency_p90, latency_p95, latency_p99, not 'latency'",
      "my.yaml:3 budget: must be a duration with a unit, such as 250ms, 10s or 5m, not '5'",
      "my.yaml:6 constraints.1: must be a duration with a unit, such as 250ms, 10s or 5m, not '20'",
      'my.yaml:8 knobs.instances: is not known',
      "my.yaml:9 knobs.graph_level: must be a list of values, or 'auto'",
      'my.yaml:10 retries: is not known',
    ]);
  });

  it('that is not YAML is refused with the line', () => {
    expect(complaints('strategy: quick\nknobs: [1, 2\n')[0]).toMatch(/^my\.yaml:\d+ /);
  });

  it('that does not exist is a clear problem', async () => {
    await expect(readSweepFile('/nowhere/x.yaml')).rejects.toMatchObject({ code: 'BAD_FILE' });
  });

  it.each(readdirSync(join(packageRoot, 'sweeps')).filter((name) => name.endsWith('.yaml')))(
    '%s ships and has something to tune',
    async (name) => {
      const sweep = await readSweepFile(join(packageRoot, 'sweeps', name));
      expect(sweep.budget).toBeGreaterThan(0);
      expect(countVariants(buildSearchSpace(plainContext, sweep.knobs))).toBeGreaterThan(50);
      const plain = { ...plainContext.config, max_batch_size: 0 };
      expect(countVariants(buildSearchSpace({ config: plain, cpuCount: 2 }, sweep.knobs))).toBeGreaterThan(5);
    },
  );
});
