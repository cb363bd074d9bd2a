import { describe, expect, it } from 'vitest';
import type { RunRecord } from '../../src/record/run-record.js';
import { runCaveats, studyCaveats } from '../../src/report/caveats.js';
import { rankVariants } from '../../src/report/ranking.js';
import { runAdvice, runHeadline } from '../../src/report/run-headline.js';
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

  it('names the fastest usable level, and says how unsteady it was and what was wrong', () => {
    const wide = { value: 803, low: 265, high: 1341 };
    const unsteady = {
      ...withVerdict(level(3, 803), 'UNSTABLE'),
      isClientLimited: true,
      throughputPerSec: wide,
      warnings: [{ code: 'DRIFT', message: 'It drifts.' }],
    };
    const levels = [withVerdict(level(1, 445), 'CLIENT_LIMITED'), level(2, 595), unsteady];
    expect(runHeadline(withLevels(levels))).toBe(
      'About 803 inferences/s at concurrency 3; p99 4.89 ms (unsteady: ±67 %, drifting; the load generator was the limit as well). 3 levels, 1 VALID, 1 CLIENT_LIMITED.',
    );
  });

  it('names a steady level that reaches nearly as much as the fastest, and does not call it the peak then', () => {
    const levels = [level(1, 870), withVerdict(level(2, 900), 'UNSTABLE')];
    expect(runHeadline(withLevels(levels))).toMatch(/^870 inferences\/s at concurrency 1; .* 2 levels, 1 VALID\.$/);
  });

  it('leaves an interrupted level of a few requests aside where there is any other', () => {
    const none = { value: 5000, low: null, high: null };
    const cut = {
      ...withVerdict(level(4, 5000), 'UNSTABLE'),
      endReason: 'interrupted' as const,
      throughputPerSec: none,
      requestCount: 3,
    };
    expect(runHeadline(withLevels([withVerdict(level(2, 22), 'UNSTABLE'), cut]))).toMatch(/^About 22(\.0)? /);
    expect(runHeadline(withLevels([cut]))).toContain('(unsteady: too few requests for an interval');
  });

  it('calls a steady client-limited peak a lower bound', () => {
    const limited = withVerdict(level(2, 900), 'CLIENT_LIMITED');
    expect(runHeadline(withLevels([limited, limited]))).toMatch(/^At least 900 inferences\/s .*\(a lower bound: /);
  });

  it('says that some requests failed', () => {
    const failing = { ...level(2, 900), errorCount: 20, errors: { 'UNAVAILABLE: busy': 20 } };
    expect(runHeadline(withLevels([failing]))).toMatch(/\(0\.4\d* % of the requests failed\)/);
  });

  it('says so when nothing is usable', () => {
    const invalid = withVerdict(level(2, 900), 'INVALID');
    expect(runHeadline(withLevels([invalid, invalid]))).toBe('No usable measurement. 2 levels, 0 VALID.');
    expect(runHeadline(withLevels([]))).toBe('No level was finished.');
  });

  it('points out a lower concurrency that serves nearly as much', () => {
    expect(runAdvice(sampleRun)).toBe('Concurrency 4 already gives 97 % of it at p99 13.4 ms.');
  });

  it('points out that the range ended before the peak', () => {
    expect(runAdvice(withLevels([level(1, 100), level(2, 190)]))).toContain('a wider range may show more');
  });

  it('does not say that throughput still rose where it fell, or rose by less than the intervals show', () => {
    expect(runAdvice(withLevels([level(1, 595), level(3, 803), level(4, 644)]))).toBe('');
    expect(runAdvice(withLevels([level(1, 190), level(2, 191)]))).not.toContain('still rose');
    expect(runAdvice(withLevels([withVerdict(level(1, 100), 'INVALID'), level(2, 190)]))).toBe('');
    const other = { ...level(4, 300), load: { kind: 'closed' as const, concurrency: 4, batchSize: 8 } };
    expect(runAdvice(withLevels([level(1, 100), level(2, 190), other]))).toBe('');
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
    const limited = withVerdict(level(2, 900), 'CLIENT_LIMITED');
    expect(runCaveats(withLevels([level(1, 100), limited])).at(-1)?.text).toContain('the load generator was the limit');
  });

  it('say a warning once for all levels that share it', () => {
    const warnings = [{ code: 'X', message: 'The same.' }];
    const levels = [1, 2, 4].map((concurrency) => ({
      ...level(concurrency, 100),
      warnings: concurrency > 1 ? warnings : [],
    }));
    expect(runCaveats(withLevels(levels)).at(-1)?.text).toBe('Concurrency 2 and 4: The same.');
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
