import { describe, expect, it } from 'vitest';
import { seconds } from '../../../src/common/units.js';
import {
  describeMisses,
  evaluateConstraint,
  parseConstraint,
  totalViolation,
} from '../../../src/tune/objectives/constraint.js';
import { parseObjective, utilityError, utilityOf } from '../../../src/tune/objectives/objective.js';
import { simulatedLevel } from '../../support/simulated-variants.js';

const trial = {
  level: simulatedLevel({ throughputPerSec: 200, latencyNs: 15e6 }, 4, seconds(2)),
  loadTimeNs: 800e6,
};
const outcome = (text: string) => evaluateConstraint(parseConstraint(text), trial);

describe('a constraint', () => {
  it.each([
    ['latency_p99 <= 20ms', { metric: 'latency_p99', operator: '<=', limit: 20e6 }],
    ['latency_mean<=1.5s', { metric: 'latency_mean', operator: '<=', limit: 1.5e9 }],
    ['throughput >= 100', { metric: 'throughput', operator: '>=', limit: 100 }],
    ['throughput >= 100/s', { metric: 'throughput', operator: '>=', limit: 100 }],
    ['error_rate <= 1%', { metric: 'error_rate', operator: '<=', limit: 0.01 }],
    ['error_rate <= 0.5 %', { metric: 'error_rate', operator: '<=', limit: 0.005 }],
    ['memory_rss <= 2GiB', { metric: 'memory_rss', limit: 2 ** 31 }],
    ['energy_per_inference <= 20mJ', { metric: 'energy_per_inference', limit: 0.02 }],
    ['cost_per_million <= 1.5', { metric: 'cost_per_million', limit: 1.5 }],
    ['load_time <= 2s', { metric: 'load_time', operator: '<=', limit: 2e9 }],
  ])('%s is read with its unit', (text, expected) => {
    expect(parseConstraint(text)).toMatchObject(expected);
  });

  it.each([
    ['latency_p99 <= 20', /duration with a unit/],
    ['latency_p99 < 20ms', /must read like/],
    ['latency_p98 <= 20ms', /'latency_p98' is not a metric, did you mean 'latency_p90'\?; metrics are throughput, /],
    ['accuracy_max_abs <= tiny', /a number such as 0.001/],
    ['accuracy_tpo1 >= 99%', /did you mean 'accuracy_top1'/],
    ['memory_rss <= 2', /a size with its unit/],
    ['energy_per_inference <= lots', /an energy such as/],
    ['throughput >= fast', /a number a second/],
    ['error_rate <= 200%', /from 0% to 100%/],
  ])('%s is refused with what would have been right', (text, message) => {
    expect(() => parseConstraint(text)).toThrow(message);
  });

  it('holds for each of several models that were loaded together: the worst counts', () => {
    const { level } = trial;
    const shareOf = (model: string, milliseconds: number, errorCount: number) => ({
      model,
      weight: 1,
      requestCount: 100,
      errorCount,
      throughputPerSec: level.throughputPerSec,
      latencyNs: { ...level.latencyNs!, p99: milliseconds * 1e6 },
    });
    const models = [shareOf('fast', 5, 25), shareOf('slow', 40, 0)];
    const judge = (text: string) =>
      evaluateConstraint(parseConstraint(text), { ...trial, level: { ...level, models } });
    expect(judge('latency_p99 <= 20ms')).toMatchObject({ model: 'slow', value: 40e6, violation: 1 });
    expect(describeMisses([judge('latency_p99 <= 20ms')])).toContain('was 40ms of slow, missed by 100 %');
    expect(judge('latency_p99 <= 50ms').violation).toBeLessThan(0);
    expect(judge('error_rate <= 10%')).toMatchObject({ model: 'fast', value: 0.2 });
    expect(judge('throughput >= 150'), 'of all together').toMatchObject({ value: 200 });
    expect(judge('throughput >= 150')).not.toHaveProperty('model');
  });

  it('that is missed many times over says how many times', () => {
    expect(describeMisses([outcome('latency_p99 <= 100us')])).toBe(
      'latency_p99 <= 100us: was 15ms, 150 times the limit',
    );
  });

  it('is feasible at a violation of 0 or less, and relative to its limit', () => {
    expect(outcome('latency_p99 <= 15ms').violation).toBe(0);
    expect(outcome('latency_p99 <= 10ms').violation).toBeCloseTo(0.5);
    expect(outcome('latency_p99 <= 30ms').violation).toBeCloseTo(-0.5);
    expect(outcome('throughput >= 400').violation).toBeCloseTo(0.5);
    expect(outcome('load_time <= 400ms').violation).toBeCloseTo(1);
    expect(outcome('error_rate <= 0%').violation).toBe(0);
  });

  it('that cannot be judged is missed', () => {
    expect(outcome('compute_time <= 1ms').violation).toBe(Number.POSITIVE_INFINITY);
    expect(describeMisses([outcome('compute_time <= 1ms')])).toBe('compute_time <= 1ms: not measured');
  });

  it('does not let slack in one limit pay for a miss in another', () => {
    const outcomes = ['latency_p99 <= 10ms', 'throughput >= 1', 'throughput >= 220'].map(outcome);
    expect(totalViolation(outcomes)).toBeCloseTo(0.5 + 20 / 220);
    expect(describeMisses(outcomes)).toBe(
      'throughput >= 220: was 200/s, missed by 9.1 %; latency_p99 <= 10ms: was 15ms, missed by 50 %',
    );
  });
});

describe('an objective', () => {
  it('gives scores in which larger is better and a difference is a relative gain', () => {
    const throughput = parseObjective('throughput');
    const latency = parseObjective('latency_p99');
    expect(utilityOf(throughput, 110) - utilityOf(throughput, 100)).toBeCloseTo(Math.log(1.1));
    expect(utilityOf(latency, 5) - utilityOf(latency, 10)).toBeCloseTo(Math.log(2));
    expect(utilityError(throughput, trial.level)).toBeCloseTo(0.0102, 3);
    expect(utilityError(latency, trial.level)).toBeUndefined();
  });

  it('that is only a limit elsewhere is refused', () => {
    expect(() => parseObjective('error_rate')).toThrow(/must be one of throughput, latency_mean/);
  });
});
