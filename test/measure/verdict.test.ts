import { describe, expect, it } from 'vitest';
import { createRng } from '../../src/common/random.js';
import { instant, seconds } from '../../src/common/units.js';
import { judgeLevel, type LevelEvidence } from '../../src/measure/verdict.js';
import { inFlightTime } from '../../src/measure/windows/in-flight-time.js';
import { openWindow } from '../../src/measure/windows/measured-window.js';
import type { LoadLevel } from '../../src/plan/load-plan.js';
import { columnsOf, consecutiveRows, type RequestRow } from '../support/request-rows.js';

const rule = { minDuration: seconds(2), maxDuration: seconds(7), targetHalfWidth: 0.05 };

const closed: LoadLevel = { kind: 'closed', concurrency: 1, batchSize: 1 };

function evidence(rows: readonly RequestRow[], changes: Partial<LevelEvidence> = {}): LevelEvidence {
  const columns = columnsOf(rows);
  const window = openWindow(columns, instant(0), instant(7e9), 1);
  const inFlight = inFlightTime(columns, window.from, window.to);
  return {
    level: closed,
    window,
    rule,
    endReason: 'target-met',
    successCount: rows.length,
    errorCount: 0,
    droppedCount: 0,
    offeredCount: inFlight.dueCount,
    inFlight,
    maxBusyRatio: 0.2,
    ...changes,
  };
}
const steady = consecutiveRows(0, 7e9, () => 10e6);
const codesOf = (judged: ReturnType<typeof judgeLevel>) => judged.warnings.map(({ code }) => code);

const valid = { verdict: 'VALID', isSteady: true, isClientLimited: false, warnings: [], errorRatio: 0 };

