/**
 * CSV for scripts under perf-ts's metric names, unscaled: one row a level of a run, one row a trial of a sweep. What
 * reads perf_analyzer's files finds their columns in perf-analyzer/level-csv.ts.
 */
import { withoutControls } from '../common/safe-text.js';
import { loadAmount } from '../record/load-name.js';
import type { LatencySummary, LevelRecord, RunRecord } from '../record/run-record.js';
import type { StudyRecord, TrialRecord } from '../record/study-record.js';
import { sortByLoad } from './load-axis.js';

type Value = string | number | boolean | null | undefined;

const statistics = ['mean', 'p50', 'p90', 'p95', 'p99', 'p99_9', 'max'] as const;

const levelCells: readonly (readonly [name: string, read: (level: LevelRecord) => Value])[] = [
  ['load', ({ load }) => (load.kind === 'closed' ? 'concurrency' : load.arrival)],
  ['amount', ({ load }) => loadAmount(load)],
  ['batch_size', ({ load }) => load.batchSize],
  ['shapes', ({ load }) => load.shapes],
  ['verdict', ({ verdict }) => verdict],
  ['throughput', ({ throughputPerSec }) => throughputPerSec.value],
  ['throughput_low', ({ throughputPerSec }) => throughputPerSec.low],
  ['throughput_high', ({ throughputPerSec }) => throughputPerSec.high],
  ['request_rate', ({ requestsPerSec }) => requestsPerSec],
  ...latencyCells('latency', ({ latencyNs }) => latencyNs),
  ...statistics.flatMap((name): [string, (level: LevelRecord) => Value][] => [
    [`latency_${name}_low_ns`, ({ latencyIntervalNs }) => latencyIntervalNs?.[name]?.[0]],
    [`latency_${name}_high_ns`, ({ latencyIntervalNs }) => latencyIntervalNs?.[name]?.[1]],
  ]),
  ...latencyCells('service', ({ serviceNs }) => serviceNs),
  ['send_lag_p99_ns', ({ sendLagNs }) => sendLagNs?.p99],
  ['request_count', ({ requestCount }) => requestCount],
  ['error_count', ({ errorCount }) => errorCount],
  ['dropped_count', ({ droppedCount }) => droppedCount],
  ['delayed_count', ({ delayedCount }) => delayedCount],
  ['mismatch_count', ({ mismatchCount }) => mismatchCount],
  ['duration_ns', ({ durationNs }) => durationNs],
  ['warmup_ns', ({ warmupNs }) => warmupNs],
  ['queue_time_ns', ({ server }) => server?.queueNs],
  ['compute_input_ns', ({ server }) => server?.computeInputNs],
  ['compute_infer_ns', ({ server }) => server?.computeInferNs],
  ['compute_output_ns', ({ server }) => server?.computeOutputNs],
  ['send_ns', ({ latencyParts }) => latencyParts?.sendNs],
  ['network_and_front_end_ns', ({ latencyParts }) => latencyParts?.networkAndFrontEndNs],
  ['receive_ns', ({ latencyParts }) => latencyParts?.receiveNs],
  ['client_cpu_ns_per_request', ({ clientCpuNsPerRequest }) => clientCpuNsPerRequest],
  ['generator_busy_ratio', ({ generator }) => generator?.busyRatio],
  ['server_cpu_count', ({ monitors }) => monitors?.serverCpuCount],
  ['memory_rss_bytes', ({ monitors }) => monitors?.serverMemoryBytes],
  ['energy_per_inference_joules', ({ monitors }) => monitors?.energyPerInferenceJoules],
  ['server_scaled_by', ({ server }) => server?.scaledBy],
];

function latencyCells(
  name: 'latency' | 'service',
  read: (level: LevelRecord) => LatencySummary | null,
): [string, (level: LevelRecord) => Value][] {
  return statistics.map((statistic) => [`${name}_${statistic}_ns`, (level) => read(level)?.[statistic]]);
}

/** One row a level, by load; empty cells stand for what was not measured. Several models have further rows with their name. */
export function renderMetricsCsv(record: RunRecord): string {
  const levels = sortByLoad(record.levels);
  const names = levelCells.map(([name]) => name);
  const rows = levels.flatMap((level) => [
    [record.model, ...levelCells.map(([, read]) => read(level))],
    ...level.models.map((share) => {
      // Figures of the whole level say nothing of one of its models.
      const own = new Map<string, Value>([
        ...levelCells.slice(0, 5).map(([name, read]): [string, Value] => [name, read(level)]),
        ['throughput', share.throughputPerSec.value],
        ['throughput_low', share.throughputPerSec.low],
        ['throughput_high', share.throughputPerSec.high],
        ...statistics.map((name): [string, Value] => [`latency_${name}_ns`, share.latencyNs?.[name]]),
        ['request_count', share.requestCount],
        ['error_count', share.errorCount],
      ]);
      return [share.model, ...names.map((name) => own.get(name))];
    }),
  ]);
  return toCsv([['model', ...names], ...rows]);
}

/** One row a trial, in the order they ran. Empty cells stand for what was not measured. */
export function renderStudyCsv(record: StudyRecord): string {
  const knobs = [...new Set(record.trials.flatMap((trial) => Object.keys(trial.parameters)))];
  const head = [
    'trial',
    'variant',
    'phase',
    'state',
    'score',
    ...metricCells.map(([name]) => name),
    ...knobs,
    'reason',
  ];
  const rows = record.trials.map((trial) => [
    trial.id,
    trial.variantId,
    trial.phase,
    trial.state,
    trial.score,
    ...metricCells.map(([, read]) => read(trial)),
    ...knobs.map((knob) => trial.parameters[knob]),
    trial.reason,
  ]);
  return toCsv([head, ...rows]);
}

const concurrencyOf = (level: LevelRecord | null): number | undefined =>
  level?.load.kind === 'closed' ? level.load.concurrency : undefined;

const metricCells: readonly (readonly [name: string, read: (trial: TrialRecord) => Value])[] = [
  ['concurrency', ({ level }) => concurrencyOf(level)],
  ['throughput_per_sec', ({ level }) => level?.throughputPerSec.value],
  ['throughput_low_per_sec', ({ level }) => level?.throughputPerSec.low],
  ['throughput_high_per_sec', ({ level }) => level?.throughputPerSec.high],
  ['latency_mean_ns', ({ level }) => level?.latencyNs?.mean],
  ['latency_p50_ns', ({ level }) => level?.latencyNs?.p50],
  ['latency_p99_ns', ({ level }) => level?.latencyNs?.p99],
  ['load_time_ns', ({ loadTimeNs }) => loadTimeNs],
  ['verdict', ({ level }) => level?.verdict],
];

/**
 * RFC 4180 quoting, with line feeds as perf_analyzer writes them. Text that a spreadsheet would run as a formula gets an
 * apostrophe before it, which spreadsheets take as "this is text".
 */
export function toCsv(rows: readonly (readonly Value[])[]): string {
  return rows.map((row) => `${row.map(toCell).join(',')}\n`).join('');
}

const asText = (value: string): string => {
  const shown = withoutControls(value);
  return /^\s*[=+\-@]/.test(shown) && !Number.isFinite(Number(shown)) ? `'${shown}` : shown;
};

function toCell(value: Value): string {
  const text = typeof value === 'string' ? asText(value) : String(value ?? '');
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
