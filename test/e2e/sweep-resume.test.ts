import { chmodSync, existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { studyRecordSchema, type TrialRecord } from '../../src/record/study-record.js';
import { type PerfTsRun, runPerfTs, startPerfTs } from '../support/run-perf-ts.js';

const studyFolder = (folder: string): string => {
  const results = join(folder, 'results');
  const [name = ''] = existsSync(results) ? readdirSync(results) : [];
  return join(results, name);
};

/** Whole lines of the journal. */
function journalLines(folder: string): string[] {
  const file = join(studyFolder(folder), 'study.jsonl');
  return existsSync(file) ? readFileSync(file, 'utf8').split('\n').slice(0, -1) : [];
}

const trialsIn = (folder: string): TrialRecord[] =>
  journalLines(folder)
    .map((line) => JSON.parse(line) as TrialRecord & { schema?: string })
    .filter(({ schema }) => schema === undefined);

/** Kills the command so that it cannot clean up, a while after its journal has so many trials. */
async function killAfter(run: PerfTsRun, trialCount: number, afterMs: number): Promise<void> {
  const isDue = (): boolean => journalLines(run.folder).length > 0 && trialsIn(run.folder).length >= trialCount;
  let hasEnded = false;
  void run.ended.then(() => {
    hasEnded = true;
  });
  while (!isDue()) {
    if (hasEnded) throw new Error(`the sweep ended before it had ${trialCount} trials: ${run.stderr()}`);
    await delay(10);
  }
  await delay(afterMs);
  run.child.kill('SIGKILL');
  expect((await run.ended).signal).toBe('SIGKILL');
  // The engine ends by itself when its parent is gone.
  for (let waited = 0; run.survivors().length > 0 && waited < 250; waited++) await delay(100);
  expect(run.survivors()).toEqual([]);
}

describe('a sweep that is killed', { timeout: 180_000 }, () => {
  it('again and again loses only the running trial each time, and ends within its budget', async () => {
    const command = ['sweep', '-m', 'identity', '--budget', '150s', '--strategy', 'exhaustive'];
    const first = startPerfTs(command);
    // While the default starts, while a variant is measured, and right after a trial was written.
    await killAfter(first, 0, 100);
    const { folder } = first;
    for (const [trialCount, afterMs] of [
      [1, 700],
      [2, 0],
    ] as const) {
      const before = trialsIn(folder);
      const again = startPerfTs(['sweep', '--resume'], { folder });
      await killAfter(again, trialCount, afterMs);
      expect(trialsIn(folder).slice(0, before.length)).toEqual(before);
      expect(readdirSync(join(folder, 'results'))).toHaveLength(1);
    }

    const refused = await runPerfTs(['sweep', '--resume', '--seed', '5'], { folder });
    expect(refused.code).toBe(3);
    expect(refused.stderr).toContain('the seed changed from 1 to 5');
    expect(refused.stderr).toContain('--force');

    const kept = trialsIn(folder);
    expect(kept.length).toBeGreaterThanOrEqual(2);
    // Just enough for a variant or two and some rounds.
    const usedSeconds = Math.max(...kept.map(({ startedNs = 0, durationNs }) => startedNs + durationNs)) / 1e9;
    const budget = Math.ceil(usedSeconds) + 30;
    const last = await runPerfTs(['sweep', '--resume', studyFolder(folder), '--budget', `${budget}s`, '--json'], {
      folder,
    });
    expect(last.stderr).toContain(`${kept.length} trials are done`);
    expect(last.code).toBe(0);
    expect(last.survivors).toEqual([]);
    const study = studyRecordSchema.parse(JSON.parse(last.stdout));
    expect(study).toMatchObject({ state: 'complete', model: 'identity', strategy: 'exhaustive', resumed: 3 });
    expect(study.trials.slice(0, kept.length)).toEqual(kept);
    expect(study.trials.map(({ id }) => id)).toEqual(
      study.trials.map((_, at) => (at === 0 ? 'default' : `trial-${at}`)),
    );
    const searched = study.trials
      .filter(({ phase, isUnasked }) => phase === 'search' && isUnasked !== true)
      .map(({ variantId }) => variantId);
    expect(new Set(searched).size).toBe(searched.length);
    expect(study.usedNs! / 1e9).toBeLessThanOrEqual(Math.max(budget + 3, 1.05 * budget));
  });

  it.skipIf(process.getuid?.() !== 0)('is not resumed beside itself, whoever tries', async () => {
    const first = startPerfTs(['sweep', '-m', 'identity', '--budget', '60s', '--strategy', 'random']);
    while (trialsIn(first.folder).length === 0) await delay(20);
    const study = studyFolder(first.folder);
    for (const place of [join(first.folder, '..'), first.folder, join(first.folder, 'results'), study])
      chmodSync(place, 0o777);
    chmodSync(join(study, 'study.jsonl'), 0o666);
    const before = readFileSync(join(study, 'study.jsonl'), 'utf8').length;
    for (const uid of [0, 65_534]) {
      const other = await runPerfTs(['sweep', '--resume', study], {
        folder: first.folder,
        uid,
        env: { HOME: first.folder, PERF_TS_CACHE: join(first.folder, 'cache') },
      });
      expect(other.stderr).toContain(`is still being run by process ${first.child.pid} of user root`);
      expect(other.code).toBe(3);
    }
    first.child.kill('SIGINT');
    await first.ended;
    const lines = readFileSync(join(study, 'study.jsonl'), 'utf8');
    expect(lines.length).toBeGreaterThanOrEqual(before);
    expect(lines.match(/perf-ts\/journal@1/g)).toHaveLength(1);
    expect(existsSync(join(study, 'study.lock'))).toBe(false);
  });

  it('is not resumed when there is nothing to resume', async () => {
    const run = await runPerfTs(['sweep', '--resume', '-m', 'identity']);
    expect(run.code).toBe(3);
    expect(run.stderr).toContain("no unfinished study of 'identity'");
  });
});
