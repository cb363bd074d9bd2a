/** What a reader must know before trusting the numbers: one list for every kind of report. */
import { formatCount } from '../common/format.js';
import type { LevelRecord, RunRecord, Verdict } from '../record/run-record.js';
import type { StudyRecord } from '../record/study-record.js';

export interface Caveat {
  readonly kind: 'note' | 'warning';
  readonly text: string;
}

const DEMO_NOTE = 'Demo model with random weights: its timings are real, its answers mean nothing.';

/** Said of a level that is not VALID and carries no reason of its own. */
const verdictReasons: Readonly<Record<Exclude<Verdict, 'VALID'>, string>> = {
  UNSTABLE: 'the confidence target was not reached in time.',
  CLIENT_LIMITED: 'the load generator was the limit, so the server may do better.',
  INVALID: 'there is no usable measurement.',
};

const stateWarnings: Readonly<Record<RunRecord['state'], string | undefined>> = {
  complete: undefined,
  interrupted: 'Interrupted: this holds what was finished before.',
  failed: 'Ended early by a failure: this holds what was finished before.',
};

/** Caveats of a run, most general first; levels that share a warning share a line. */
export function runCaveats(record: RunRecord): Caveat[] {
  const byText = new Map<string, LevelRecord[]>();
  for (const level of record.levels) {
    for (const text of levelReasons(level)) byText.set(text, [...(byText.get(text) ?? []), level]);
  }
  return [
    ...general(record.state, record.target.isDemoModel, record.warnings),
    ...[...byText].map(([text, levels]) => warning(`${describeLevels(levels, record.levels.length)}: ${text}`)),
  ];
}

/** Caveats of a sweep. */
export const studyCaveats = (record: StudyRecord): Caveat[] => [
  ...general(record.state, record.isDemoModel, record.warnings),
  ...lowerBounds(record),
];

const warning = (text: string): Caveat => ({ kind: 'warning', text: withStop(text) });

const withStop = (text: string): string => (/[.!?)]$/.test(text) ? text : `${text}.`);
const asSentence = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

function general(state: RunRecord['state'], isDemoModel: boolean, warnings: RunRecord['warnings']): Caveat[] {
  const stateText = stateWarnings[state];
  return [
    ...(isDemoModel ? [{ kind: 'note' as const, text: DEMO_NOTE }] : []),
    ...(stateText === undefined ? [] : [warning(stateText)]),
    ...warnings.map(({ message }) => warning(asSentence(message))),
  ];
}

/** Why a level is not VALID, what else it warns of, and its errors by cause. */
function levelReasons(level: LevelRecord): string[] {
  const reasons = level.warnings.map(({ message }) => message);
  if (level.verdict !== 'VALID') {
    const first = reasons.shift() ?? verdictReasons[level.verdict];
    reasons.unshift(`${level.verdict}, ${first.charAt(0).toLowerCase()}${first.slice(1)}`);
  }
  const causes = Object.entries(level.errors).sort(([, a], [, b]) => b - a);
  if (causes.length > 0) {
    const list = causes.map(([cause, count]) => `${formatCount(count)} × ${cause}`).join('; ');
    reasons.push(`${formatCount(level.errorCount)} failed requests (${list}).`);
  }
  return reasons;
}

function describeLevels(levels: readonly LevelRecord[], total: number): string {
  if (levels.length === total && total > 1) return 'All levels';
  return `Concurrency ${levels.map((level) => level.load.concurrency).join(', ')}`;
}

/** Said here only where the sweep did not say it itself. */
function lowerBounds({ trials, warnings }: StudyRecord): Caveat[] {
  if (warnings.some(({ code }) => code.startsWith('CLIENT_LIMITED'))) return [];
  const limited = trials.filter((trial) => trial.level?.verdict === 'CLIENT_LIMITED').map((trial) => trial.id);
  if (limited.length === 0) return [];
  return [warning(`The load generator was the limit in ${limited.join(', ')}: those scores are lower bounds.`)];
}
