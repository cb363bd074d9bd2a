import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseModelConfig } from '../../../src/model-config/parse-config.js';
import { applyRecommendation } from '../../../src/tune/results/apply-recommendation.js';
import { carryComments } from '../../../src/tune/results/carry-comments.js';
import { writeReproScript } from '../../../src/tune/results/repro-script.js';
import { runSimulatedStudy } from '../support/study-bench.js';

describe('comments of a config', () => {
  const original = [
    '# licence',
    'name: "m"',
    'max_batch_size: 8 # clients send 8',
    '',
    '# one copy for each core',
    'instance_group [',
    '  {',
    '    count: 2 # measured "twice"',
    '  }',
    ']',
    'parameters { key: "gone" value: { string_value: "#1" } } # about what is gone',
    '# the end',
  ].join('\n');
  const rewritten = 'name: "m"\nmax_batch_size: 16  # larger\ninstance_group [\n  {\n    count: 4\n  }\n]\n';

  it('stay with their fields in a rewritten one', () => {
    const text = carryComments(original, rewritten);
    const lines = text.split('\n');
    expect(lines).toContain('max_batch_size: 16  # larger; clients send 8');
    expect(lines).toContain('    count: 4  # measured "twice"');
    expect(lines[lines.indexOf('instance_group [') - 1]).toBe('# one copy for each core');
    expect(lines.indexOf('# licence')).toBeLessThan(lines.indexOf('name: "m"'));
    expect(text).toContain('# about what is gone');
    expect(text).toContain('# the end');
    expect(parseModelConfig(text, 'a')).toEqual(parseModelConfig(rewritten, 'b'));
  });

  it('are nothing to carry where there are none', () => {
    expect(carryComments('name: "m"', rewritten)).toBe(rewritten);
  });
});

describe('applying a recommendation', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'perf-ts-test-'));
    for (const [name, config] of [
      ['mine', 'old'],
      ['recommended', 'new'],
    ] as const) {
      mkdirSync(join(folder, name, '1'), { recursive: true });
      writeFileSync(join(folder, name, 'config.pbtxt'), config);
      writeFileSync(join(folder, name, '1', 'model.onnx'), 'weights');
    }
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));
  const apply = () =>
    applyRecommendation(join(folder, 'recommended'), join(folder, 'mine'), new Date('2026-01-02T03:04:05Z'));

  it('replaces what differs after a copy of it, and touches nothing else', async () => {
    expect(await apply()).toEqual({
      changed: ['config.pbtxt'],
      backups: ['config.pbtxt.before-20260102T030405'],
    });
    expect(readFileSync(join(folder, 'mine', 'config.pbtxt'), 'utf8')).toBe('new');
    expect(readFileSync(join(folder, 'mine', 'config.pbtxt.before-20260102T030405'), 'utf8')).toBe('old');
    expect(readdirSync(join(folder, 'mine', '1'))).toEqual(['model.onnx']);
  });

  it('adds what was not there, and a second time does nothing', async () => {
    rmSync(join(folder, 'mine', 'config.pbtxt'));
    expect(await apply()).toEqual({ changed: ['config.pbtxt'], backups: [] });
    expect(await apply()).toEqual({ changed: [], backups: [] });
  });
});

describe('the script that measures again', () => {
  it('is one that a shell can read, whatever the names hold', () => {
    const script = writeReproScript({
      models: [{ name: "it's $HOME", weight: 1 }],
      originalRepositories: ["/models of 'mine'"],
      serverFlags: ['--pinned-memory-pool-byte-size=0'],
      defaultLoad: { concurrency: 4, batchSize: 1 },
      recommendedLoad: { concurrency: 32, batchSize: 2 },
      requestArguments: ['--shape', 'x:3,4'],
    });
    execFileSync('sh', ['-n'], { input: script });
    expect(script).toContain(`-m 'it'\\''s $HOME'`);
    expect(script).toContain("'--concurrency-range 32:32:1 -b 2' --pinned-memory-pool-byte-size=0");
    expect(script).toContain('--shape x:3,4');
  });
});

describe('a study in which nothing keeps the constraints', () => {
  it('says which limit excluded how many, and the nearest miss', async () => {
    const { record } = await runSimulatedStudy({
      landscape: ({ instance_count: count }) => ({ throughputPerSec: 100 * Number(count), latencyNs: 30e6 }),
      constraints: ['latency_p99 <= 10ms', 'throughput >= 150'],
      budgetSeconds: 40,
    });
    const warning = record.warnings.find(({ code }) => code === 'NO_FEASIBLE_VARIANT');
    const variants = new Set(record.trials.map(({ variantId }) => variantId)).size;
    expect(warning?.message).toContain(`'latency_p99 <= 10ms' excluded ${variants} of ${variants}`);
    expect(warning?.message).toMatch(/'throughput >= 150' excluded \d+ of/);
    expect(warning?.message).toMatch(/the nearest, \S+, missed latency_p99 <= 10ms: was 30ms, missed by 200 %/);
  });
});

describe('the trade-offs of a study', () => {
  it('are in its record', async () => {
    const { record } = await runSimulatedStudy({
      landscape: ({ dynamic_batching: batching }) =>
        batching === true ? { throughputPerSec: 300, latencyNs: 50e6 } : { throughputPerSec: 100, latencyNs: 5e6 },
    });
    expect(record.pareto?.metrics.map(({ metric }) => metric)).toEqual(['throughput', 'latency_p99']);
    const onFront = record.pareto?.points.filter(({ isOnFront }) => isOnFront) ?? [];
    expect(onFront.map(({ values }) => Math.round(values.throughput!))).toEqual(expect.arrayContaining([100, 300]));
  });
});
