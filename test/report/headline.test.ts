import { describe, expect, it } from 'vitest';
import type { RunRecord } from '../../src/record/run-record.js';
import { runCaveats, studyCaveats } from '../../src/report/caveats.js';
import { rankVariants } from '../../src/report/ranking.js';
import { findPeak, runAdvice, runHeadline } from '../../src/report/run-headline.js';
import { studyHeadline } from '../../src/report/study/study-headline.js';
import { fruitlessStudy, sampleLevel, sampleRun, sampleStudy } from '../support/sample-records.js';
import { withVerdict } from '../support/with-verdict.js';

const withLevels = (levels: RunRecord['levels']): RunRecord => ({ ...sampleRun, levels });
const level = (concurrency: number, throughput: number) => sampleLevel({ concurrency, throughput });

describe('the headline of a run', () => {
  it('names the peak, its load, its p99 and how many levels count', () => {
    expect(runHeadline(sampleRun)).toBe('Peak 405 inferences/s at concurrency 16; p99 51.7 ms. 7 levels, 6 VALID.');
  });

  it('does not call a single level a peak', () => {
    expect(runHeadline(withLevels([level(4, 391.2)]))).toBe(
      '391 inferences/s at concurrency 4; p99 13.4 ms. 1 level, VALID.',
    );
  });

  it('prefers a VALID level to a faster one that is not', () => {
    const levels = [level(1, 180), { ...level(2, 900), verdict: 'UNSTABLE' as const }];
    expect(findPeak(levels)?.load).toMatchObject({ concurrency: 1 });
  });

  it('calls a client-limited peak a lower bound', () => {
    const limited = { ...level(2, 900), verdict: 'CLIENT_LIMITED' as const };
    expect(runHeadline(withLevels([limited, limited]))).toMatch(/^At least 900 inferences\/s/);
  });

  it('says so when nothing is usable', () => {
    const invalid = { ...level(2, 900), verdict: 'INVALID' as const };
    expect(runHeadline(withLevels([invalid, invalid]))).toBe('No usable measurement. 2 levels, 0 VALID.');
    expect(runHeadline(withLevels([]))).toBe('No level was finished.');
  });

  it('points out a lower concurrency that serves nearly as much', () => {
    expect(runAdvice(sampleRun)).toBe('Concurrency 4 already gives 97 % of it at p99 13.4 ms.');
  });

  it('points out that the range ended before the peak', () => {
    expect(runAdvice(withLevels([level(1, 100), level(2, 190)]))).toContain('a wider range may show more');
  });
});

describe('the caveats of a run', () => {
  it('hold the demo model, each warning, and each level’s verdict and errors by cause', () => {
    const texts = runCaveats(sampleRun).map(({ text }) => text);
    expect(texts[0]).toContain('random weights');
    expect(texts).toContain(sampleRun.warnings[0]!.message);
    expect(texts.find((text) => text.startsWith('Concurrency 32: UNSTABLE, throughput reached'))).toBeDefined();
    expect(texts.at(-1)).toMatch(
      /^Concurrency 64: .* Causes: 11 × UNAVAILABLE: exceeds maximum queue size; 3 × timeout\.$/,
    );
  });

  it('give a reason for every level that is not VALID, even where the record has none', () => {
    const limited = { ...level(2, 900), verdict: 'CLIENT_LIMITED' as const };
    expect(runCaveats(withLevels([level(1, 100), limited])).at(-1)?.text).toContain('the load generator was the limit');
  });

  it('say a warning once for all levels that share it', () => {
    const warnings = [{ code: 'X', message: 'The same.' }];
    const levels = [1, 2, 4].map((concurrency) => ({
      ...level(concurrency, 100),
      warnings: concurrency > 1 ? warnings : [],
    }));
    expect(runCaveats(withLevels(levels)).at(-1)?.text).toBe('Concurrency 2, 4: The same.');
  });

  it('are sentences, however the warning was written', () => {
    const warnings = [{ code: 'X', message: 'the host was busy' }];
    expect(runCaveats({ ...sampleRun, warnings })[1]?.text).toBe('The host was busy.');
  });

  it('of a sweep call the scores of client-limited trials lower bounds, once', () => {
    const trials = sampleStudy.trials.slice(0, 2).map((trial) => ({
      ...trial,
      level: withVerdict(trial.level!, 'CLIENT_LIMITED'),
    }));
    const texts = (record: typeof sampleStudy) =>
      studyCaveats(record).filter(({ text }) => text.includes('lower bounds'));
    expect(texts({ ...sampleStudy, trials })[0]?.text).toContain('default, trial-1');
    const warnings = [{ code: 'CLIENT_LIMITED_TRIALS', message: 'scores are lower bounds' }];
    expect(texts({ ...sampleStudy, trials, warnings })).toHaveLength(1);
  });

  it('say that an interrupted run is not whole', () => {
    expect(runCaveats({ ...sampleRun, state: 'interrupted' }).some(({ text }) => text.startsWith('Interrupted'))).toBe(
      true,
    );
  });
});

describe('the headline of a sweep', () => {
  it('gives the confirmed gain with its interval', () => {
    expect(studyHeadline(sampleStudy)).toBe(
      '1.42x the default’s throughput (95 % interval 1.37 to 1.47) with 3 changed settings.',
    );
  });

  it('words a latency gain as lower latency', () => {
    const objective = { metric: 'latency_p99', direction: 'minimize' as const };
    expect(studyHeadline({ ...sampleStudy, objective })).toMatch(/^P99 latency 1\.42x lower than the default’s/);
  });

  it('says when nothing proved better, and tells a finished sweep from a broken one', () => {
    expect(studyHeadline(fruitlessStudy)).toContain('keep the config as it is');
    expect(studyHeadline({ ...fruitlessStudy, state: 'interrupted' })).toContain('ended before');
    const searched = fruitlessStudy.trials.filter(({ phase }) => phase === 'search');
    expect(studyHeadline({ ...fruitlessStudy, trials: searched })).toContain('was not confirmed');
  });
});

describe('the ranking of variants', () => {
  it('orders confirmed variants before those of the search alone, each by score, with failures last', () => {
    const ranked = rankVariants(sampleStudy);
    expect(ranked.map(({ variantId }) => variantId)).toEqual(['v5', 'default', 'v6', 'v2', 'v1', 'v4', 'v7', 'v3']);
    expect(ranked[0]).toMatchObject({ isRecommended: true, confirmationCount: 2 });
    expect(ranked[0]?.score.value).toBeCloseTo(Math.sqrt(1150.2 * 1158.8));
  });

  it('compares each with the default by score', () => {
    const [best] = rankVariants(sampleStudy);
    expect(best?.gain).toBeCloseTo(1154.5 / 812.5);
  });

  it('turns around where less is better', () => {
    const objective = { metric: 'latency_p99', direction: 'minimize' as const };
    const trials = sampleStudy.trials.map((trial) => ({ ...trial, score: trial.level?.latencyNs?.p99 ?? null }));
    const complete = rankVariants({ ...sampleStudy, objective, trials }).filter(({ state }) => state === 'complete');
    const searched = complete.filter(({ confirmationCount }) => confirmationCount === 0);
    const scores = searched.map(({ score }) => score.value!);
    expect(scores).toEqual([...scores].sort((a, b) => a - b));
    expect(complete[0]!.gain).toBeGreaterThan(1);
  });
});
