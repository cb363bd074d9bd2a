import { describe, expect, it } from 'vitest';
import { AnswerSchedule } from '../../src/null-server/answer-schedule.js';
import type { NullBehavior } from '../../src/null-server/null-behavior.js';

const answers = (behavior: NullBehavior, arrivals: readonly number[]): (number | undefined)[] => {
  const schedule = new AnswerSchedule(behavior);
  return arrivals.map((at) => schedule.next(at));
};
const fixed = { kind: 'fixed', delayNs: 100 } as const;

describe('the answers of a null server', () => {
  it('come after a fixed delay, or at once', () => {
    expect(answers({ delay: fixed }, [0, 50, 60])).toEqual([100, 150, 160]);
    expect(answers({ delay: { kind: 'none' } }, [7])).toEqual([7]);
  });

  it('come after exponential delays with the mean asked for, the same for one seed', () => {
    const behavior: NullBehavior = { delay: { kind: 'exponential', meanNs: 1e6, seed: 4 } };
    const zeros = new Array<number>(20_000).fill(0);
    const delays = answers(behavior, zeros) as number[];
    expect(delays.reduce((sum, delay) => sum + delay, 0) / delays.length / 1e6).toBeCloseTo(1, 1);
    expect(answers(behavior, zeros)).toEqual(delays);
  });

  it('are held while it is frozen, counted from the first request', () => {
    const behavior: NullBehavior = { delay: fixed, freeze: { afterNs: 1000, durationNs: 500 } };
    const due = answers(behavior, [10_000, 10_899, 10_900, 11_300, 11_400, 11_500]);
    expect(due).toEqual([10_100, 10_999, 11_500, 11_500, 11_500, 11_600]);
  });

  it('are never given to every so many-th request', () => {
    const schedule = new AnswerSchedule({ delay: fixed, dropEvery: 3 });
    expect([0, 1, 2, 3, 4, 5].map((at) => schedule.next(at) === undefined)).toEqual([
      false,
      false,
      true,
      false,
      false,
      true,
    ]);
    expect([schedule.requestCount, schedule.droppedCount]).toEqual([6, 2]);
  });

  it('come one after the other at a limited rate', () => {
    expect(answers({ delay: { kind: 'none' }, limitPerSec: 1e7 }, [0, 0, 50, 1000])).toEqual([100, 200, 300, 1100]);
  });
});
