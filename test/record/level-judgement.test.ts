import { describe, expect, it } from 'vitest';
import { errorRatioOf, verdictOf } from '../../src/record/level-judgement.js';
import { levelRecordSchema } from '../../src/record/run-record.js';
import { sampleLevel } from '../support/sample-records.js';

describe('both axes of a verdict', () => {
  it('give its word: UNSTABLE where it was not steady, CLIENT_LIMITED for a steady lower bound', () => {
    const words = [true, false].flatMap((isSteady) =>
      [true, false].map((isClientLimited) => verdictOf({ isSteady, isClientLimited })),
    );
    expect(words).toEqual(['CLIENT_LIMITED', 'VALID', 'UNSTABLE', 'UNSTABLE']);
  });

  it.each([
    ['VALID', [], true, false],
    ['UNSTABLE', ['DRIFT'], false, false],
    ['CLIENT_LIMITED', ['CLIENT_BUSY'], true, true],
    ['CLIENT_LIMITED', ['CLIENT_BUSY', 'TARGET_MISSED'], false, true],
    ['INVALID', ['HIGH_ERROR_RATE'], false, false],
  ])('of an older record that said %s with %j are steady %s, client-limited %s', (verdict, codes, steady, limited) => {
    const { isSteady: _, isClientLimited: __, ...older } = sampleLevel({ concurrency: 4, throughput: 100 });
    const warnings = codes.map((code) => ({ code, message: 'it was so' }));
    const read = levelRecordSchema.parse({ ...older, verdict, warnings });
    expect([read.isSteady, read.isClientLimited]).toEqual([steady, limited]);
  });

  it('of an older, interrupted level that the generator limited are not steady', () => {
    const { isSteady: _, isClientLimited: __, ...older } = sampleLevel({ concurrency: 4, throughput: 100 });
    const read = levelRecordSchema.parse({ ...older, verdict: 'CLIENT_LIMITED', endReason: 'interrupted' });
    expect(read.isSteady).toBe(false);
  });
});

describe('the share of failed requests', () => {
  const counts = { requestCount: 80, warmupRequestCount: 10, errorCount: 10, mismatchCount: null };

  it('is of all requests that ended, with wrong answers among the failures', () => {
    expect(errorRatioOf(counts)).toBe(0.1);
    expect(errorRatioOf({ ...counts, mismatchCount: 20 })).toBe(0.3);
    expect(errorRatioOf({ ...counts, errorRatio: 0.2 })).toBe(0.2);
  });

  it('is undefined where no request ended', () => {
    expect(errorRatioOf({ ...counts, requestCount: 0, warmupRequestCount: 0, errorCount: 0 })).toBeUndefined();
    expect(errorRatioOf({ ...counts, errorRatio: null })).toBeUndefined();
  });
});
