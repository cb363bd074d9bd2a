/** What a reader must know before trusting the numbers: one list for every kind of report. */
import { formatCount } from '../common/format.js';
import type { LevelRecord, NodeAssignmentRecord, RunRecord, Verdict } from '../record/run-record.js';
import type { StudyRecord } from '../record/study-record.js';
import { type LoadAxis, loadAxis, loadLabel, sortByLoad } from './load-axis.js';

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
  failed: 'Something failed, as said below: this holds everything that was measured.',
};

/** Warnings of a level that say how many requests failed; the causes join them. */
const failureCodes: readonly string[] = ['REQUESTS_FAILED', 'HIGH_ERROR_RATE', 'ALL_REQUESTS_FAILED'];
/** Said first of all and of its own, whatever the verdict is. */
const WRONG_ANSWERS = 'MISMATCH';

/** One thing to say of a level; equal keys differ in their figures at most. */
interface Reason {
  readonly key: string;
  readonly text: string;
  /** The least is what matters most. */
  readonly rank: number;
}

const verdictRanks: Readonly<Record<Verdict, number>> = { INVALID: 1, UNSTABLE: 2, CLIENT_LIMITED: 3, VALID: 4 };

/**
 * Caveats of a run: wrong answers first, then what is general, then what spoils levels before what is only good to know.
 * Levels that share a kind of warning share a line, in the first one's words.
 */
export function runCaveats(record: RunRecord): Caveat[] {
  const byKey = new Map<string, Reason & { readonly isSame: boolean; readonly levels: LevelRecord[] }>();
  const byLoad = sortByLoad(record.levels);
  const axis = loadAxis(byLoad);
  for (const level of byLoad) {
    for (const reason of levelReasons(level)) {
      const known = byKey.get(reason.key);
      if (known === undefined) byKey.set(reason.key, { ...reason, isSame: true, levels: [level] });
      else
        byKey.set(reason.key, {
          ...known,
          isSame: known.isSame && known.text === reason.text,
          levels: [...known.levels, level],
        });
    }
  }
  const ofLevels = [...byKey.values()]
    .toSorted((a, b) => a.rank - b.rank)
    .map(({ text, rank, isSame, levels }) => ({
      rank,
      caveat: warning(`${describeLevels(axis, levels, isSame, record.levels.length)}: ${text}`),
    }));
  return [
    ...ofLevels.filter(({ rank }) => rank === 0).map(({ caveat }) => caveat),
    ...general(record.state, record.target.isDemoModel, record.warnings),
    ...(record.assignments ?? []).map(assignmentNote),
    ...repeatNote(record.levels),
    ...ofLevels.filter(({ rank }) => rank > 0).map(({ caveat }) => caveat),
  ];
}

/** What the intervals are of, where they are for a repeat. */
function repeatNote(levels: readonly LevelRecord[]): Caveat[] {
  const drift = levels.find(({ repeat }) => repeat !== undefined)?.repeat?.drift;
  if (drift === undefined) return [];
  const size = `${Number((drift.ratio * 100).toPrecision(2))}%`;
  const source = drift.isMeasured
    ? 'as perf-ts calibrate measured it'
    : 'assumed until perf-ts calibrate has measured it';
  return [
    {
      kind: 'note',
      text: `Intervals say where the mean of repeats lies, not only how well this run is known: they allow for ${size} of drift of this host's speed, ${source}.`,
    },
  ];
}

