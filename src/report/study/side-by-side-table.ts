/** The default and what is recommended side by side in everything that was measured of both. */
import { formatCount, NO_VALUE } from '../../common/format.js';
import type { StudyRecord, TrialRecord } from '../../record/study-record.js';
import { metricFormat } from '../metric-format.js';
import { readMetric } from '../metric-value.js';
import { numbers, type SideTable, words } from '../tables/side-table.js';

const metrics = [
  'throughput',
  'latency_p50',
  'latency_p90',
  'latency_p99',
  'queue_time',
  'compute_time',
  'memory_rss',
  'gpu_memory',
  'energy_per_inference',
  'load_time',
] as const;

/** Undefined without a recommendation, or where either side has no complete trial. */
export function sideBySideTable(record: StudyRecord): SideTable | undefined {
  const { portable, engine } = record.recommended;
  const ids = [...new Set([portable, engine].flatMap((found) => (found === null ? [] : [found.id])))];
  const sides = ['default', ...ids].map((id) => ({ id, trials: decisiveTrials(record, id) }));
  if (sides.length < 2 || sides.some(({ trials }) => trials.length === 0)) return undefined;
  const rows = metrics
    .map((metric) => ({ metric, values: sides.map(({ trials }) => median(trials, metric)) }))
    .filter(({ values }) => values.some((value) => value !== null));
  const hasConfirmed = sides.some(({ trials }) => trials[0]?.phase === 'confirmation');
  return {
    id: 'side-by-side',
    title: 'Side by side',
    note: `Medians of the ${hasConfirmed ? 'confirmation runs' : 'trials'}, each variant at its own load; the ratio is to the default.`,
    columns: [
      words('Metric', ['concurrency', ...rows.map(({ metric }) => metricFormat(metric).title)]),
      ...sides.flatMap(({ id, trials }, side) => [
        numbers(id, [
          concurrencyOf(trials),
          ...rows.map(({ metric, values }) => metricFormat(metric).format(values[side])),
        ]),
        ...(side === 0 ? [] : [numbers('ratio', ['', ...rows.map(({ values }) => ratio(values[side], values[0]))])]),
      ]),
    ],
    isDetail: false,
  };
}

/** A variant's median of its decisive trials; null where it was not measured. */
export const medianOf = (record: StudyRecord, id: string, metric: string): number | null =>
  median(decisiveTrials(record, id), metric);

/** The trials that speak for a variant: confirmation before search; infeasible ones count where nothing else does. */
export function decisiveTrials({ trials }: StudyRecord, id: string): TrialRecord[] {
  const measured = trials.filter((trial) => trial.variantId === id && trial.level !== null);
  const complete = measured.filter(({ state }) => state === 'complete');
  const confirmed = complete.filter(({ phase }) => phase === 'confirmation');
  return confirmed.length > 0 ? confirmed : complete.length > 0 ? complete : measured;
}

function median(trials: readonly TrialRecord[], metric: string): number | null {
  return medianOfValues(trials.flatMap((trial) => readMetric(trial, metric).value ?? []));
}

export function medianOfValues(unordered: readonly number[]): number | null {
  const values = unordered.toSorted((a, b) => a - b);
  if (values.length === 0) return null;
  const middle = Math.floor(values.length / 2);
  return values.length % 2 === 1 ? values[middle]! : (values[middle - 1]! + values[middle]!) / 2;
}

function concurrencyOf(trials: readonly TrialRecord[]): string {
  const load = trials.at(-1)?.level?.load;
  return load?.kind === 'closed' ? formatCount(load.concurrency) : NO_VALUE;
}

export const ratio = (value: number | null | undefined, base: number | null | undefined): string =>
  !value || !base ? NO_VALUE : `${(value / base).toFixed(2)}x`;
