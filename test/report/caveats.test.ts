import { describe, expect, it } from 'vitest';
import type { LevelRecord } from '../../src/record/run-record.js';
import { runCaveats } from '../../src/report/caveats.js';
import { sampleRun } from '../support/sample-records.js';
import { withVerdict } from '../support/with-verdict.js';

const levelsWith = (messages: Readonly<Record<number, string>>) =>
  Object.entries(messages).map(([concurrency, message]) => ({
    ...sampleRun.levels[0]!,
    load: { kind: 'closed' as const, concurrency: Number(concurrency), batchSize: 1 },
    verdict: 'VALID' as const,
    errors: {},
    errorCount: 0,
    warnings: [{ code: 'DRIFT', message }],
  }));

const textsOf = (messages: Readonly<Record<number, string>>): string[] =>
  runCaveats({ ...sampleRun, warnings: [], levels: levelsWith(messages) })
    .filter(({ kind }) => kind === 'warning')
    .map(({ text }) => text);

describe('the caveats of a run', () => {
  it('say a warning that all levels share once', () => {
    expect(textsOf({ 1: 'It drifts.', 2: 'It drifts.' })).toEqual(['All levels: It drifts.']);
  });

  it('say a warning that differs only in figures once, in the words of the lowest load', () => {
    expect(textsOf({ 8: 'By 9 %.', 4: 'By 5 %.' })).toEqual(['Concurrency 4 (similarly 8): By 5 %.']);
  });

  it('name all levels of a warning, and begin with what spoils levels, wrong responses before all', () => {
    const [first] = sampleRun.levels;
    const at = (concurrency: number, changes: Partial<LevelRecord>): LevelRecord => ({
      ...first!,
      load: { kind: 'closed', concurrency, batchSize: 1 },
      ...changes,
    });
    const warned = (code: string) => [{ code, message: `It is ${code}.` }];
    const levels = [
      at(1, { warnings: warned('LATE_SENDS') }),
      at(2, { warnings: warned('LATE_SENDS') }),
      at(4, { warnings: warned('LATE_SENDS') }),
      at(8, { ...withVerdict(first!, 'UNSTABLE'), warnings: [...warned('MISMATCH'), ...warned('DRIFT')] }),
      at(16, { ...withVerdict(first!, 'INVALID'), warnings: [...warned('HIGH_ERROR_RATE')], errors: { busy: 9 } }),
      at(32, { ...withVerdict(first!, 'INVALID'), warnings: [...warned('HIGH_ERROR_RATE')], errors: { busy: 7 } }),
    ].map((level, index) => ({ ...level, load: { ...level.load, concurrency: 2 ** index } as LevelRecord['load'] }));
    const texts = runCaveats({ ...sampleRun, warnings: [], levels }).map(({ text }) => text);
    expect(texts).toEqual([
      'Concurrency 8: It is MISMATCH.',
      expect.stringContaining('Demo model'),
      'Concurrency 16 (similarly 32): INVALID, it is HIGH_ERROR_RATE. Causes: 9 × busy.',
      'Concurrency 8: UNSTABLE, it is DRIFT.',
      'Concurrency 1, 2 and 4: It is LATE_SENDS.',
    ]);
  });

  it('say how many requests failed and why in one sentence', () => {
    const texts = runCaveats(sampleRun).map(({ text }) => text);
    expect(texts.filter((text) => text.includes('failed'))).toEqual([
      'Concurrency 64: 0.89 % of the requests failed (14); latency and throughput speak of the successful ones only. Causes: 11 × UNAVAILABLE: exceeds maximum queue size; 3 × timeout.',
    ]);
  });

  it('count the failed requests themselves where the level says nothing of them', () => {
    const levels = sampleRun.levels.map((level) => ({ ...level, warnings: [] }));
    const texts = runCaveats({ ...sampleRun, levels }).map(({ text }) => text);
    expect(texts.at(-1)).toBe(
      'Concurrency 64: 14 failed requests (11 × UNAVAILABLE: exceeds maximum queue size; 3 × timeout).',
    );
  });
});
