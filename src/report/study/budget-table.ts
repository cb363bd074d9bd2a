/** What a study meant to do with its budget and what became of it. */
import { formatCount, formatDuration, formatPercent, NO_VALUE } from '../../common/format.js';
import type { StudyRecord, TrialRecord } from '../../record/study-record.js';
import { numbers, type SideTable, words } from '../tables/side-table.js';
import { confirmationRounds } from './rounds.js';

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

/** Time that counted against the budget; of records that do not keep it, from the first to the last instant. */
export function usedNs({ usedNs: kept, startedAt, finishedAt }: StudyRecord): number | null {
  if (kept !== undefined) return kept;
  const tookNs = (Date.parse(finishedAt) - Date.parse(startedAt)) * 1e6;
  return Number.isFinite(tookNs) && tookNs > 0 ? tookNs : null;
}

/** Planned beside used, with what was left out and what more time might have brought. */
export function budgetTable(record: StudyRecord): SideTable {
  const { plan } = record;
  const search = record.trials.filter(({ phase }) => phase === 'search');
  const confirmation = record.trials.filter(({ phase }) => phase === 'confirmation');
  const timeOf = (trials: readonly TrialRecord[]): string =>
    trials.length === 0 ? NO_VALUE : formatDuration(sum(trials.map((trial) => trial.durationNs)));
  const planned = (ns: number | undefined): string => (ns === undefined ? NO_VALUE : formatDuration(ns));
  const plannedRuns = plan === undefined ? undefined : plan.rounds * (plan.finalists + 1);
  return {
    id: 'budget',
    title: 'Budget',
    note: 'Trials include the starting and stopping of their server.',
    columns: [
      words('', ['search', 'confirmation', 'all']),
      numbers('Planned', [planned(plan?.searchNs), planned(plan?.confirmationNs), formatDuration(record.budgetNs)]),
      numbers('Used', [timeOf(search), timeOf(confirmation), formatDuration(usedNs(record))]),
      numbers('Trials planned', [
        plan === undefined ? NO_VALUE : `about ${formatCount(plan.expectedTrials)}`,
        plannedRuns === undefined ? NO_VALUE : formatCount(plannedRuns),
        plan === undefined || plannedRuns === undefined
          ? NO_VALUE
          : `about ${formatCount(plan.expectedTrials + plannedRuns)}`,
      ]),
      numbers('Trials run', [search.length, confirmation.length, record.trials.length].map(formatCount)),
    ],
    remarks: budgetRemarks(record),
    isDetail: true,
  };
}

/** What the budget covered and what it did not, a sentence each. */
export function budgetRemarks(record: StudyRecord): string[] {
  const { plan, remainingGain, resumed, trials } = record;
  const tried = new Set(trials.map(({ variantId }) => variantId).filter((id) => id !== 'default')).size;
  const size = plan?.variantCount;
  const resumes =
    resumed === undefined ? [] : [`The study was resumed ${resumed === 1 ? 'once' : `${resumed} times`}.`];
  return [
    ...(size === undefined || size === null
      ? []
      : [`${formatCount(tried)} of the ${formatCount(size)} variants of the space were tried.`]),
    ...confirmationRemark(record),
    ...(plan?.leftOut ?? []).map((text) => withStop(`Left out by the plan: ${text}`)),
    ...(remainingGain === undefined
      ? []
      : [
          `When the search stopped, its model still expected ${formatPercent(remainingGain)} from a further step; such estimates tend to be too large.`,
        ]),
    ...resumes,
  ];
}

function confirmationRemark(record: StudyRecord): string[] {
  const { plan } = record;
  const rounds = confirmationRounds(record).length;
  if (plan === undefined || rounds >= plan.rounds || plan.finalists === 0) return [];
  return [`${formatCount(rounds)} of the ${formatCount(plan.rounds)} planned rounds of confirmation were run.`];
}

const withStop = (text: string): string => (/[.!?)]$/.test(text) ? text : `${text}.`);
