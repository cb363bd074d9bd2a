import { describe, expect, it } from 'vitest';
import { seconds } from '../../../src/common/units.js';
import type { JournalHeader } from '../../../src/record/study-journal.js';
import type { TrialRecord } from '../../../src/record/study-record.js';
import type { VariantParameters } from '../../../src/tune/strategies/strategy.js';
import { findChanges } from '../../../src/tune/studies/study-header.js';
import { searchLevelDuration } from '../../../src/tune/studies/study-plan.js';
import { checkResume, readEarlierStudy, usedBefore } from '../../../src/tune/sweep-resume.js';
import { type BenchOptions, runSimulatedStudy } from '../support/study-bench.js';

/** One thread an instance is worth 30 %, batching 20 %. */
const planted = ({ intra_op_threads: threads, dynamic_batching: batching }: VariantParameters): number =>
  100 * (threads === 1 ? 1.3 : 1) * (batching === true ? 1.2 : 1);

const budgetSeconds = 60;

/** What a file keeps of them. */
const fromDisk = (trials: readonly TrialRecord[]): TrialRecord[] => JSON.parse(JSON.stringify(trials)) as TrialRecord[];

/** Goes on with `trials`, the last of which ended right before the process died. */
function goOn(trials: readonly TrialRecord[], options: Partial<BenchOptions> = {}) {
  const ends = trials.map(({ startedNs = 0, durationNs }) => startedNs + durationNs);
  return runSimulatedStudy({
    landscape: planted,
    budgetSeconds,
    usedSeconds: Math.max(0, ...ends) / 1e9,
    earlier: {
      startedAt: '2026-01-01T00:00:00.000Z',
      trials: fromDisk(trials),
      levelDuration: searchLevelDuration(seconds(budgetSeconds)),
      resumedCount: 1,
      hasMoreTime: false,
    },
    ...options,
  });
}

describe.each(['quick', 'forest', 'exhaustive'] as const)('a %s study that was killed', (strategy) => {
  it('goes on with the very trials it would have had, wherever in its search it died', async () => {
    const whole = await runSimulatedStudy({ landscape: planted, budgetSeconds, strategy });
    const searched = whole.record.trials.filter(({ phase }) => phase === 'search').length;
    expect(searched).toBeGreaterThan(6);
    for (const kept of [0, 1, 2, Math.floor(searched / 2), searched - 1, searched]) {
      const { record, journal } = await goOn(whole.record.trials.slice(0, kept), { strategy });
      expect(record.trials.map(({ id, parameters, score }) => ({ id, parameters, score }))).toEqual(
        whole.record.trials.map(({ id, parameters, score }) => ({ id, parameters, score })),
      );
      expect(journal).toEqual(record.trials.slice(kept));
      expect(record.recommended.portable?.id).toBe(whole.record.recommended.portable?.id);
      expect(record.resumed).toBe(1);
    }
  });
});

describe('a study that was killed while it confirmed', () => {
  it('keeps the rounds that were complete, measures the broken one again, and searches no more', async () => {
    const whole = await runSimulatedStudy({ landscape: planted, budgetSeconds: 120 });
    const { trials } = whole.record;
    const firstOfSecond = trials.findIndex(({ round }) => round === 1);
    expect(trials[firstOfSecond]!.roundSize).toBeGreaterThan(2);
    const kept = trials.slice(0, firstOfSecond + 2);
    const { record, journal } = await goOn(kept, { budgetSeconds: 120 });
    expect(journal.every(({ phase }) => phase === 'confirmation')).toBe(true);
    expect(journal[0]).toMatchObject({ variantId: 'default', round: 2 });
    const confirmed = record.confirmed!.map(({ variantId }) => variantId);
    expect(confirmed.toSorted()).toEqual(whole.record.confirmed!.map(({ variantId }) => variantId).toSorted());
    expect(record.recommended.portable?.id).toBe(whole.record.recommended.portable?.id);
    expect(record.usedNs! / 1e9).toBeLessThanOrEqual(120);
  });

  it('decides from the rounds there are when no time is left for more', async () => {
    const whole = await runSimulatedStudy({ landscape: planted, budgetSeconds });
    const { record, journal } = await goOn(whole.record.trials, { usedSeconds: 58 });
    expect(journal).toEqual([]);
    expect(record.recommended.portable?.gain).toEqual(whole.record.recommended.portable?.gain);
  });

  it('searches on with a larger budget, and rounds of before still count', async () => {
    const whole = await runSimulatedStudy({ landscape: planted, budgetSeconds });
    const { record, journal } = await goOn(whole.record.trials, {
      budgetSeconds: 180,
      earlier: {
        startedAt: '2026-01-01T00:00:00.000Z',
        trials: fromDisk(whole.record.trials),
        levelDuration: searchLevelDuration(seconds(budgetSeconds)),
        resumedCount: 1,
        hasMoreTime: true,
      },
    });
    expect(journal[0]?.phase).toBe('search');
    const rounds = record.trials.filter(({ variantId, round }) => variantId === 'default' && round !== undefined);
    const before = whole.record.trials.filter(({ variantId, round }) => variantId === 'default' && round !== undefined);
    expect(rounds.length).toBeGreaterThan(before.length);
    expect(record.recommended.portable?.gain.value).toBeCloseTo(1.56, 5);
  });
});

describe('a journal to go on with', () => {
  const header: JournalHeader = {
    schema: 'perf-ts/journal@1',
    model: 'm',
    startedAt: '2026-01-01T00:00:00.000Z',
    budgetNs: seconds(60),
    usedNs: seconds(1),
    levelDurationNs: seconds(2),
    seed: 1,
    modelFiles: { '1/model.onnx': 'a'.repeat(64) },
    engine: { 'perf-ts': '0.1.0' },
    host: { cpuCount: 2, node: 'v20.1.0' },
    processId: 1,
  };
  const trial = { startedNs: seconds(3), durationNs: seconds(4), state: 'complete' } as unknown as TrialRecord;
  const resumed = (isForced: boolean, headers: [JournalHeader, ...JournalHeader[]] = [header]) => ({
    journal: { headers, trials: [trial], wholeBytes: 1 },
    isForced,
  });

  it('counts the time up to the end of its last trial', () => {
    expect(usedBefore(resumed(false))).toBe(seconds(7));
    expect(usedBefore(resumed(false, [header, { ...header, usedNs: seconds(9) }]))).toBe(seconds(9));
    expect(readEarlierStudy(resumed(false), seconds(90))).toMatchObject({ resumedCount: 1, hasMoreTime: true });
  });

  it('is refused when something changed, which is named, unless that is forced', () => {
    const now = {
      ...header,
      processId: 2,
      seed: 2,
      budgetNs: seconds(90),
      modelFiles: { '1/model.onnx': 'b'.repeat(64) },
      host: { cpuCount: 4, node: 'v20.1.0' },
    };
    expect(findChanges(header, now)).toEqual([
      'the seed changed from 1 to 2',
      'the model’s files changed (1/model.onnx)',
      'the host changed (cpuCount from 2 to 4)',
    ]);
    expect(() => checkResume(resumed(false), now, seconds(60))).toThrow(/the model’s files changed.*--force/s);
    expect(() => checkResume(resumed(true), now, seconds(60))).not.toThrow();
    expect(() => checkResume(resumed(false), { ...header, processId: 2 }, seconds(60))).not.toThrow();
  });

  it('is refused when its budget is used up, with what would help', () => {
    expect(() => checkResume(resumed(false), header, seconds(8))).toThrow(/took 7 s of its 8 s.*larger --budget/);
  });
});
