import fc from 'fast-check';
import { expect, it } from 'vitest';
import { exitCodeOfLevels } from '../../src/cli/exit-code.js';
import { findPeak, isUsable } from '../../src/record/best-level.js';
import type { LevelRecord, Verdict } from '../../src/record/run-record.js';
import { runAdvice, runHeadline } from '../../src/report/run-headline.js';
import { buildRunView } from '../../src/report/run-view.js';
import { sampleLevel, sampleRun } from '../support/sample-records.js';
import { withVerdict } from '../support/with-verdict.js';

const verdicts: readonly Verdict[] = ['VALID', 'CLIENT_LIMITED', 'UNSTABLE', 'INVALID'];

interface Drawn {
  readonly throughput: number;
  readonly verdict: Verdict;
  readonly requestCount: number;
  readonly isLimited: boolean;
  readonly isInterrupted: boolean;
  readonly hasInterval: boolean;
  readonly errorCount: number;
}

const drawnLevel: fc.Arbitrary<Drawn> = fc.record({
  throughput: fc.double({ min: 1, max: 2000, noNaN: true }),
  verdict: fc.constantFrom(...verdicts),
  requestCount: fc.constantFrom(0, 1, 3, 500),
  isLimited: fc.boolean(),
  isInterrupted: fc.boolean(),
  hasInterval: fc.boolean(),
  errorCount: fc.constantFrom(0, 2),
});

function toLevel(drawn: Drawn, index: number): LevelRecord {
  const { throughput, verdict, requestCount, isLimited, isInterrupted, hasInterval, errorCount } = drawn;
  const level = withVerdict(sampleLevel({ concurrency: index + 1, throughput }), verdict);
  const isSteady = level.isSteady && requestCount > 0;
  return {
    ...level,
    verdict: verdict === 'INVALID' || isSteady ? verdict : 'UNSTABLE',
    isSteady,
    isClientLimited: level.isClientLimited || (verdict === 'UNSTABLE' && isLimited),
    requestCount,
    latencyNs: requestCount === 0 ? null : level.latencyNs,
    errorCount,
    endReason: !isSteady && isInterrupted ? 'interrupted' : 'time-over',
    throughputPerSec: isSteady || hasInterval ? level.throughputPerSec : { value: throughput, low: null, high: null },
  };
}

it('the headline, tiles and exit code of any levels never contradict their table', () => {
  fc.assert(
    fc.property(fc.array(drawnLevel, { maxLength: 8 }), (drawn) => {
      const levels = drawn.map(toLevel);
      const record = { ...sampleRun, levels };
      const headline = runHeadline(record);
      const peak = findPeak(levels);
      const usable = levels.filter(isUsable);
      expect(peak === undefined).toBe(usable.length === 0);
      // Exit 0 and a headline that claims steadiness both need a steady level.
      expect(exitCodeOfLevels(levels) === 0).toBe(levels.some(({ isSteady }) => isSteady) && !endsUnanswered(levels));
      if (peak === undefined) return;
      expect(usable).toContain(peak);
      const value = peak.throughputPerSec.value;
      const steady = usable.filter(({ isSteady }) => isSteady);
      // Nothing steady is faster, and what is faster was not steady.
      expect(steady.every(({ throughputPerSec }) => throughputPerSec.value <= value || !peak.isSteady)).toBe(true);
      expect(headline.startsWith('About ')).toBe(!peak.isSteady);
      expect(headline.startsWith('At least ')).toBe(peak.isSteady && peak.isClientLimited);
      if (headline.startsWith('Peak '))
        expect(usable.every(({ throughputPerSec }) => throughputPerSec.value <= value)).toBe(true);
      expect(headline.includes('unsteady')).toBe(!peak.isSteady);
      expect(headline.includes('load generator was the limit')).toBe(peak.isClientLimited);
      expect(headline.includes('requests failed')).toBe(peak.errorCount > 0);
      if (runAdvice(record).includes('still rose')) {
        const at = levels.indexOf(peak);
        expect(at).toBe(levels.length - 1);
        expect(levels[at - 1]!.throughputPerSec.value).toBeLessThan(value);
        expect(levels[at - 1]!.verdict).not.toBe('INVALID');
      }
      const [tile] = buildRunView(record).tiles;
      expect(tile!.label === 'Peak throughput').toBe(headline.startsWith('Peak '));
      expect(tile!.note.includes('unsteady')).toBe(!peak.isSteady);
    }),
    { numRuns: 1000 },
  );
});

/** The server stopped for good: another exit code's question. */
function endsUnanswered(levels: readonly LevelRecord[]): boolean {
  const last = levels.findLast(({ requestCount, errorCount }) => requestCount + errorCount > 0);
  return levels.some(({ requestCount }) => requestCount > 0) && last?.requestCount === 0;
}
