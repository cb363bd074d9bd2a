import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { seconds } from '../../../src/common/units.js';
import { addZooModels } from '../../../src/onnx/zoo/zoo.js';
import type { TrialAccuracy } from '../../../src/record/study-record.js';
import { createEngineLauncher } from '../../../src/tune/launchers/engine-launcher.js';
import { parseConstraint } from '../../../src/tune/objectives/constraint.js';
import { parseObjective } from '../../../src/tune/objectives/objective.js';
import { explainInfeasible } from '../../../src/tune/results/explain-infeasible.js';
import { readStudyModel } from '../../../src/tune/studies/study-model.js';
import { runTrial, type TrialOptions } from '../../../src/tune/trials/trial.js';
import { createAnswerComparison, limitsOf, needsComparison } from '../../../src/tune/trials/trial-accuracy.js';
import { LevelRises } from '../../../src/tune/trials/trial-watch.js';
import { buildSearchSpace, defaultParameters } from '../../../src/tune/variants/search-space.js';
import { createVariant } from '../../../src/tune/variants/variants.js';
import { concurrencyOf } from '../../support/concurrency-of.js';
import { ManualClock } from '../../support/manual-clock.js';
import { simulatedLevel } from '../../support/simulated-variants.js';

const variant = { id: 'v-1', parameters: {}, changed: ['precision'], config: {}, configPbtxt: '' };
const plain = { ...variant, changed: ['instance_count'] };

const exact: TrialAccuracy = { sampleCount: 9, cosine: 1, maxAbs: 0, top1: 1, top5: 1, cer: null, nonFiniteCount: 0 };

/** A trial of a variant whose answers are this far off. */
async function trialWith(accuracy: Partial<TrialAccuracy>, limits: readonly string[] = [], tried = variant) {
  let levels = 0;
  const constraints = limits.map(parseConstraint);
  const options: TrialOptions = {
    id: 'trial-1',
    variant: tried,
    phase: 'search',
    concurrency: 4,
    busyInFlight: 2,
    mayStepDown: false,
    duration: seconds(1),
    effort: 1,
    startedNs: seconds(0),
    rises: new LevelRises(),
    limit: seconds(30),
    limitReason: '',
    seed: 1,
    objective: parseObjective('throughput'),
    constraints: limitsOf(tried, constraints),
    comparesAnswers: needsComparison(tried, constraints),
  };
  const trial = await runTrial(options, {
    async launchVariant() {
      return {
        loadTimeNs: seconds(1),
        async measure({ load }) {
          levels++;
          return simulatedLevel({ throughputPerSec: 100 }, concurrencyOf(load), seconds(1));
        },
        async close() {},
      };
    },
    compareAnswers: async () => ({ ...exact, ...accuracy }),
    clock: new ManualClock(),
    signal: new AbortController().signal,
    onProgress() {},
  });
  return { trial: trial!, levels };
}

describe('the answers of a variant that computes otherwise', () => {
  it('are compared, and kept with the trial', async () => {
    const { trial, levels } = await trialWith({ cosine: 0.9995 });
    expect(trial.record).toMatchObject({ state: 'complete', accuracy: { cosine: 0.9995 }, score: 100 });
    expect(levels).toBe(1);
  });

  it('are not compared where only its serving changed, unless a limit is on them', async () => {
    expect((await trialWith({ cosine: 0 }, [], plain)).trial.record.accuracy).toBeUndefined();
    const limited = await trialWith({ top1: 0.99 }, ['accuracy_top1 >= 99.5%'], plain);
    expect(limited.trial.record).toMatchObject({ state: 'infeasible', cause: 'accuracy' });
  });

  it.each([
    ['too far off', { cosine: 0.9 }, [], /accuracy_cosine >= 0.999: was 0.9, missed by/],
    ['not a number', { cosine: 0, maxAbs: null, nonFiniteCount: 3 }, [], /accuracy_cosine >= 0.999: was 0/],
    ['of other classes', { top1: 0.99 }, ['accuracy_top1 >= 99.5%'], /accuracy_top1 >= 99.5%: was 99 %/],
    ['off by more than a limit', { maxAbs: 0.02 }, ['accuracy_max_abs <= 0.01'], /was 0.02, missed by 100 %/],
  ])('exclude it when they are %s, without any load', async (_, accuracy, limits, reason) => {
    const { trial, levels } = await trialWith(accuracy, limits);
    expect(trial.record).toMatchObject({ state: 'infeasible', cause: 'accuracy', level: null, score: null });
    expect(trial.record.reason).toMatch(reason);
    expect(trial.result.violation).toBeGreaterThan(0);
    expect(levels).toBe(0);
    expect(explainInfeasible([trial], limits.map(parseConstraint))).toMatch(/excluded 1 of 1/);
  });

  it('need keep only the study’s own limit where it has one', async () => {
    const { trial } = await trialWith({ cosine: 0.99 }, ['accuracy_cosine >= 0.98']);
    expect(trial.record.state).toBe('complete');
  });
});

describe('a comparison on a real engine', { timeout: 60_000 }, () => {
  let folder: string;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'perf-ts-test-'));
    await addZooModels(['simple_cnn'], folder);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('finds FP16 near the unchanged model, but not the same', async () => {
    const model = await readStudyModel('simple_cnn', join(folder, 'simple_cnn'));
    const context = { config: model.completed, cpuCount: 2, canConvert: true };
    const space = buildSearchSpace(context, { precision: ['fp32', 'fp16'] });
    const half = createVariant(model, space, { ...defaultParameters(space), precision: 'fp16' }, context);
    const launcher = await createEngineLauncher({ model, isDemoModel: true });
    const { signal } = new AbortController();
    try {
      const launched = await launcher.launchVariant(half, { seed: 1, signal });
      const accuracy = await createAnswerComparison({ model, isCtc: false })(launched, signal);
      await launched.close();
      expect(accuracy.sampleCount).toBeGreaterThanOrEqual(8);
      expect(accuracy.cosine).toBeGreaterThan(0.999);
      expect(accuracy.maxAbs).toBeGreaterThan(0);
      expect(accuracy.nonFiniteCount).toBe(0);
    } finally {
      await launcher.close();
    }
  });
});
