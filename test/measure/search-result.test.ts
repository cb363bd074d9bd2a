import { describe, expect, it } from 'vitest';
import { millis } from '../../src/common/units.js';
import { judgeSearched, type SearchedLevel, searchResult } from '../../src/measure/search-result.js';
import type { LoadPlan } from '../../src/plan/load-plan.js';
import type { LevelRecord } from '../../src/record/run-record.js';
import { sampleLevel } from '../support/sample-records.js';
import { withVerdict } from '../support/with-verdict.js';

const plan = { load: { kind: 'closed' }, latencyLimit: millis(20) } as LoadPlan;
const search = { kind: 'binary-search', start: 1, end: 64, step: 1 } as const;

const level = sampleLevel({ concurrency: 8, throughput: 400 });
const judge = (meanMs: number, changes: Partial<LevelRecord> = {}, intervalMs?: readonly [number, number]) => {
  const latencyIntervalNs = level.latencyIntervalNs && {
    ...level.latencyIntervalNs,
    mean: intervalMs === undefined ? null : ([intervalMs[0] * 1e6, intervalMs[1] * 1e6] as [number, number]),
  };
  const { value: _, ...judged } = judgeSearched(
    8,
    { level: { ...level, latencyIntervalNs, ...changes }, latencyNs: meanMs * 1e6 },
    plan,
  );
  return judged;
};

describe('a level of a binary search', () => {
  const unsteady = withVerdict(level, 'UNSTABLE');

  it('is sure where it was steady', () => {
    expect(judge(19)).toEqual({ holds: true, isSure: true });
    expect(judge(21)).toEqual({ holds: false, isSure: true });
  });

  it('is open where it was unsteady around the limit, or nobody knows how far', () => {
    const { isSteady, verdict } = unsteady;
    expect(judge(19, { isSteady, verdict }, [12, 26])).toEqual({ holds: true, isSure: false });
    expect(judge(21, { isSteady, verdict }, [19.9, 22])).toEqual({ holds: false, isSure: false });
    expect(judge(21, { isSteady, verdict })).toEqual({ holds: false, isSure: false });
    expect(judge(12, { isSteady, verdict }, [8, 16])).toEqual({ holds: true, isSure: true });
    expect(judge(90, { isSteady, verdict }, [50, 130])).toEqual({ holds: false, isSure: true });
  });

  it('does not hold where it is INVALID, or was ended by the limit', () => {
    expect(judge(5, { isSteady: false, verdict: 'INVALID' })).toEqual({ holds: false, isSure: true });
    expect(judge(5, { isSteady: false, verdict: 'UNSTABLE', endReason: 'latency-limit' })).toEqual({
      holds: false,
      isSure: true,
    });
  });
});

describe('the result of a binary search', () => {
  const yes = (value: number): SearchedLevel => ({ value, holds: true, isSure: true });
  const no = (value: number): SearchedLevel => ({ value, holds: false, isSure: true });
  const open = (found: SearchedLevel): SearchedLevel => ({ ...found, isSure: false });
  const resultOf = (levels: SearchedLevel[], isInterrupted = false) =>
    searchResult(plan, search, { batchSize: 1 }, { levels, isInterrupted });

  it('is what held and what did not', () => {
    const levels = [yes(1), no(64), no(32), yes(16), yes(24), no(28), yes(26), no(27)];
    expect(resultOf(levels)).toMatchObject({ result: 'found', highestHeld: 26, lowestFailed: 27, unsteady: [] });
    expect(resultOf([yes(1), yes(64)])).toMatchObject({ result: 'all-hold', highestHeld: 64, lowestFailed: null });
    expect(resultOf([no(1)])).toMatchObject({ result: 'none-holds', highestHeld: null, lowestFailed: 1 });
  });

  it('is undecided where a level that could be either decided it', () => {
    expect(resultOf([open(yes(1)), open(no(64))])).toMatchObject({ result: 'undecided', unsteady: [1, 64] });
    expect(resultOf([yes(1), no(64), open(no(32)), yes(16)])).toMatchObject({
      result: 'undecided',
      highestHeld: 16,
      lowestFailed: 32,
      unsteady: [32],
    });
    // One beside a sure one beyond it decides nothing.
    expect(resultOf([open(yes(1)), open(no(64)), no(32), yes(31)])).toMatchObject({ result: 'found', unsteady: [] });
  });

  it('is open where it was cut short', () => {
    expect(resultOf([yes(1), no(64)], true)).toMatchObject({ result: 'interrupted', highestHeld: 1, lowestFailed: 64 });
    expect(resultOf([], true)).toMatchObject({ result: 'interrupted', highestHeld: null, lowestFailed: null });
  });
});