describe('the verdict', () => {
  it('is VALID, without warnings, for a steady level', () => {
    expect(judgeLevel(evidence(steady))).toEqual(valid);
  });

  it('stays VALID with a few failures, and says how many', () => {
    const judged = judgeLevel(evidence(steady, { errorCount: 7 }));
    expect(judged.verdict).toBe('VALID');
    expect(codesOf(judged)).toEqual(['REQUESTS_FAILED']);
    expect(judged.warnings[0]!.message).toContain('of the requests failed (7 of');
  });

  it('is INVALID when more requests failed than the limit allows, or all of them', () => {
    const over = judgeLevel(evidence(steady, { errorCount: 8 }));
    expect([over.verdict, over.isSteady, ...codesOf(over)]).toEqual(['INVALID', false, 'HIGH_ERROR_RATE']);
    expect(over.warnings[0]!.message).toContain('1.1% of the requests failed (8 of 708), more than the limit of 1%');
    expect(judgeLevel(evidence(steady, { errorCount: 8, maxErrorRatio: 0.05 })).verdict).toBe('VALID');
    expect(judgeLevel(evidence(steady, { errorCount: 1, maxErrorRatio: 0 })).verdict).toBe('INVALID');
    const all = judgeLevel(evidence([], { errorCount: 30 }));
    expect([all.verdict, ...codesOf(all)]).toEqual(['INVALID', 'ALL_REQUESTS_FAILED']);
  });

  it('counts requests that had no response at the end apart: no failures, and steady while they are few', () => {
    const few = judgeLevel(evidence(steady, { unfinishedCount: 7 }));
    expect([few.verdict, few.errorRatio, ...codesOf(few)]).toEqual(['VALID', 0, 'UNFINISHED']);
    const many = judgeLevel(evidence(steady, { unfinishedCount: 300 }));
    expect([many.verdict, many.isSteady, many.errorRatio]).toEqual(['UNSTABLE', false, 0]);
    expect(many.warnings[0]!.message).toContain('300 of 1000 requests had no response yet');
    const only = judgeLevel(evidence([], { unfinishedCount: 16 }));
    expect([only.verdict, only.errorRatio, ...codesOf(only)]).toEqual([
      'INVALID',
      null,
      'NO_REQUEST_ENDED',
      'UNFINISHED',
    ]);
  });

  it('is INVALID when the server stopped answering, with the time and the cause first, however few requests failed', () => {
    const silence = { sinceNs: 3.2e9, cause: 'UNAVAILABLE: connection refused' };
    const judged = judgeLevel(evidence(steady, { errorCount: 3, silence }));
    expect([judged.verdict, ...codesOf(judged)]).toEqual(['INVALID', 'SERVER_STOPPED', 'REQUESTS_FAILED']);
    expect(judged.warnings[0]!.message).toContain('3.2 s into the level');
    expect(judged.warnings[0]!.message).toContain('(UNAVAILABLE: connection refused)');
  });

  it('names the silence before what it led to: failures without end, a busy client, arrivals that were dropped', () => {
    const silence = { sinceNs: 1e9, cause: undefined };
    const changes = { errorCount: 10 * steady.length, maxBusyRatio: 0.95, droppedCount: 4, silence };
    const judged = judgeLevel(evidence(steady, changes));
    expect(codesOf(judged)).toEqual(['SERVER_STOPPED', 'REQUESTS_FAILED', 'REQUESTS_DROPPED']);
    expect(judged.warnings[0]!.message).not.toContain('(');
  });

  it('is INVALID when nothing ended, or nothing after warm-up', () => {
    expect(codesOf(judgeLevel(evidence([])))).toEqual(['NO_REQUEST_ENDED']);
    expect(codesOf(judgeLevel(evidence([{ intended: 0, received: 1e9 }])))).toEqual(['NO_REQUEST_IN_WINDOW']);
  });

  it('is CLIENT_LIMITED when a load worker was too busy', () => {
    const judged = judgeLevel(evidence(steady, { maxBusyRatio: 0.93 }));
    expect([judged.verdict, ...codesOf(judged)]).toEqual(['CLIENT_LIMITED', 'CLIENT_BUSY']);
    expect(judgeLevel(evidence(steady, { maxBusyRatio: 0.8 })).verdict).toBe('VALID');
  });

  const late = (percentOfRequests: number, latency: number, lag: number) =>
    consecutiveRows(0, 7e9, () => latency).map((row, i) =>
      i % 100 < percentOfRequests ? { ...row, sent: row.intended + lag } : row,
    );
  const judged = (rows: RequestRow[]) => {
    const { verdict, warnings } = judgeLevel(evidence(rows));
    return [verdict, ...warnings.map(({ code }) => code)];
  };

  it('is CLIENT_LIMITED when the send lag holds back more than 5 % of the throughput', () => {
    expect(judged(late(100, 10e6, 0.51e6))).toEqual(['CLIENT_LIMITED', 'SEND_LAG']);
    expect(judged(late(100, 10e6, 0.49e6))).toEqual(['VALID']);
    expect(judged(late(20, 10e6, 3e6))).toEqual(['CLIENT_LIMITED', 'SEND_LAG']);
  });

  it('stays VALID with a word on it when some requests left late, more than a millisecond or 5 % of a long median', () => {
    expect(judged(late(2, 10e6, 1.1e6))).toEqual(['VALID', 'LATE_SENDS']);
    expect(judged(late(2, 10e6, 0.9e6))).toEqual(['VALID']);
    expect(judged(late(1, 10e6, 5e6))).toEqual(['VALID']);
    expect(judged(late(3, 40e6, 1.9e6))).toEqual(['VALID']);
    expect(judged(late(3, 40e6, 2.1e6))).toEqual(['VALID', 'LATE_SENDS']);
  });

  it('advises more workers only to workers that have enough to do', () => {
    const late = consecutiveRows(0, 7e9, () => 10e6).map((row) => ({ ...row, sent: row.intended + 2e6 }));
    const advice = (maxBusyRatio: number) => judgeLevel(evidence(late, { maxBusyRatio })).warnings[0]!.message;
    expect(advice(0.6)).toContain('--workers');
    expect(advice(0.1)).toContain('waited for a CPU');
    expect(advice(0.1)).not.toContain('--workers');
  });

  it('is UNSTABLE when the target was missed, and says what was reached', () => {
    const rng = createRng(4);
    const noisy = consecutiveRows(0, 7e9, () => 10e6 * Math.exp(rng.normal()));
    const judged = judgeLevel(evidence(noisy, { endReason: 'time-over' }));
    expect([judged.verdict, ...codesOf(judged)]).toEqual(['UNSTABLE', 'TARGET_MISSED']);
    expect(judged.warnings[0]!.message).toMatch(/throughput is known to ±\d+(\.\d+)?% \(target ±5%\)/);
  });

  it('is VALID at the end of the time when the target was reached after all', () => {
    expect(judgeLevel(evidence(steady, { endReason: 'time-over' })).verdict).toBe('VALID');
  });

  it('is UNSTABLE for too few requests, a drift, an interruption and an endless warm-up', () => {
    const few = consecutiveRows(0, 7e9, () => 700e6);
    expect(codesOf(judgeLevel(evidence(few, { endReason: 'time-over' })))).toEqual(['TOO_FEW_REQUESTS']);
    const drifting = consecutiveRows(0, 7e9, (at) => 10e6 * (1 + at / 30e9));
    expect(codesOf(judgeLevel(evidence(drifting)))).toContain('DRIFT');
    expect(codesOf(judgeLevel(evidence(steady, { endReason: 'interrupted' })))).toEqual(['INTERRUPTED']);
    const warming = consecutiveRows(0, 7e9, (at) => 40e6 - (30e6 * at) / 7e9);
    const judged = judgeLevel(evidence(warming));
    expect(judged.verdict).toBe('UNSTABLE');
    expect(codesOf(judged)).toContain('WARM_UP_NOT_OVER');
  });

  it('is UNSTABLE where the generator was the limit as well, and keeps both axes and warnings', () => {
    const judged = judgeLevel(evidence(steady, { endReason: 'interrupted', maxBusyRatio: 0.9 }));
    expect([judged.verdict, ...codesOf(judged)]).toEqual(['UNSTABLE', 'INTERRUPTED', 'CLIENT_BUSY']);
    expect([judged.isSteady, judged.isClientLimited]).toEqual([false, true]);
  });

  it('counts responses that differ from the expected outputs as failures, and says so first', () => {
    const answers = { checkedCount: 700, mismatchCount: 700, first: 'output OUT is 1, expected 2' };
    const wrong = judgeLevel(evidence(steady, { answers }));
    expect([wrong.verdict, wrong.errorRatio, ...codesOf(wrong)]).toEqual(['INVALID', 1, 'MISMATCH']);
    const both = { errorCount: 4, answers: { ...answers, mismatchCount: 4 } };
    const added = judgeLevel(evidence(steady, both));
    expect([added.verdict, ...codesOf(added)]).toEqual(['INVALID', 'MISMATCH', 'HIGH_ERROR_RATE']);
    const few = judgeLevel(evidence(steady, { answers: { ...answers, mismatchCount: 5 }, endReason: 'interrupted' }));
    expect([few.verdict, ...codesOf(few)]).toEqual(['UNSTABLE', 'MISMATCH', 'INTERRUPTED']);
  });
});

