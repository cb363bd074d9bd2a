import { describe, expect, it } from 'vitest';
import { judgeStandstills } from '../../../src/measure/limits/standstill.js';

const at = (atSec: number, durationSec: number) => ({ atNs: atSec * 1e9, durationNs: durationSec * 1e9 });
const judge = (...standstills: ReturnType<typeof at>[]) =>
  judgeStandstills(standstills, 100e9, [{ from: 101e9, to: 108e9 }]);

describe('a standstill of perf-ts', () => {
  it('is told with its length and when it began, and is too much beyond two percent of the window', () => {
    const judged = judge(at(103, 3))!;
    expect(judged.isTooMuch).toBe(true);
    expect(judged.warning).toMatchObject({ code: 'STOOD_STILL' });
    expect(judged.warning.message).toContain('stood still for 3 s, 3 s into the level');
  });

  it('adds up with others', () => {
    expect(judge(at(103, 1), at(105, 0.5))!.warning.message).toContain('2 times for 1.5 s in all, first 3 s into');
  });

  it('is told only, where it is short beside the window', () => {
    expect(judgeStandstills([at(103, 0.5)], 100e9, [{ from: 101e9, to: 201e9 }])).toMatchObject({ isTooMuch: false });
  });

  it('is no matter in the warm-up or after the window', () => {
    expect(judge(at(100, 0.9))).toBeUndefined();
    expect(judge(at(108, 3))).toBeUndefined();
    expect(judge()).toBeUndefined();
  });
});
