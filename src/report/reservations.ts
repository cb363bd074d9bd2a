/** What has to be said beside a level's figures, in a few words: why they would not come again, or are only a bound. */
import { formatPercent } from '../common/format.js';
import { errorRatioOf } from '../record/level-judgement.js';
import type { LevelRecord } from '../record/run-record.js';

/** What made a level unsteady, in the order of weight. */
const unsteadyWords: readonly (readonly [code: string, words: string])[] = [
  ['INTERRUPTED', 'interrupted'],
  ['OVERLOADED', 'offered more than was served'],
  ['STOOD_STILL', 'perf-ts itself stood still'],
  ['HOST_BUSY', 'beside a busy host'],
  ['WARM_UP_NOT_OVER', 'still warming up'],
  ['DRIFT', 'drifting'],
];

/** Empty for a steady level without failures that the generator did not limit. */
export function reservationsOf(level: LevelRecord): string[] {
  const ratio = errorRatioOf(level) ?? 0;
  return [
    ...(level.isSteady ? [] : [describeUnsteady(level)]),
    ...(level.isClientLimited
      ? [
          level.isSteady
            ? 'a lower bound: the load generator was the limit'
            : 'the load generator was the limit as well',
        ]
      : []),
    ...(ratio > 0 ? [`${formatPercent(ratio)} of the requests failed`] : []),
  ];
}

function describeUnsteady({ throughputPerSec: { value, low, high }, warnings, windowed }: LevelRecord): string {
  const codes = warnings.map(({ code }) => code);
  const reasons = unsteadyWords.filter(([code]) => codes.includes(code)).map(([, words]) => words);
  const width =
    low !== null && high !== null && value > 0
      ? `±${formatPercent((high - low) / 2 / value)}`
      : windowed === undefined
        ? 'too few requests for an interval'
        : 'its windows disagree';
  return `unsteady: ${[width, ...reasons].join(', ')}`;
}