describe('the verdict of an open loop', () => {
  const open: LoadLevel = {
    kind: 'open',
    requestRatePerSec: 200,
    arrival: { kind: 'constant' },
    maxInFlight: 1000,
    seed: 1,
    batchSize: 1,
  };
  const arrivals = (ratePerSec: number, latency: (at: number) => number): RequestRow[] =>
    Array.from({ length: 7 * ratePerSec }, (_, i) => {
      const intended = (i * 1e9) / ratePerSec;
      return { intended, received: intended + latency(intended) };
    });
  const judge = (rows: readonly RequestRow[], changes: Partial<LevelEvidence> = {}) =>
    judgeLevel(evidence(rows, { level: open, ...changes }));

  it('is VALID for a rate that the server keeps up with', () => {
    expect(judge(arrivals(200, () => 10e6))).toEqual(valid);
  });

  it('is UNSTABLE, and OVERLOADED, where unanswered requests pile up', () => {
    // Serves 190/s of 200/s: a queue that grows by ten a second.
    const judged = judge(arrivals(200, (at) => 5e6 + at * (10 / 190)));
    expect([judged.verdict, ...codesOf(judged)]).toEqual(['UNSTABLE', 'OVERLOADED']);
    expect(judged.warnings[0]!.message).toContain('ask for a lower rate');
  });

  it('is INVALID where arrivals were dropped, and says how many', () => {
    const judged = judge(
      arrivals(200, () => 10e6),
      { droppedCount: 17 },
    );
    expect([judged.verdict, ...codesOf(judged)]).toEqual(['INVALID', 'REQUESTS_DROPPED']);
    expect(judged.warnings[0]!.message).toContain('17 requests');
  });

  it('is CLIENT_LIMITED where the generator did not keep its schedule', () => {
    const late = arrivals(200, () => 10e6).map((row, i) => (i % 20 === 0 ? { ...row, sent: row.intended + 3e6 } : row));
    expect(codesOf(judge(late))).toEqual(['SEND_LAG']);
    expect(judge(late).verdict).toBe('CLIENT_LIMITED');
    const few = judge(arrivals(190, () => 10e6));
    expect([few.verdict, ...codesOf(few)]).toEqual(['CLIENT_LIMITED', 'RATE_NOT_REACHED', 'LITTLE_LAW']);
  });

  it('leaves Poisson arrivals their chance to be a few too few', () => {
    const poisson: LoadLevel = { ...open, arrival: { kind: 'poisson' } };
    expect(
      codesOf(
        judge(
          arrivals(194, () => 10e6),
          { level: poisson },
        ),
      ),
    ).toEqual([]);
  });

  it('asks a load that varies on purpose for no steadiness', () => {
    const columns = columnsOf(arrivals(200, (at) => 5e6 + at / 20));
    const window = openWindow(columns, instant(0), instant(7e9), 1, true);
    expect(judge([], { window, successCount: 1400, inFlight: inFlightTime(columns, window.from, window.to) })).toEqual(
      valid,
    );
  });
});

