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
