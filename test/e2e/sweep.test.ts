import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { studyRecordSchema } from '../../src/record/study-record.js';
import { runPerfTs, startPerfTs } from '../support/run-perf-ts.js';

const studyFolder = (folder: string): string => {
  const [name = ''] = readdirSync(join(folder, 'results'));
  return join(folder, 'results', name);
};

const readStudy = (folder: string) =>
  studyRecordSchema.parse(JSON.parse(readFileSync(join(studyFolder(folder), 'study.json'), 'utf8')));

describe('a sweep', { timeout: 90_000 }, () => {
  it('prints one study on stdout with --json, keeps journal and report, and leaves no process', async () => {
    const run = await runPerfTs(['sweep', '-m', 'identity', '--budget', '24s', '--json']);
    const study = studyRecordSchema.parse(JSON.parse(run.stdout));
    expect(run.code).toBe(0);
    expect(run.survivors).toEqual([]);
    expect(study.state).toBe('complete');
    expect(study.default.score).toBeGreaterThan(0);
    expect(study.trials.length).toBeGreaterThanOrEqual(2);
    const journal = readFileSync(join(studyFolder(run.folder), 'study.jsonl'), 'utf8')
      .trim()
      .split('\n');
    expect(journal).toHaveLength(1 + study.trials.length);
    expect(existsSync(join(studyFolder(run.folder), 'report.html'))).toBe(true);
  });

  it('keeps finished trials, stops every engine and exits with 130 on Ctrl-C', async () => {
    const run = startPerfTs(['sweep', '-m', 'identity', '--budget', '60s']);
    await run.seen('   2 ');
    run.child.kill('SIGINT');
    expect((await run.ended).code).toBe(130);
    expect(run.survivors()).toEqual([]);
    const study = readStudy(run.folder);
    expect(study.state).toBe('interrupted');
    expect(study.trials.length).toBeGreaterThanOrEqual(2);
  });

  const cases: readonly (readonly [title: string, args: readonly string[], says: readonly string[]])[] = [
    ['an unknown model', ['-m', 'no_such_model'], ['no_such_model']],
    ['a sweep file that is not there', ['-m', 'identity', '-f', 'nowhere.yaml'], ['nowhere.yaml']],
    ['a limit without a unit', ['-m', 'identity', '--constraint', 'latency_p99 <= 20'], ['--constraint', '20']],
    ['too small a budget', ['-m', 'identity', '--budget', '2s'], ['--budget']],
    ['an unknown objective', ['-m', 'identity', '--objective', 'beauty'], ['--objective', 'throughput']],
  ];
  it.each(cases)('%s is one clear message, exit code 3 and nothing left', async (_title, args, says) => {
    const run = await runPerfTs(['sweep', ...args]);
    expect(run.code).toBe(3);
    for (const text of says) expect(run.stderr).toContain(text);
    expect(run.stderr).not.toMatch(/\n\s+at /);
    expect(run.survivors).toEqual([]);
    expect(existsSync(join(run.folder, 'results'))).toBe(false);
  });
});
