/** Everything a report of a run says, as finished text, built from the record alone; renderers only arrange it. */
import { formatCount, formatDuration, formatPercent, numberColumn } from '../common/format.js';
import { findBest, isThin, isUsable } from '../record/best-level.js';
import { describeLoad } from '../record/load-name.js';
import type { LevelRecord, PeakRecord, RunRecord } from '../record/run-record.js';
import { type Caveat, runCaveats } from './caveats.js';
import { describeCommand, describeHost, describeTime } from './describe.js';
import { type LevelColumn, latencyFormat, levelColumns, throughputFormat } from './level-table.js';
import { sortByLoad } from './load-axis.js';
import { reservationsOf } from './reservations.js';
import { countLevels, peakWord, runAdvice, runHeadline } from './run-headline.js';
import { runNotes } from './run-notes.js';
import { searchSentences } from './search-sentence.js';
import { metricWords, peakSentence } from './tables/peak-table.js';
import { runTables } from './tables/run-tables.js';
import type { SideTable } from './tables/side-table.js';

/** A figure that stands alone above the charts. */
export interface Tile {
  readonly label: string;
  readonly value: string;
  readonly unit: string;
  readonly note: string;
}

/** A line of a two-column list. */
export interface Fact {
  readonly name: string;
  readonly value: string;
}

export interface RunView {
  readonly model: string;
  /** What was measured, in one line. */
  readonly subject: string;
  readonly headline: string;
  /** A second sentence; may be empty. */
  readonly advice: string;
  readonly tiles: readonly Tile[];
  readonly caveats: readonly Caveat[];
  /** The levels in the order of the table's rows. */
  readonly levels: readonly LevelRecord[];
  readonly columns: readonly LevelColumn[];
  /** Beside the table of levels. */
  readonly tables: readonly SideTable[];
  /** The best level's account of time and what was watched then, a line each; for readers without the tables. */
  readonly notes: readonly string[];
  readonly environment: readonly Fact[];
  readonly method: readonly Fact[];
  readonly command: string;
}

export function buildRunView(record: RunRecord): RunView {
  // A search for the knee measures in another order.
  const levels = sortByLoad(record.levels);
  return {
    model: record.model,
    subject: describeSubject(record),
    ...answerOf(record, levels),
    tables: runTables(record),
    notes: runNotes(record),
    tiles: buildTiles(record),
    caveats: runCaveats({ ...record, levels }),
    levels,
    columns: levelColumns(levels),
    environment: describeEnvironment(record),
    method: describeMethod(record),
    command: describeCommand(record.tool.command),
  };
}

/** A search answers before the levels that it measured on its way. */
function answerOf(record: RunRecord, levels: readonly LevelRecord[]): Pick<RunView, 'headline' | 'advice'> {
  const { peak, searches } = record;
  if (peak !== undefined) return { headline: peakSentence(peak), advice: countLevels(levels) };
  if (searches !== undefined) return { headline: searchSentences(searches), advice: runHeadline(record) };
  return { headline: runHeadline(record), advice: runAdvice(record) };
}

const protocolNames = { grpc: 'gRPC', http: 'HTTP' } as const;

function describeSubject({ target }: RunRecord): string {
  const server = target.server === null ? 'server' : `${target.server.name} ${target.server.version}`.trim();
  const name = target.kind === 'embedded' ? `bundled engine (${server})` : server;
  return `${name}, ${protocolNames[target.protocol]} at ${target.endpoint}`;
}

