import { existsSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { runRecordSchema } from '../../src/record/run-record.js';
import { concurrencyOf } from '../support/concurrency-of.js';
import { runPerfTs, startPerfTs } from '../support/run-perf-ts.js';

const quick = ['--min-time', '500ms', '--max-time', '1s'];

const recordFolders = (folder: string): string[] => {
  const results = join(folder, 'results');
  return existsSync(results) ? readdirSync(results).map((name) => join(results, name)) : [];
};

describe('a measuring run on the bundled engine', { timeout: 60_000 }, () => {
  it('leaves a record, a report and no process', async () => {
    const run = await runPerfTs(['-m', 'identity', '--server', 'embedded', '--concurrency-range', '1:2', ...quick]);
    expect(run.stderr).toContain('demo model with random weights');
    expect([0, 2]).toContain(run.code);
    expect(run.survivors).toEqual([]);
    const [folder = ''] = recordFolders(run.folder);
    const record = runRecordSchema.parse(JSON.parse(readFileSync(join(folder, 'run.json'), 'utf8')));
    expect(record.state).toBe('complete');
    expect(record.levels.map(({ load }) => concurrencyOf(load))).toEqual(expect.arrayContaining([1, 2]));
    expect(readFileSync(join(folder, 'report.html'), 'utf8')).toContain('identity');
  });

  it('goes on to the end when the reader of its output has gone', async () => {
    const run = startPerfTs(['-m', 'identity', '--server', 'embedded', ...quick]);
    run.child.stdout?.destroy();
    expect([0, 2]).toContain((await run.ended).code);
    expect(run.stderr()).not.toContain('EPIPE');
    expect(recordFolders(run.folder)).toHaveLength(1);
    expect(run.survivors()).toEqual([]);
  });

  it('prints one JSON document on stdout with --json, and nothing else there', async () => {
    const run = await runPerfTs(['-m', 'identity', '--server', 'embedded', '--json', ...quick]);
    const record = runRecordSchema.parse(JSON.parse(run.stdout));
    expect(record.levels[0]?.requestCount).toBeGreaterThan(0);
    expect(record.levels[0]?.server?.inferenceCount).toBeGreaterThan(0);
    expect(run.survivors).toEqual([]);
  });

  it('keeps finished levels, stops the engine and exits with 130 on Ctrl-C', async () => {
    const run = startPerfTs(['-m', 'identity', '--server', 'embedded', '--concurrency-range', '1:64:1', ...quick]);
    await run.seen('concurrency 2:');
    expect(run.survivors().length).toBeGreaterThan(1);
    run.child.kill('SIGINT');
    expect((await run.ended).code).toBe(130);
    expect(run.survivors()).toEqual([]);
    const [folder = ''] = recordFolders(run.folder);
    const record = runRecordSchema.parse(JSON.parse(readFileSync(join(folder, 'run.json'), 'utf8')));
    expect(record.state).toBe('interrupted');
    expect(record.levels.length).toBeGreaterThanOrEqual(2);
    expect(existsSync(join(folder, 'report.html'))).toBe(true);
  });

  it('leaves no folder behind when Ctrl-C comes before the first level is finished', async () => {
    const run = startPerfTs(['-m', 'identity', '--server', 'embedded', '--min-time', '30s', '--max-time', '60s']);
    await run.seen('engine serves');
    await delay(300);
    run.child.kill('SIGINT');
    expect((await run.ended).code).toBe(130);
    expect(run.stderr()).toContain('nothing was kept');
    expect(run.survivors()).toEqual([]);
    expect(recordFolders(run.folder)).toEqual([]);
  });

  it('takes the engine with it when it is killed outright', async () => {
    const run = startPerfTs(['-m', 'identity', '--server', 'embedded', '--concurrency-range', '1:64:1', ...quick]);
    await run.seen('concurrency 1:');
    run.child.kill('SIGKILL');
    await run.ended;
    for (let i = 0; i < 100 && run.survivors().length > 0; i++) await delay(100);
    expect(run.survivors()).toEqual([]);
  });

  it('keeps the finished levels and exits with 4 when the engine is killed', async () => {
    const run = startPerfTs(['-m', 'identity', '--server', 'embedded', '--concurrency-range', '1:64:1', ...quick]);
    await run.seen('concurrency 2:');
    for (const pid of run.survivors().filter((pid) => pid !== run.child.pid)) process.kill(pid, 'SIGKILL');
    expect((await run.ended).code).toBe(4);
    expect(run.stderr()).toContain('SIGKILL');
    expect(run.survivors()).toEqual([]);
    const [folder = ''] = recordFolders(run.folder);
    const record = runRecordSchema.parse(JSON.parse(readFileSync(join(folder, 'run.json'), 'utf8')));
    expect(record.state).toBe('failed');
    expect(record.levels.length).toBeGreaterThanOrEqual(2);
  });
});

describe('bad input', { timeout: 60_000 }, () => {
  const cases: readonly (readonly [title: string, args: readonly string[], code: number, says: readonly string[]])[] = [
    ['an unknown model', ['-m', 'no_such_model', '--server', 'embedded'], 3, ['no_such_model', 'text_recognition']],
    ['no model', ['--concurrency-range', '1:4'], 3, ['--model', 'required']],
    [
      'an unknown flag',
      ['-m', 'identity', '--concurency-range', '1:4'],
      3,
      ['--concurency-range', '--concurrency-range'],
    ],
    ['a flag of a later version', ['-m', 'identity', '--num-of-sequences', '8'], 3, ['--num-of-sequences', 'yet']],
    ['several problems', ['-m', 'identity', '-b', '0', '--max-time', 'soon'], 3, ['2 problems', '-b', '--max-time']],
    ['a command that is none', ['swep', '-m', 'identity'], 3, ['swep', 'sweep']],
    ['a server that does not answer', ['-m', 'identity', '-u', '127.0.0.1:1'], 4, ['127.0.0.1:1']],
    ['a repository that is not there', ['-m', 'x', '--model-repository', 'nowhere'], 3, ['nowhere']],
    ['a batch past the maximum', ['-m', 'identity', '--server', 'embedded', '-b', '1000'], 3, ['1000', '32']],
  ];

  it.each(cases)('%s is one clear message, an exit code and nothing left', async (_title, args, code, says) => {
    const run = await runPerfTs(args);
    expect(run.code).toBe(code);
    for (const text of says) expect(run.stderr).toContain(text);
    expect(run.stderr).not.toMatch(/\n\s+at /);
    expect(run.survivors).toEqual([]);
    expect(recordFolders(run.folder)).toEqual([]);
  });

  it('names file, line and field of a broken config.pbtxt', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'perf-ts-test-'));
    await runPerfTs(['models', 'add', 'identity', '--to', 'models'], { folder });
    const file = join(folder, 'models', 'identity', 'config.pbtxt');
    writeFileSync(file, `${readFileSync(file, 'utf8')}\ndynamic_batching { max_que_delay_microseconds: 5 }\n`);
    const line =
      readFileSync(file, 'utf8')
        .split('\n')
        .findIndex((text) => text.includes('max_que')) + 1;
    const run = await runPerfTs(['-m', 'identity', '--model-repository', 'models'], { folder });
    expect([3, 4]).toContain(run.code);
    expect(run.stderr).toContain(`config.pbtxt:${line}`);
    expect(run.stderr).toContain('max_que_delay_microseconds');
    expect(run.survivors).toEqual([]);
  });

  it('names the file of a broken ONNX model', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'perf-ts-test-'));
    await runPerfTs(['models', 'add', 'identity', '--to', 'models'], { folder });
    writeFileSync(join(folder, 'models', 'identity', '1', 'model.onnx'), 'this is not a model');
    const run = await runPerfTs(['-m', 'identity', '--model-repository', 'models'], { folder });
    expect([3, 4]).toContain(run.code);
    expect(run.stderr).toContain('model.onnx');
    expect(run.survivors).toEqual([]);
  });

  it('refuses a results folder that cannot be written before any load is sent', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'perf-ts-test-'));
    writeFileSync(join(folder, 'results'), 'a file where the folder should be');
    const run = await runPerfTs(['-m', 'identity', '--server', 'embedded'], { folder });
    expect(run.code).toBe(3);
    expect(run.stderr).toContain('results');
    expect(run.stderr).not.toContain('concurrency 1:');
  });

  it('names the port and flag when a port is in use', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'perf-ts-test-'));
    await runPerfTs(['models', 'add', 'identity', '--to', 'models'], { folder });
    const first = startPerfTs(
      ['serve', '--model-repository', 'models', '--grpc-port', '0', '--metrics-port', '0', '--http-port', '0'],
      {
        folder,
      },
    );
    await first.seen('http');
    const port = /http[^\n]*?127\.0\.0\.1:(\d+)/i.exec(`${first.stdout()}${first.stderr()}`)?.[1] ?? '';
    const second = await runPerfTs(
      ['serve', '--model-repository', 'models', '--grpc-port', '0', '--metrics-port', '0', '--http-port', port],
      {
        folder,
      },
    );
    first.child.kill('SIGTERM');
    expect(second.code).not.toBe(0);
    expect(second.stderr).toContain(port);
    expect(second.stderr).toContain('--http-port');
    expect(second.survivors).toEqual([]);
    expect((await first.ended).code).toBe(0);
    expect(first.survivors()).toEqual([]);
  });
});
