/** The paired runs that a recommendation rests on, a row a round. */
import { formatGain, NO_VALUE } from '../../common/format.js';
import type { StudyRecord, TrialRecord } from '../../record/study-record.js';
import { metricFormat } from '../metric-format.js';
import { numbers, type SideColumn, type SideTable, words } from '../tables/side-table.js';
import { type ConfirmationRound, confirmationRounds, type Finalist, findFinalists, isLowerBound } from './rounds.js';

/** Undefined where nothing was confirmed. */
export function confirmationTable(record: StudyRecord): SideTable | undefined {
  const rounds = confirmationRounds(record);
  const finalists = findFinalists(record, rounds);
  if (rounds.length === 0 || finalists.length === 0) return undefined;
  const scores = rounds.flatMap(({ trials }) => [...trials.values()].map(({ score }) => score));
  const column = metricFormat(record.objective.metric).column(scores);
  const scoresOf = (variantId: string): SideColumn =>
    numbers(
      variantId,
      [
        ...rounds.map(({ trials }) => markBound(trials.get(variantId), column.format(trials.get(variantId)?.score))),
        '',
      ],
      variantId === 'default' ? column.unit : '',
    );
  return {
    id: 'confirmation',
    title: 'Confirmation runs',
    note: 'In each round every variant ran once, close together and on the same requests; a gain compares within its round. The last row is the mean gain. Of finalists that are as good, the one with fewer changes is chosen, then the one with the lower p99.',
    columns: [
      words('Round', [...rounds.map(({ number }) => String(number)), 'all']),
      scoresOf('default'),
      ...finalists.flatMap((finalist) => [
        scoresOf(finalist.variantId),
        numbers('gain', [
          ...finalist.gains.map((gain) => (gain === null ? NO_VALUE : `${gain.toFixed(2)}x`)),
          finalist.gain?.value == null ? NO_VALUE : `${finalist.gain.value.toFixed(2)}x`,
        ]),
      ]),
    ],
    remarks: [...finalists.map(remarkOn), ...boundRemark(rounds)],
    isDetail: false,
  };
}

function remarkOn({ variantId, gain, isRecommended, objection }: Finalist): string {
  const measured = gain === null ? 'no gain could be told' : formatGain(gain);
  const verdict = isRecommended
    ? 'recommended'
    : objection === null
      ? 'not the one chosen'
      : `not recommended, ${objection}`;
  return `${variantId}: ${measured}, ${verdict}.`;
}

const isBound = (trial: TrialRecord | undefined): boolean => trial !== undefined && isLowerBound(trial);

const markBound = (trial: TrialRecord | undefined, score: string): string =>
  isBound(trial) && trial?.score != null ? `≥ ${score}` : score;

function boundRemark(rounds: readonly ConfirmationRound[]): string[] {
  const isAny = rounds.some(({ trials }) => [...trials.values()].some(isBound));
  return isAny
    ? ['Where ≥ stands, the load generator was the limit: the score is a lower bound, and its round does not count.']
    : [];
}
