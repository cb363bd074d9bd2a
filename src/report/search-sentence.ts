/** The answer of a binary search in one line. */
import { formatDuration, formatNumber } from '../common/format.js';
import type { SearchRecord } from '../record/search-record.js';
import { metricWords } from './tables/peak-table.js';

/** One for each batch size and shape that was searched. */
export const searchSentences = (searches: readonly SearchRecord[]): string =>
  searches.map((search) => `${prefixOf(search, searches.length)}${searchSentence(search)}`).join(' ');

const prefixOf = ({ batchSize, shapes }: SearchRecord, count: number): string =>
  count < 2 ? '' : `Batch ${batchSize}${shapes === undefined ? '' : `, ${shapes}`}: `;

/** One sentence, or two where what is left open needs one. */
export function searchSentence(search: SearchRecord): string {
  const { load, highestHeld, lowestFailed, start, end, step, latencyLimitNs, unsteady } = search;
  const noun = load === 'concurrency' ? 'concurrency' : 'request rate';
  const unit = load === 'concurrency' ? '' : '/s';
  const amount = (value: number): string => `${formatNumber(value, Number.isInteger(value) ? 0 : 3)}${unit}`;
  const limit =
    latencyLimitNs === null ? 'any latency' : `${metricWords(search.metric)} at most ${formatDuration(latencyLimitNs)}`;
  const held = highestHeld === null ? 'none held' : `${amount(highestHeld)} is the highest that held`;
  const failed = lowestFailed === null ? '' : `, ${amount(lowestFailed)} the lowest that did not`;
  switch (search.result) {
    case 'found':
      return `The highest ${noun} that holds ${limit} is ${amount(highestHeld ?? start)}; ${amount(lowestFailed ?? end)} did not hold (searched to within ${amount(step)}).`;
    case 'all-hold':
      return start >= end
        ? `The only ${noun} of the range, ${amount(start)}, holds ${limit}; a higher end may show more.`
        : `Both ends of the range hold ${limit}, ${noun} ${amount(start)} and ${amount(end)}; a higher end may show more.`;
    case 'none-holds':
      return `Not even the start of the range, ${noun} ${amount(start)}, holds ${limit}.`;
    case 'undecided':
      return `Undecided which ${noun} holds ${limit}: at ${unsteady.map(amount).join(', ')} the latency was not steady; ${held}${failed}.`;
    case 'interrupted':
      return `The search for the highest ${noun} that holds ${limit} was cut short; ${held}${failed}.`;
  }
}