describe('what else is said of a level', () => {
  it('is that Little\u2019s law fails, where slots stood idle', () => {
    const columns = columnsOf(steady);
    const inFlight = inFlightTime(columns, instant(0), instant(7e9));
    const judged = judgeLevel(evidence(steady, { level: { ...closed, concurrency: 2 }, inFlight }));
    expect([judged.verdict, ...codesOf(judged)]).toEqual(['VALID', 'LITTLE_LAW']);
    expect(judged.warnings[0]!.message).toContain('50% fewer');
  });

  it('is how near the generator came to what it can do on this host', () => {
    const near = { maxRatePerSec: 150, floorP50Ns: 3e6 };
    const judged = judgeLevel(evidence(steady, { ceiling: near }));
    expect([judged.verdict, ...codesOf(judged)]).toEqual(['VALID', 'NEAR_CLIENT_CEILING', 'NEAR_CLIENT_FLOOR']);
    expect(codesOf(judgeLevel(evidence(steady, { ceiling: { maxRatePerSec: 1e5, floorP50Ns: 1e5 } })))).toEqual([]);
  });

  it('is that the calibration was made on a busy host, where it was', () => {
    const bound = { maxRatePerSec: 150, floorP50Ns: 1e5, isLowerBound: true };
    const judged = judgeLevel(evidence(steady, { ceiling: bound }));
    expect(judged.warnings[0]!.message).toContain('calibrated while something else kept its CPUs busy');
    expect(judged.warnings[0]!.message).toContain('may be the client');
  });

  it('says nothing of a calibration that the level itself disproves', () => {
    const ofBusyMoment = { maxRatePerSec: 60, floorP50Ns: 30e6 };
    expect(codesOf(judgeLevel(evidence(steady, { ceiling: ofBusyMoment })))).toEqual([]);
  });

  it('is that bursts reached the generator\u2019s limit', () => {
    const judged = judgeLevel(evidence(steady, { busySliceRatio: 0.07 }));
    expect([judged.verdict, ...codesOf(judged)]).toEqual(['CLIENT_LIMITED', 'CLIENT_BUSY']);
    expect(judged.warnings[0]!.message).toContain('7 % of the slices');
  });
});
