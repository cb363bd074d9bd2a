import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import { createStudyProgress, planLines, type StudyProgressOptions } from '../../src/cli/study-progress.js';
import type { Terminal } from '../../src/cli/terminal.js';
import { nanos } from '../../src/common/units.js';
import type { StudyPlan, TrialRecord } from '../../src/record/study-record.js';
import type { StudyStanding, TrialStart } from '../../src/tune/studies/study-options.js';
import { fullStudy } from '../support/sample-studies.js';

const plan: StudyPlan = {
  searchNs: 36e9,
  confirmationNs: 24e9,
  levelNs: 2e9,
  expectedTrials: 10,
  variantCount: 143,
  finalists: 1,
  rounds: 3,
  leftOut: ['variants: there is time for about 9 of 143; all of them would take about 10 min'],
};

/** A progress whose lasting and live lines are kept, with a clock that is set by hand. */
function watch(options: StudyProgressOptions = {}) {
  const lasting: string[] = [];
  const live: string[] = [];
  const clock = { ms: 0 };
  const terminal: Terminal = {
    hasColor: false,
    width: 80,
    hasKnownWidth: true,
    liveColumns: () => 80,
    print: () => undefined,
    printJson: () => undefined,
    printDocument: () => undefined,
    say: () => undefined,
    milestone: (text) => lasting.push(text),
    progress: (text) => live.push(text),
    clearProgress: () => undefined,
    flush: () => Promise.resolve(undefined),
  };
  const progress = createStudyProgress(terminal, {
    nowMs: () => clock.ms,
    columns: () => undefined,
    hasColor: false,
    ...options,
  });
  return { progress, lasting, live, clock };
}

function start(trial: TrialRecord, elapsedNs = 0): TrialStart {
  const changed = trial.variantId === 'default' ? [] : ['instance_count', 'intra_op_threads'];
  return {
    id: trial.id,
    phase: trial.phase,
    variant: {
      id: trial.variantId,
      parameters: trial.parameters,
      changed,
      config: { name: 'm' },
      configPbtxt: undefined,
    },
    concurrency: 8,
    elapsedNs: nanos(elapsedNs),
    budgetNs: nanos(60e9),
  };
}

const base = fullStudy.trials[0]!;
const better: TrialRecord = {
  ...fullStudy.trials.find(({ state, variantId }) => state === 'complete' && variantId !== 'default')!,
  score: base.score! * 1.42,
};
const failed = fullStudy.trials.find(({ state }) => state === 'failed')!;
const standing = (trialCount: number, trial: TrialRecord, value: number): StudyStanding => ({
  trialCount,
  expectedTrials: 10,
  elapsedNs: nanos(0),
  best: { trial, gain: { value, low: value - 0.05, high: value + 0.05 } },
});

function playSearch({ progress }: ReturnType<typeof watch>): void {
  progress.onPlan?.(plan);
  progress.onTrialStart(start(base));
  progress.onTrial(base, standing(1, base, 1));
  progress.onTrialStart(start(better, 4e9));
  progress.onTrial(better, standing(2, better, 1.42));
  progress.onTrialStart(start(failed, 8e9));
  progress.onTrial(failed, standing(3, better, 1.42));
}

