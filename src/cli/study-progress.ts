/**
 * What a person sees while a sweep runs: the plan first, then one lasting line for each finished trial, aligned and cut
 * to the terminal, and live lines with the phase, the best so far, the time left and the variant being tried.
 */
import pc from 'picocolors';
import { formatCount, formatDuration, formatGain, formatRate, NO_VALUE } from '../common/format.js';
import { withoutControls } from '../common/safe-text.js';
import { wrapText } from '../common/wrap-text.js';
import type { LevelProgress } from '../measure/measurement.js';
import type { StudyPlan, TrialRecord } from '../record/study-record.js';
import { metricFormat } from '../report/metric-format.js';
import { describeCause } from '../report/study/failures-table.js';
import type { ConfirmationPlan } from '../tune/confirmation/confirmation-plan.js';
import type { StudyListener, StudyStanding, TrialStart } from '../tune/studies/study-options.js';
import { columnsOf, type Terminal } from './terminal.js';

export interface StudyProgress extends StudyListener {
  close(): void;
}

export interface StudyProgressOptions {
  /** Throughput when left out. */
  readonly objective?: { readonly metric: string; readonly direction: 'maximize' | 'minimize' };
  /** Milliseconds of a clock that only runs forward. */
  readonly nowMs?: () => number;
  /** Columns of the terminal that a person watches; undefined where lines go to a file or a log, which keeps them whole. */
  readonly columns?: () => number | undefined;
  readonly hasColor?: boolean;
}

const THROUGHPUT = { metric: 'throughput', direction: 'maximize' } as const;

interface State {
  phase: TrialRecord['phase'];
  trialCount: number;
  /** Finished confirmation trials, and how many are planned. */
  confirmedCount: number;
  plannedConfirmations: number | undefined;
  /** Of the default: in the search its trial there, in a round of confirmation its trial in that round. */
  defaultScore: number | undefined;
  current: { readonly start: TrialStart; readonly sinceMs: number } | undefined;
  standing: StudyStanding | undefined;
  expectedTrials: number | undefined;
}

export function createStudyProgress(terminal: Terminal, options: StudyProgressOptions = {}): StudyProgress {
  const { objective: { metric, direction } = THROUGHPUT, nowMs = () => performance.now() } = options;
  const columns = options.columns ?? stderrColumns;
  const colors = pc.createColors(options.hasColor ?? (pc.isColorSupported && process.stderr.isTTY === true));
  const state: State = {
    phase: 'search',
    trialCount: 0,
    confirmedCount: 0,
    plannedConfirmations: undefined,
    defaultScore: undefined,
    current: undefined,
    standing: undefined,
    expectedTrials: undefined,
  };
  const tell = (line: string, paint: (text: string) => string = (text) => text): void =>
    terminal.milestone(paint(cut(withoutControls(line), columns())));
  const show = (progress?: LevelProgress): void => {
    if (state.current === undefined) return;
    const width = columns();
    const lines = liveLines(state, metric, nowMs(), progress);
    terminal.progress(width === undefined ? lines.join('; ') : lines.map((line) => cut(line, width)).join('\n'));
  };
  return {
    onPlan(plan) {
      state.expectedTrials = plan.expectedTrials;
      for (const line of planLines(plan, columns())) terminal.milestone(line);
      tell(tableHead(metric), colors.dim);
    },
    onTrialStart(start) {
      state.phase = start.phase;
      state.current = { start, sinceMs: nowMs() };
      show();
    },
    onProgress: show,
    onTrial(trial, standing) {
      const wasBest = state.standing?.best?.trial;
      const changed = state.current?.start.variant.changed ?? Object.keys(trial.parameters);
      state.trialCount = standing.trialCount;
      state.standing = standing;
      if (trial.phase === 'confirmation') state.confirmedCount++;
      if (trial.variantId === 'default') state.defaultScore = trial.score ?? undefined;
      const isBest = trial.phase === 'search' && standing.best?.trial.id === trial.id && wasBest?.id !== trial.id;
      const line = trialLine(
        { trial, changed, isBest, metric, gain: gainOver(state.defaultScore, trial, direction) },
        state,
      );
      tell(line, paintFor(trial, isBest && trial.variantId !== 'default', colors));
    },
    onConfirmation(plan) {
      state.plannedConfirmations = state.confirmedCount + plan.rounds * (plan.finalists.length + 1);
      tell(confirmationLine(plan));
    },
    close: () => terminal.clearProgress(),
  };
}

/** Undefined where no one watches. */
const stderrColumns = (): number | undefined =>
  process.stderr.isTTY === true && process.env.TERM !== 'dumb' ? columnsOf(process.stderr) : undefined;

/** A line that is too long is cut: one that wraps would break the live lines and the alignment. */
const cut = (line: string, columns: number | undefined): string =>
  columns === undefined || line.length < columns ? line : `${line.slice(0, Math.max(1, columns - 2))}…`;

const PLAN_INDENT = 10;
const LEAST_PROSE = 18;

/** What the budget is spent on, and what it is too small for; prose, so it is wrapped where there are `columns`. */
export function planLines(plan: StudyPlan, columns?: number): string[] {
  const { searchNs, confirmationNs, expectedTrials, variantCount, finalists, rounds, leftOut } = plan;
  const tried = Math.max(0, expectedTrials - 1);
  const all = variantCount === null ? 'very many' : formatCount(variantCount);
  const variants =
    variantCount !== null && tried >= variantCount
      ? `all ${all} variants`
      : `about ${formatCount(tried)} of ${all} variants`;
  const confirmation =
    rounds === 0
      ? 'no confirmation'
      : `confirmation ${formatDuration(confirmationNs)}: ${rounds} rounds of ${finalists} ${finalists === 1 ? 'finalist' : 'finalists'} and the default`;
  const label = (name: string, text: string): string => {
    const indent = ' '.repeat(PLAN_INDENT);
    const wrapped = columns === undefined ? text : wrapText(text, Math.max(LEAST_PROSE, columns - PLAN_INDENT - 1));
    return `${name.padEnd(PLAN_INDENT)}${wrapped.replaceAll('\n', `\n${indent}`)}`;
  };
  return [
    label('Plan', `search ${formatDuration(searchNs)}: the default and ${variants}; ${confirmation}`),
    ...leftOut.map((text) => label('Left out', text)),
  ];
}

