import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { seconds } from '../../src/common/units.js';
import { createSchedule, shareSchedule } from '../../src/load/arrival-schedule.js';
import { ownRate } from '../../src/plan/arrival-rate.js';
import type { Arrival, OpenLevel } from '../../src/plan/load-plan.js';

const level = (arrival: Arrival, changes: Partial<OpenLevel> = {}): OpenLevel => ({
  kind: 'open',
  requestRatePerSec: 1000,
  arrival,
  maxInFlight: 100,
  seed: 5,
  batchSize: 1,
  ...changes,
});

const take = (schedule: { next(): number }, count: number): number[] =>
  Array.from({ length: count }, () => schedule.next());

function untilEnd(schedule: { next(): number }): number[] {
  const instants: number[] = [];
  for (let at = schedule.next(); at < Infinity; at = schedule.next()) instants.push(at);
  return instants;
}

const segment = (sec: number, startPerSec: number, endPerSec = startPerSec) => ({
  duration: seconds(sec),
  startPerSec,
  endPerSec,
});
const profile = (isPoisson: boolean, ...segments: ReturnType<typeof segment>[]): Arrival => ({
  kind: 'profile',
  segments,
  isPoisson,
});

const arrivals: Arrival[] = [
  { kind: 'constant' },
  { kind: 'poisson' },
  { kind: 'intervals', intervalsNs: [1000, 2500, 0, 700] },
  profile(false, segment(1, 100, 5000), segment(0.5, 0), segment(1, 5000)),
  profile(true, segment(1, 100, 5000), segment(0.5, 0), segment(1, 5000)),
];

describe('an arrival schedule', () => {
  it('spaces constant arrivals evenly, and does not drift after a million of them', () => {
    const schedule = createSchedule(level({ kind: 'constant' }, { requestRatePerSec: 3 }));
    const instants = take(schedule, 1_000_001);
    expect(instants.slice(0, 4).map(Math.round)).toEqual([0, 333_333_333, 666_666_667, 1_000_000_000]);
    expect(Math.round(instants[999_999]!)).toBe(333_333_000_000_000);
  });

  it('draws Poisson gaps with the mean and the spread of an exponential distribution', () => {
    const instants = take(createSchedule(level({ kind: 'poisson' })), 100_000);
    const gaps = instants.map((at, index) => at - (instants[index - 1] ?? 0));
    const mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length;
    const deviation = Math.sqrt(gaps.reduce((sum, gap) => sum + (gap - mean) ** 2, 0) / gaps.length);
    expect(mean / 1e6).toBeCloseTo(1, 1);
    expect(deviation / mean).toBeCloseTo(1, 1);
    // P(gap > 2 means) = exp(-2).
    expect(gaps.filter((gap) => gap > 2e6).length / gaps.length).toBeCloseTo(Math.exp(-2), 2);
  });

  it('repeats for one seed and differs for another', () => {
    const of = (seed: number) => take(createSchedule(level({ kind: 'poisson' }, { seed })), 100);
    expect(of(1)).toEqual(of(1));
    expect(of(1)).not.toEqual(of(2));
  });

  it('loops over intervals without end and without gathering error', () => {
    const intervals: Arrival = { kind: 'intervals', intervalsNs: [1000, 3000, 0] };
    expect(take(createSchedule(level(intervals)), 7)).toEqual([1000, 4000, 4000, 5000, 8000, 8000, 9000]);
    expect(ownRate(intervals)).toBe(750_000);
  });

  it('follows steps, ramps and silence of a profile, and ends with it', () => {
    const steps = untilEnd(createSchedule(level(profile(false, segment(1, 2), segment(1, 0), segment(1, 4)))));
    expect(steps.map((at) => at / 1e9)).toEqual([0, 0.5, 2, 2.25, 2.5, 2.75]);
    // A ramp from 0 to 8 in 2 s holds 8 arrivals; the n-th comes when 2 t² = n.
    const ramp = untilEnd(createSchedule(level(profile(false, segment(2, 0, 8)))));
    expect(ramp).toHaveLength(8);
    for (const [index, at] of ramp.entries()) expect(at / 1e9).toBeCloseTo(Math.sqrt(index / 2), 9);
  });

  it('draws the arrivals of a Poisson profile around its rate at every part of it', () => {
    const instants = untilEnd(createSchedule(level(profile(true, segment(10, 0, 10_000), segment(10, 1000)))));
    const countIn = (fromSec: number, toSec: number) =>
      instants.filter((at) => at >= fromSec * 1e9 && at < toSec * 1e9).length;
    // Five standard deviations.
    expect(Math.abs(countIn(0, 5) - 12_500)).toBeLessThan(5 * Math.sqrt(12_500));
    expect(Math.abs(countIn(5, 10) - 37_500)).toBeLessThan(5 * Math.sqrt(37_500));
    expect(Math.abs(countIn(10, 20) - 10_000)).toBeLessThan(500);
  });

  it('is shared out over workers without losing, doubling or moving an arrival', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...arrivals),
        fc.integer({ min: 1, max: 7 }),
        fc.integer({ min: 0, max: 2 ** 32 - 1 }),
        fc.option(fc.integer({ min: 1, max: 400 }), { nil: undefined }),
        (arrival, workerCount, seed, requestCount) => {
          const whole = level(arrival, { seed, ...(requestCount !== undefined && { requestCount }) });
          const turnsUpTo = 300;
          const union = new Map<number, number>();
          for (let worker = 0; worker < workerCount; worker++) {
            const share = shareSchedule(whole, worker, workerCount);
            for (let at = share.next(); at < Infinity && share.turn < turnsUpTo; at = share.next()) {
              expect(share.turn % workerCount).toBe(worker);
              union.set(share.turn, at);
            }
          }
          const single = createSchedule(whole);
          const expected = take(single, Math.min(turnsUpTo, requestCount ?? Infinity)).filter((at) => at < Infinity);
          const merged = [...union].sort(([a], [b]) => a - b).map(([, at]) => at);
          expect(merged).toEqual(expected);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('never goes back in time', () => {
    for (const arrival of arrivals) {
      const instants = take(createSchedule(level(arrival)), 2000).filter((at) => at < Infinity);
      expect(instants.every((at, index) => index === 0 || at >= instants[index - 1]!)).toBe(true);
      expect(instants[0]).toBeGreaterThanOrEqual(0);
    }
  });
});
