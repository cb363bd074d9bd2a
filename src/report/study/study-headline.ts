/** The answer of a study in one sentence, and how it was come by. */
import { formatCount, formatDuration } from '../../common/format.js';
import type { Recommendation, StudyRecord, TrialState } from '../../record/study-record.js';
import { isCombinedMetric, type MetricFormat, metricFormat } from '../metric-format.js';
import { usedNs } from './budget-table.js';

/** The study's answer; records of before conclusions were kept have it worked out from what they hold. */
export function studyHeadline(record: StudyRecord, metric = metricFormat(record.objective.metric)): string {
  if (record.conclusion !== undefined) return record.conclusion.sentence;
  const { portable, engine } = record.recommended;
  const best = portable ?? engine;
  if (best === null) return withoutWinner(record);
  const settings = best.changes.length === 1 ? '1 changed setting' : `${best.changes.length} changed settings`;
  const place = portable === null ? ', on the bundled engine only' : '';
  return `${capitalize(describeGain(best, record, metric))} with ${settings}${place}.`;
}

function withoutWinner({ state, trials, objective }: StudyRecord): string {
  if (trials.length === 0 || state === 'interrupted')
    return 'The sweep ended before any variant was proved better than the default.';
  const base = trials.find(({ variantId }) => variantId === 'default');
  if (base?.state === 'infeasible' && trials.every((trial) => trial.state !== 'complete'))
    return 'No variant kept the limits, the default included: there is nothing to recommend.';
  if (base?.state === 'failed' || (state === 'failed' && base?.state !== 'complete'))
    return 'The default could not be measured, so there is nothing to compare with.';
  const isAhead = (score: number | null): boolean =>
    score !== null && (objective.direction === 'maximize' ? score > (base?.score ?? 0) : score < (base?.score ?? 0));
  if (trials.every(({ phase }) => phase === 'search') && trials.some(({ score }) => isAhead(score)))
    return 'Nothing was proved better than the default: what led in the search was not confirmed.';
  return 'No better than the default: nothing that was tried proved better, so keep the config as it is.';
}

function describeGain({ gain }: Recommendation, { objective }: StudyRecord, metric: MetricFormat): string {
  const interval =
    gain.low === null || gain.high === null ? '' : ` (95 % interval ${gain.low.toFixed(2)} to ${gain.high.toFixed(2)})`;
  const factor = gain.value.toFixed(2);
  if (isCombinedMetric(objective.metric)) return `${factor}x better than the default in ${metric.title}${interval}`;
  return objective.direction === 'maximize'
    ? `${factor}x the default’s ${metric.title}${interval}`
    : `${metric.title} ${factor}x lower than the default’s${interval}`;
}

/** `12 trials of 8 variants in 51.8 s: 10 complete, 1 infeasible, 1 failed.` */
export function countTrials(record: StudyRecord): string {
  const { trials } = record;
  const states: readonly TrialState[] = ['complete', 'infeasible', 'failed', 'pruned'];
  const counts = states
    .map((state) => ({ state, count: trials.filter((trial) => trial.state === state).length }))
    .filter(({ count }) => count > 0)
    .map(({ state, count }) => `${count} ${state}`);
  const variants = new Set(trials.map((trial) => trial.variantId)).size;
  const tookNs = usedNs(record);
  const time = tookNs === null ? '' : ` in ${formatDuration(tookNs)}`;
  const total = `${plural(trials.length, 'trial')} of ${plural(variants, 'variant')}${time}`;
  return counts.length === 0 ? `${total}.` : `${total}: ${counts.join(', ')}.`;
}

const plural = (count: number, noun: string): string => `${formatCount(count)} ${noun}${count === 1 ? '' : 's'}`;

export const capitalize = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
