import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { outcomeCodes } from '../../src/client/outcome.js';
import { createRng } from '../../src/common/random.js';
import { instant, millis, seconds } from '../../src/common/units.js';
import { decideStop, nextLookInstant, planLooks, type StopDecision } from '../../src/measure/stop-rule.js';
import { openWindow } from '../../src/measure/windows/measured-window.js';
import type { StopRule } from '../../src/plan/load-plan.js';
import { columnsOf, consecutiveRows } from '../support/request-rows.js';
import { prefix } from '../support/simulated-pool.js';

const rule: StopRule = { minDuration: seconds(2), maxDuration: seconds(7), targetHalfWidth: 0.05 };

const slots = (concurrency: number) => ({ kind: 'closed', concurrency, batchSize: 1 }) as const;

/** One slot, 10 ms a request on average, with the given relative noise. */
function level(seed: number, noise: number, until = 8e9) {
  const rng = createRng(seed);
  return columnsOf(consecutiveRows(0, until, () => 10e6 * Math.max(0.01, 1 + noise * rng.normal())));
}

/** Decides at each look until the level ends. */
function playLevel(columns: ReturnType<typeof level>): { readonly decision: StopDecision; readonly endNs: number } {
  let looksDone = 0;
  for (;;) {
    const now = nextLookInstant(rule, instant(0), looksDone);
    const length = columns.receivedNs.findIndex((received) => received > now);
    const sofar = prefix(columns, length);
    const decision = decideStop({ columns: sofar, rule, level: slots(1), begin: instant(0), now, looksDone });
    if (decision.kind !== 'continue') return { decision, endNs: now };
    looksDone = decision.nextLook;
  }
}

describe('the looks', () => {
  it('begin at the least duration and lie 1.3 times apart', () => {
    expect(planLooks(rule).map((look) => Math.round(look / 1e6))).toEqual([2000, 2600, 3380, 4394, 5712]);
  });

  it('are at most eight with the end, evenly spread in proportion, and lie before the greatest duration', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5000 }), fc.integer({ min: 1, max: 900_000 }), (min, max) => {
        const looks = planLooks({ minDuration: millis(min), maxDuration: millis(max), targetHalfWidth: 0.02 });
        expect(looks.length).toBeLessThanOrEqual(7);
        for (const [i, look] of looks.entries()) {
          expect(look).toBeLessThan(millis(max));
          if (i > 0) expect(look / looks[i - 1]!).toBeGreaterThan(1.299);
        }
      }),
    );
  });
});

describe('the stop rule', () => {
  it('goes on without looking before the least duration, however steady the level is', () => {
    const columns = level(1, 0, 1.9e9);
    const input = { columns, rule, level: slots(1), begin: instant(0), now: instant(1.9e9), looksDone: 0 };
    expect(decideStop(input)).toEqual({ kind: 'continue', nextLook: 0, precision: undefined });
  });

  it('ends a steady level at the first look', () => {
    const { decision, endNs } = playLevel(level(1, 0.02));
    expect(decision.kind).toBe('target-met');
    expect(endNs).toBe(2e9);
  });

  it('looks once at each time, even if asked more often', () => {
    const input = { columns: level(1, 1, 2e9), rule, level: slots(1), begin: instant(0), now: instant(2.1e9) };
    const first = decideStop({ ...input, looksDone: 0 });
    expect(first).toMatchObject({ kind: 'continue', nextLook: 1 });
    expect(decideStop({ ...input, looksDone: 1 })).toEqual({ kind: 'continue', nextLook: 1, precision: undefined });
  });

  it('lets a noisy level have all of its time', () => {
    const { decision, endNs } = playLevel(level(1, 1));
    expect(decision).toEqual({ kind: 'time-over' });
    expect(endNs).toBe(7e9);
  });

  it('does not take a level that drifts for a steady one', () => {
    const columns = columnsOf(consecutiveRows(0, 8e9, (at) => 10e6 * (1 + at / 15e9)));
    expect(playLevel(columns).decision.kind).toBe('time-over');
  });

  it('gives up at the first look when nothing but failures came', () => {
    const rows = consecutiveRows(0, 8e9, () => 10e6).map((row) => ({ ...row, outcome: outcomeCodes.error }));
    expect(playLevel(columnsOf(rows))).toMatchObject({ decision: { kind: 'failed' }, endNs: 2e9 });
  });

  it('waits for a server that has not answered yet', () => {
    const input = { columns: columnsOf([]), rule, level: slots(4), begin: instant(0), looksDone: 0 };
    expect(decideStop({ ...input, now: instant(3e9) }).kind).toBe('continue');
    expect(decideStop({ ...input, now: instant(7e9) }).kind).toBe('continue');
    expect(decideStop({ ...input, now: instant(21e9) }).kind).toBe('time-over');
  });

  it('does not flatter: a level that it ended keeps the precision it ended for, in nineteen of twenty cases', () => {
    let ended = 0;
    let right = 0;
    for (let seed = 1; seed <= 400; seed++) {
      const columns = level(seed, 0.3);
      const { decision, endNs } = playLevel(columns);
      if (decision.kind !== 'target-met') continue;
      ended++;
      const { rates } = openWindow(columns, instant(0), instant(endNs), 1);
      const throughput = rates.reduce((sum, rate) => sum + rate, 0) / rates.length;
      if (Math.abs(throughput - 100) <= 0.05 * 100) right++;
    }
    expect(ended).toBeGreaterThan(200);
    expect(right / ended).toBeGreaterThan(0.95);
  });
});
