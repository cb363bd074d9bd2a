import { describe, expect, it } from 'vitest';
import { runCaveats } from '../../src/report/caveats.js';
import { sampleRun } from '../support/sample-records.js';

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
    expect(textsOf({ 8: 'By 9 %.', 4: 'By 5 %.' })).toEqual(['Concurrency 4 (and in kind 8): By 5 %.']);
  });
});