function buildTiles(record: RunRecord): Tile[] {
  const { levels, peak: search } = record;
  const peak = findBest(record);
  if (peak === undefined) return [];
  const rates = throughputFormat(levels);
  const times = latencyFormat(levels);
  const { throughputPerSec, latencyNs } = peak;
  const at = `at ${describeLoad(peak.load)}`;
  const fastest = levels
    .filter(isUsable)
    .sort((a, b) => Number(isThin(a)) - Number(isThin(b)) || a.latencyNs!.p50 - b.latencyNs!.p50)[0];
  const errors = levels.reduce((sum, level) => sum + level.errorCount + (level.mismatchCount ?? 0), 0);
  const requests = levels.reduce((sum, level) => sum + level.requestCount, 0);
  const isPeak = search === undefined && peakWord(peak, levels) === 'Peak ';
  const label = isPeak ? 'Peak throughput' : 'Throughput';
  const reserved = [at, ...reservationsOf(peak)].join('; ');
  return [
    { label, value: rates.format(throughputPerSec.value), unit: 'inferences/s', note: reserved },
    { label: 'p99 latency', value: times.format(latencyNs?.p99), unit: times.unit, note: at },
    ...(search === undefined ? [] : [peakTile(search)]),
    {
      label: 'Lowest p50 latency',
      value: times.format(fastest?.latencyNs?.p50),
      unit: times.unit,
      note: fastest === undefined ? '' : `at ${describeLoad(fastest.load)}`,
    },
    {
      label: 'Failed requests',
      value: formatCount(errors),
      unit: '',
      note: `of ${formatCount(requests + errors)} measured${errors > 0 ? ` (${formatPercent(errors / (requests + errors))})` : ''}`,
    },
  ];
}

/** The answer of a search; its limit stands below. */
function peakTile({ requestRatePerSec: rate, isConfirmed, metric, latencyLimitNs }: PeakRecord): Tile {
  const requestRatePerSec = isConfirmed ? rate : null;
  const format = numberColumn([requestRatePerSec?.value]);
  const limit =
    latencyLimitNs !== null ? `${metricWords(metric)} at most ${formatDuration(latencyLimitNs)}` : 'without a backlog';
  return {
    label: 'Highest rate that holds',
    value: format.format(requestRatePerSec?.value),
    unit: 'requests/s',
    note: limit,
  };
}

function describeEnvironment(record: RunRecord): Fact[] {
  return [
    {
      name: 'Model',
      value: record.modelVersion === '' ? record.model : `${record.model}, version ${record.modelVersion}`,
    },
    { name: 'Server', value: describeSubject(record) },
    ...describeHost(record.host),
    { name: 'perf-ts', value: record.tool.version },
    { name: 'Started', value: describeTime(record.startedAt) },
    { name: 'Finished', value: describeTime(record.finishedAt) },
    { name: 'Record', value: record.directory },
  ];
}

const loadMethods = {
  closed: 'Closed loop: each slot sends its next request when the one before is answered.',
  open: 'Open loop: requests are due by the schedule, whether or not earlier ones are answered; a late one keeps its due time.',
} as const;

function describeMethod({ levels }: RunRecord): Fact[] {
  const measuredNs = levels.reduce((sum, level) => sum + level.durationNs, 0);
  const warmupNs = levels.reduce((sum, level) => sum + level.warmupNs, 0);
  const requests = levels.reduce((sum, level) => sum + level.requestCount, 0);
  return [
    { name: 'Load', value: loadMethods[levels[0]?.load.kind ?? 'closed'] },
    {
      name: 'Latency',
      value: 'From the intended start of a request to its complete answer; failed requests are counted apart.',
    },
    { name: 'Warm-up', value: `Detected and cut from the start of each level: ${formatDuration(warmupNs)} in all.` },
    { name: 'Measured', value: `${formatCount(requests)} answered requests in ${formatDuration(measuredNs)}.` },
    {
      name: 'Intervals',
      value: levels.some(({ repeat }) => repeat !== undefined)
        ? '95% confidence, for the mean of repeats: how the visits to a level differ, and the drift of the host, widen what batch means of the raw samples show within the run.'
        : '95% confidence, from batch means of the raw samples of this run; shown where there are enough samples.',
    },
    {
      name: 'Verdicts',
      value:
        'VALID: steady, and the confidence target was met. CLIENT_LIMITED: steady, but the load generator was the limit, so the figures are lower bounds. UNSTABLE: the figures may not come again. INVALID: no usable measurement, or too many failed requests.',
    },
    {
      name: 'Server times',
      value:
        'Averages a request from the server’s own statistics; compute is input, inference and output together. They are scaled where they claim more than the latency left for them, and left out where they cannot be of these requests; a warning says so.',
    },
  ];
}