function confirmationLine({ finalists, rounds }: ConfirmationPlan): string {
  const many = finalists.length === 1 ? 'finalist' : 'finalists';
  return `Confirming ${formatCount(finalists.length)} ${many} against the default in ${rounds} interleaved rounds.`;
}

const widths = { number: 4, score: 15, gain: 7, p99: 9, time: 8 } as const;

const inColumns = (cells: Readonly<Record<keyof typeof widths, string>>, words: string): string =>
  `${cells.number.padStart(widths.number)}${cells.score.padStart(widths.score)}${cells.gain.padStart(widths.gain)}` +
  `${cells.p99.padStart(widths.p99)}${cells.time.padStart(widths.time)}  ${words}`;

const tableHead = (metric: string): string =>
  inColumns(
    { number: '#', score: metric === 'throughput' ? 'throughput' : 'score', gain: 'gain', p99: 'p99', time: 'took' },
    'changes against the default',
  );

interface ToldTrial {
  readonly trial: TrialRecord;
  readonly changed: readonly string[];
  readonly isBest: boolean;
  readonly metric: string;
  readonly gain: number | undefined;
}

/** `   3  1,083 infer/s  1.42x   106 ms   4.1 s  instance_count 2, intra_op_threads 1`. */
function trialLine({ trial, changed, isBest, metric, gain }: ToldTrial, { trialCount }: State): string {
  const changes = trial.variantId === 'default' ? 'default' : describeChanged(trial.parameters, changed);
  const why = [describeCause(trial), trial.reason].filter(Boolean).join(', ');
  const isComplete = trial.state === 'complete';
  return inColumns(
    {
      number: String(trialCount),
      score: isComplete ? `${trial.isLowerBound === true ? '≥ ' : ''}${shortScore(metric, trial.score)}` : trial.state,
      gain: gain === undefined || trial.isLowerBound === true ? NO_VALUE : `${gain.toFixed(2)}x`,
      p99: formatDuration(trial.level?.latencyNs?.p99),
      time: formatDuration(trial.durationNs),
    },
    `${changes}${isBest && trial.variantId !== 'default' ? '  (best so far)' : ''}${why === '' ? '' : `  (${why})`}`,
  );
}

const describeChanged = (parameters: TrialRecord['parameters'], changed: readonly string[]): string =>
  changed.map((knob) => `${knob} ${parameters[knob]}`).join(', ') || 'no change';

const shortScore = (metric: string, score: number | null | undefined): string =>
  metricFormat(metric).format(score).replace('inferences/s', 'infer/s');

function gainOver(
  base: number | undefined,
  { score, variantId }: TrialRecord,
  direction: 'maximize' | 'minimize',
): number | undefined {
  if (!base || !score || variantId === 'default') return undefined;
  return direction === 'minimize' ? base / score : score / base;
}

function paintFor(
  trial: TrialRecord,
  isNewBest: boolean,
  colors: ReturnType<typeof pc.createColors>,
): (text: string) => string {
  if (isNewBest) return colors.green;
  if (trial.state === 'complete') return (text) => text;
  return trial.state === 'failed' ? colors.red : colors.dim;
}

/** Two lines: where the study stands, and what is being measured. */
function liveLines(state: State, metric: string, nowMs: number, progress: LevelProgress | undefined): string[] {
  const { start, sinceMs } = state.current!;
  const elapsedNs = start.elapsedNs + (nowMs - sinceMs) * 1e6;
  const leftNs = Math.max(0, Math.ceil((start.budgetNs - elapsedNs) / 1e9) * 1e9);
  const rate =
    progress?.throughputPerSec === undefined ? 'starting' : `${formatRate(progress.throughputPerSec)} infer/s`;
  const { variant } = start;
  const what = variant.id === 'default' ? 'the default' : describeChanged(variant.parameters, variant.changed);
  return [
    [placeOf(state), bestOf(state, metric), `${formatLeft(leftNs)} left`].filter(Boolean).join('  '),
    `trying ${what} at concurrency ${start.concurrency}  ${rate}`,
  ];
}

/** `search, trial 9 of about 24`; `confirmation, run 5 of 12`. */
function placeOf(state: State): string {
  if (state.phase === 'confirmation') {
    const of = state.plannedConfirmations === undefined ? '' : ` of ${state.plannedConfirmations}`;
    return `confirmation, run ${state.confirmedCount + 1}${of}`;
  }
  const expected = state.standing?.expectedTrials ?? state.expectedTrials;
  const number = state.trialCount + 1;
  return `search, trial ${number}${expected === undefined ? '' : ` of about ${Math.max(expected, number)}`}`;
}

function bestOf({ standing }: State, metric: string): string {
  const best = standing?.best;
  if (best === undefined) return '';
  const score = shortScore(metric, best.trial.score);
  return best.trial.variantId === 'default' ? `best ${score}, the default` : `best ${score}, ${formatGain(best.gain)}`;
}

const formatLeft = (leftNs: number): string => {
  const seconds = Math.round(leftNs / 1e9);
  return seconds < 100 ? `${seconds} s` : formatDuration(leftNs);
};
