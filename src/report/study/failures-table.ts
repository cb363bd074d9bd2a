/** Trials that gave no score, grouped by what stood behind it, with the settings that each group shares. */
import { formatCount, NO_VALUE } from '../../common/format.js';
import type { StudyRecord, TrialCause, TrialRecord, TrialState } from '../../record/study-record.js';
import { commonSettings } from '../ranking.js';
import { numbers, type SideTable, words } from '../tables/side-table.js';

/** Further groups are counted in the note; the trials themselves are all in their own table. */
const MOST_GROUPS = 20;

const causeWords: Readonly<Record<TrialCause, string>> = {
  load_refused: 'load refused',
  out_of_memory: 'out of memory',
  crash: 'server crashed',
  requests_failed: 'requests failed',
  accuracy: 'accuracy limit missed',
  constraint: 'limit missed',
  timeout: 'out of time',
  early_abort: 'could not win any more',
  unknown: 'unknown',
};

/** Of records that keep no cause. */
const stateWords: Readonly<Record<Exclude<TrialState, 'complete'>, string>> = {
  failed: 'failed',
  infeasible: 'limit missed',
  pruned: 'cut off',
};

/** Why a trial has no score, in a few words; empty for a complete one. */
export const describeCause = ({ state, cause }: Pick<TrialRecord, 'state' | 'cause'>): string =>
  state === 'complete' ? '' : cause === undefined ? stateWords[state] : causeWords[cause];

/** Messages that differ in their figures and names of trials alone are one. */
const kindOfMessage = (reason: string | null): string => (reason ?? '').replace(/\d[\d.,]*/g, '0');

/** Undefined where every trial is complete. The largest groups come first. */
export function failuresTable(record: StudyRecord): SideTable | undefined {
  const groups = new Map<string, TrialRecord[]>();
  for (const trial of record.trials) {
    if (trial.state === 'complete') continue;
    const key = `${describeCause(trial)}\n${kindOfMessage(trial.reason)}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [trial]);
    else group.push(trial);
  }
  if (groups.size === 0) return undefined;
  const all = [...groups.values()].sort((a, b) => b.length - a.length);
  const shown = all.slice(0, MOST_GROUPS);
  const left = all.length - shown.length;
  const variantsOf = (trials: readonly TrialRecord[]): Set<string> => new Set(trials.map(({ variantId }) => variantId));
  return {
    id: 'failures',
    title: 'Trials without a score',
    note: `By cause, the most frequent first; such a variant is never recommended.${left > 0 ? ` ${formatCount(left)} rarer causes are in the table of trials.` : ''}`,
    columns: [
      words(
        'Cause',
        shown.map(([first]) => describeCause(first!)),
      ),
      numbers(
        'Trials',
        shown.map((trials) => formatCount(trials.length)),
      ),
      numbers(
        'Variants',
        shown.map((trials) => formatCount(variantsOf(trials).size)),
      ),
      words(
        'Settings in common',
        shown.map((trials) => commonSettings(record, trials)),
      ),
      words(
        'Reason',
        shown.map((trials) => reasonOf(trials)),
      ),
    ],
    isDetail: false,
  };
}

function reasonOf(trials: readonly TrialRecord[]): string {
  const [first] = trials;
  const isSame = trials.every(({ reason }) => reason === first?.reason);
  return `${first?.reason ?? NO_VALUE}${isSame ? '' : ' (and alike)'}`;
}