describe('the progress of a sweep', () => {
  it('tells the plan and what it leaves out before anything else', () => {
    const seen = watch();
    playSearch(seen);
    expect(seen.lasting.slice(0, 2)).toEqual([
      'Plan      search 36.0 s: the default and about 9 of 143 variants; confirmation 24.0 s: 3 rounds of 1 finalist and the default',
      'Left out  variants: there is time for about 9 of 143; all of them would take about 10 min',
    ]);
  });

  it('says when the whole space is tried, when it cannot be counted, and when nothing can be confirmed', () => {
    expect(planLines({ ...plan, variantCount: 9 })[0]).toContain('the default and all 9 variants;');
    expect(planLines({ ...plan, variantCount: null })[0]).toContain('about 9 of very many variants;');
    expect(planLines({ ...plan, rounds: 0, finalists: 0 })[0]).toMatch(/; no confirmation$/);
  });

  it('leaves one aligned line a trial, with its gain over the default and its changes', () => {
    const seen = watch();
    playSearch(seen);
    const [head = '', ...rows] = seen.lasting.slice(2);
    const end = head.indexOf('gain') + 'gain'.length;
    expect(rows).toHaveLength(3);
    for (const row of rows) expect(row.slice(0, end)).toMatch(/(x|–)$/);
    expect(rows[0]).toMatch(/ {2}default$/);
    expect(rows[1]).toMatch(/ 1\.42x .* {2}instance_count \d, intra_op_threads \d {2}\(best so far\)$/);
    expect(rows[2]).toMatch(/^ {3}3 +failed +– .*instance_count 4, intra_op_threads 4 {2}\(out of memory, .*SIGKILL/);
  });

  it('shows phase, best so far with its interval, time left and the variant being tried', () => {
    const seen = watch({ columns: () => 120 });
    playSearch(seen);
    seen.progress.onTrialStart(start(better, 12e9));
    seen.clock.ms += 2000;
    seen.progress.onProgress({
      level: { kind: 'closed', concurrency: 8, batchSize: 1 } as never,
      levelIndex: 0,
      levelCount: 1,
      elapsedNs: 1e9,
      maxDurationNs: 2e9,
      requestCount: 100,
      errorCount: 0,
      throughputPerSec: 1093,
      latencyP50Ns: undefined,
      latencyP99Ns: undefined,
      halfWidth: undefined,
    });
    const lines = seen.live.at(-1)?.split('\n') ?? [];
    expect(lines[0]).toMatch(
      /^search, trial 4 of about 10 {2}best [\d,]+ infer\/s, 1\.42x \(1\.37 to 1\.47\) {2}46 s left$/,
    );
    expect(lines[1]).toMatch(/^trying instance_count \d, intra_op_threads \d at concurrency 8 {2}1,093 infer\/s$/);
  });

  it('counts the runs of confirmation and compares each with the default of its round', () => {
    const seen = watch({ columns: () => 120 });
    playSearch(seen);
    seen.progress.onConfirmation({ finalists: [{}] as never, rounds: 3, duration: nanos(1e9) });
    const slower = { ...base, phase: 'confirmation' as const, round: 0, score: base.score! / 2 };
    const own = { ...better, phase: 'confirmation' as const, round: 0, score: base.score! };
    seen.progress.onTrialStart(start(slower, 30e9));
    seen.progress.onTrial(slower, standing(4, better, 1.42));
    seen.progress.onTrialStart(start(own, 34e9));
    expect(seen.live.at(-1)).toMatch(/^confirmation, run 2 of 6 /);
    seen.progress.onTrial(own, standing(5, better, 1.42));
    expect(seen.lasting.at(-1)).toContain(' 2.00x ');
    expect(seen.lasting.at(-1)).not.toContain('best so far');
  });

  it('reads a lower score as the gain where the objective is to fall', () => {
    const seen = watch({ objective: { metric: 'latency_p99', direction: 'minimize' } });
    const slow = { ...base, score: 10e6 };
    seen.progress.onTrialStart(start(slow));
    seen.progress.onTrial(slow, standing(1, slow, 1));
    const fast = { ...better, score: 5e6 };
    seen.progress.onTrialStart(start(fast));
    seen.progress.onTrial(fast, standing(2, fast, 2));
    expect(seen.lasting.at(-1)).toMatch(/5\.00 ms +2\.00x/);
  });

  it.each([30, 60, 100])('cuts every line to a terminal of %i columns and never wraps', (width) => {
    const seen = watch({ columns: () => width });
    playSearch(seen);
    const lines = [...seen.lasting, ...seen.live].flatMap((text) => text.split('\n'));
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThan(width);
  });

  it('keeps lines whole and on one line each where they go to a log', () => {
    const seen = watch();
    playSearch(seen);
    expect([...seen.lasting, ...seen.live].some((line) => line.includes('\n') || line.includes('…'))).toBe(false);
  });

  it('uses colour only when asked, and the same text either way', () => {
    const [plain, painted] = [watch(), watch({ hasColor: true })];
    playSearch(plain);
    playSearch(painted);
    expect(painted.lasting).not.toEqual(plain.lasting);
    expect(painted.lasting.map(stripVTControlCharacters)).toEqual(plain.lasting);
  });
});
