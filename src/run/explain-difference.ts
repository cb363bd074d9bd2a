/** Where the time goes that one way of sending takes more than another, from what client and server can tell. */
import { formatDuration } from '../common/format.js';
import type { LatencyParts, LatencySummary, LevelRecord } from '../record/run-record.js';

/** What the rounds of one path come to. */
export interface PathFigures {
  readonly requestsPerSec: number;
  readonly latencyNs: LatencySummary | null;
  readonly clientCpuNsPerRequest: number | null;
  readonly latencyParts: LatencyParts | null;
  readonly errorCount: number;
}

const average = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

/** Means over the rounds; of percentiles too, which are then no percentiles of all requests, and fit for comparing only. */
export function meanOfRounds(levels: readonly LevelRecord[]): PathFigures {
  const latencies = levels.flatMap(({ latencyNs }) => latencyNs ?? []);
  const parts = levels.flatMap(({ latencyParts }) => latencyParts ?? []);
  const used = levels.flatMap(({ clientCpuNsPerRequest }) => clientCpuNsPerRequest ?? []);
  return {
    requestsPerSec: average(levels.map(({ requestsPerSec }) => requestsPerSec)),
    latencyNs: averageFields(latencies, levels.length),
    clientCpuNsPerRequest: used.length === levels.length ? Math.round(average(used)) : null,
    latencyParts: averageFields(parts, levels.length),
    errorCount: levels.reduce((sum, { errorCount }) => sum + errorCount, 0),
  };
}

/** Null where a round has none; so is a field that a round does not know. */
function averageFields<T extends object>(records: readonly T[], wanted: number): T | null {
  const [first] = records;
  if (first === undefined || records.length !== wanted) return null;
  const fields = Object.keys(first) as (keyof T)[];
  return Object.fromEntries(
    fields.map((field) => {
      const values = records.flatMap((record) => (record[field] === null ? [] : Number(record[field])));
      return [field, values.length === records.length ? Math.round(average(values)) : null];
    }),
  ) as T;
}

const partWords: readonly (readonly [keyof LatencyParts, string])[] = [
  ['sendNs', 'sending'],
  ['networkAndFrontEndNs', 'network and front end'],
  ['queueNs', 'the server’s queue'],
  ['receiveNs', 'receiving'],
];

/** Differences below this share of the latency are noise to a reader. */
const NOTABLE_SHARE = 0.03;

/** One or two sentences; says so where nothing tells. */
export function explainDifference(own: PathFigures, fastest: PathFigures): string {
  const sentences: string[] = [];
  const [ownCpu, leastCpu] = [own.clientCpuNsPerRequest, fastest.clientCpuNsPerRequest];
  if (ownCpu !== null && leastCpu !== null && ownCpu > leastCpu * (1 + NOTABLE_SHARE)) {
    sentences.push(
      `The client spends ${formatDuration(ownCpu)} of CPU a request instead of ${formatDuration(leastCpu)}.`,
    );
  }
  const parts = partDifferences(own, fastest);
  if (parts.length > 0) sentences.push(`A request takes ${parts.join(', ')} more.`);
  if (sentences.length > 0) return sentences.join(' ');
  const more = (own.latencyNs?.mean ?? 0) - (fastest.latencyNs?.mean ?? 0);
  return more > 0
    ? `A request takes ${formatDuration(more)} more, and nothing measured says where.`
    : 'No difference beyond noise.';
}

function partDifferences(own: PathFigures, fastest: PathFigures): string[] {
  const ours = own.latencyParts;
  const theirs = fastest.latencyParts;
  if (ours === null || theirs === null) return [];
  return partWords
    .map(([part, words]) => ({ words, more: (ours[part] ?? 0) - (theirs[part] ?? 0) }))
    .filter(({ more }) => more > NOTABLE_SHARE * theirs.totalNs)
    .sort((a, b) => b.more - a.more)
    .map(({ words, more }) => `${formatDuration(more)} in ${words}`);
}
