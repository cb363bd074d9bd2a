/**
 * CSV for scripts. A run has perf_analyzer's columns, so what reads its files reads these: integer microseconds, rows
 * by rising throughput. A sweep has one row a trial under perf-ts's metric names, unscaled.
 */
import { NANOS_PER_MICRO } from '../common/units.js';
import type { LevelRecord, RunRecord } from '../record/run-record.js';
import type { StudyRecord, TrialRecord } from '../record/study-record.js';

type Value = string | number | boolean | null | undefined;

/**
 * One row a level. What perf_analyzer splits differently: `Client Send` is the mean wait from the intended start to the
 * send, `Client Recv` is 0 because receiving is part of the network's share. A level without an answered request has
 * empty times. The server columns are left out when no level has server statistics.
 */
export function renderRunCsv(record: RunRecord): string {
  const hasServer = record.levels.some((level) => level.server !== null);
  const serverColumns = [
    'Network+Server Send/Recv',
    'Server Queue',
    'Server Compute Input',
    'Server Compute Infer',
    'Server Compute Output',
  ];
  const head = [
    'Concurrency',
    'Inferences/Second',
    'Client Send',
    ...(hasServer ? serverColumns : []),
    'Client Recv',
    ...[50, 90, 95, 99].map((percentile) => `p${percentile} latency`),
  ];
  const levels = [...record.levels].sort((a, b) => a.throughputPerSec.value - b.throughputPerSec.value);
  return toCsv([head, ...levels.map((level) => runRow(level, hasServer))]);
}

function runRow(level: LevelRecord, hasServer: boolean): Value[] {
  const { latencyNs, serviceNs } = level;
  const sendNs = latencyNs === null || serviceNs === null ? null : Math.max(0, latencyNs.mean - serviceNs.mean);
  return [
    level.load.concurrency,
    // Six significant digits, as perf_analyzer writes them.
    Number(level.throughputPerSec.value.toPrecision(6)),
    micros(sendNs),
    ...(hasServer ? serverCells(level) : []),
    latencyNs === null ? null : 0,
    micros(latencyNs?.p50),
    micros(latencyNs?.p90),
    micros(latencyNs?.p95),
    micros(latencyNs?.p99),
  ];
}

function serverCells({ serviceNs, server }: LevelRecord): Value[] {
  if (server === null) return [null, null, null, null, null];
  const { queueNs, computeInputNs, computeInferNs, computeOutputNs } = server;
  const insideNs = queueNs + computeInputNs + computeInferNs + computeOutputNs;
  const outsideNs = serviceNs === null ? null : Math.max(0, serviceNs.mean - insideNs);
  return [outsideNs, queueNs, computeInputNs, computeInferNs, computeOutputNs].map(micros);
}

const micros = (valueNs: number | null | undefined): number | null =>
  valueNs === null || valueNs === undefined ? null : Math.round(valueNs / NANOS_PER_MICRO);

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

const metricCells: readonly (readonly [name: string, read: (trial: TrialRecord) => Value])[] = [
  ['concurrency', ({ level }) => level?.load.concurrency],
  ['throughput_per_sec', ({ level }) => level?.throughputPerSec.value],
  ['throughput_low_per_sec', ({ level }) => level?.throughputPerSec.low],
  ['throughput_high_per_sec', ({ level }) => level?.throughputPerSec.high],
  ['latency_mean_ns', ({ level }) => level?.latencyNs?.mean],
  ['latency_p50_ns', ({ level }) => level?.latencyNs?.p50],
  ['latency_p99_ns', ({ level }) => level?.latencyNs?.p99],
  ['load_time_ns', ({ loadTimeNs }) => loadTimeNs],
  ['verdict', ({ level }) => level?.verdict],
];

/** RFC 4180 quoting, with line feeds as perf_analyzer writes them. */
function toCsv(rows: readonly (readonly Value[])[]): string {
  return rows.map((row) => `${row.map(toCell).join(',')}\n`).join('');
}

function toCell(value: Value): string {
  const text = String(value ?? '');
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