/** Who ran the model, and what a node or a copy elsewhere costs; building an engine is no part of the figures. */
function assignmentNote({ model, device, nodes, copyCount, buildNs }: NodeAssignmentRecord): Caveat {
  const total = Object.values(nodes).reduce((sum, count) => sum + count, 0);
  const shares = Object.entries(nodes).map(([provider, count]) => `${provider} ${formatCount(count)}`);
  const copies = copyCount === 0 ? 'no copies' : `${formatCount(copyCount)} copies`;
  const built = `its first session took ${formatCount(Math.round(buildNs / 1e6))} ms to make`;
  const text = `Nodes of ${model} on ${device}: ${shares.join(', ')} of ${formatCount(total)}, ${copies} between devices; ${built}.`;
  return { kind: 'note', text };
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
function levelReasons(level: LevelRecord): Reason[] {
  const { verdict, warnings } = level;
  const reasons = warnings.map(({ code, message }): Reason => ({ key: code, text: message, rank: verdictRanks.VALID }));
  const wrong = reasons.findIndex(({ key }) => key === WRONG_ANSWERS);
  const apart = wrong < 0 ? [] : reasons.splice(wrong, 1).map((reason) => ({ ...reason, rank: 0 }));
  withCauses(level, reasons);
  if (verdict !== 'VALID' && !(verdict === 'INVALID' && apart.length > 0 && reasons.length === 0)) {
    const first = reasons.shift() ?? { key: verdict, text: verdictReasons[verdict] };
    const text = `${verdict}, ${first.text.charAt(0).toLowerCase()}${first.text.slice(1)}`;
    reasons.unshift({ key: `${verdict} ${first.key}`, text, rank: verdictRanks[verdict] });
  }
  const named = verdict === 'INVALID' && reasons.length === 0 ? 'INVALID, ' : '';
  return [...apart.map(({ text, ...rest }) => ({ ...rest, text: `${named}${text}` })), ...reasons];
}

/** What the level says of its failures and their causes are one thing to know. */
function withCauses({ errors, errorCount }: LevelRecord, reasons: Reason[]): void {
  const causes = Object.entries(errors).sort(([, a], [, b]) => b - a);
  if (causes.length === 0) return;
  const list = causes.map(([cause, count]) => `${formatCount(count)} × ${cause}`).join('; ');
  const names = causes.map(([cause]) => cause).toSorted();
  const told = reasons.findIndex(({ key }) => failureCodes.includes(key));
  if (told < 0) {
    const text = `${formatCount(errorCount)} failed requests (${list}).`;
    reasons.push({ key: `FAILED ${names.join('; ')}`, text, rank: verdictRanks.VALID });
    return;
  }
  const { key, text, rank } = reasons[told]!;
  reasons[told] = { key: `${key} ${names.join('; ')}`, text: `${withStop(text)} Causes: ${list}.`, rank };
}

/** A longer list of loads says less than their number. */
const MOST_NAMED = 6;

/** `isSame` tells that the words hold for all of the levels, and not only in kind. */
function describeLevels(axis: LoadAxis, levels: readonly LevelRecord[], isSame: boolean, total: number): string {
  const labels = [...new Set(levels.map((level) => loadLabel(axis, level.load)))];
  const noun = `${axis.noun.charAt(0).toUpperCase()}${axis.noun.slice(1)}`;
  if (isSame && levels.length === total && total > 1) return 'All levels';
  const separator = axis.curves.length > 1 || axis.kind === 'shapes' ? '; ' : ', ';
  const [first, ...others] = labels;
  if (others.length === 0) return `${noun} ${first}`;
  const left = others.length - MOST_NAMED;
  const rest = left > 1 ? [...others.slice(0, MOST_NAMED), `${left} more`] : others;
  return isSame
    ? `${noun} ${listOf([first!, ...rest], separator)}`
    : `${noun} ${first} (similarly ${listOf(rest, separator)})`;
}

/** `2, 4 and 8` */
const listOf = (texts: readonly string[], separator: string): string =>
  texts.length < 2 ? texts.join('') : `${texts.slice(0, -1).join(separator)} and ${texts.at(-1)}`;

/** Said here only where the sweep did not say it itself. */
function lowerBounds({ trials, warnings }: StudyRecord): Caveat[] {
  if (warnings.some(({ code }) => code.startsWith('CLIENT_LIMITED'))) return [];
  const limited = trials.filter((trial) => trial.level?.isClientLimited === true).map((trial) => trial.id);
  if (limited.length === 0) return [];
  return [warning(`The load generator was the limit in ${limited.join(', ')}: those scores are lower bounds.`)];
}
