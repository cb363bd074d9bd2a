/**
 * Numbers for people: durations, rates, sizes, shares and intervals as plain text. The only place where values are
 * scaled; machine output never comes through here. No colour, no column layout.
 */
import { largestOf, smallestOf } from './append-all.js';
import { NANOS_PER_MICRO, NANOS_PER_MILLI, NANOS_PER_SEC } from './units.js';

/** What stands where there is no number. */
export const NO_VALUE = '–';

export interface DurationUnit {
  readonly name: 'ns' | 'µs' | 'ms' | 's';
  readonly ns: number;
}

export const milliseconds: DurationUnit = { name: 'ms', ns: NANOS_PER_MILLI };
export const microseconds: DurationUnit = { name: 'µs', ns: NANOS_PER_MICRO };
const nanosecond: DurationUnit = { name: 'ns', ns: 1 };

const durationUnits: readonly DurationUnit[] = [{ name: 's', ns: NANOS_PER_SEC }, milliseconds, microseconds];

/** One way of writing for all values of a table column or chart axis. */
export interface ColumnFormat {
  /** Unit for the column's head; empty where the numbers carry none. */
  readonly unit: string;
  /** How many of the recorded unit make one of the shown unit: divide by it for an axis. */
  readonly scale: number;
  readonly decimals: number;
  /** The number without its unit; `NO_VALUE` for null and undefined. */
  format(value: number | null | undefined): string;
}

type Maybe = number | null | undefined;
const known = (values: readonly Maybe[]): number[] =>
  values.filter((value): value is number => typeof value === 'number' && Number.isFinite(value));

/** Digits grouped in threes, `decimals` after the point; negative zero is written as zero. */
export function formatNumber(value: number, decimals = 0): string {
  const text = value.toLocaleString('en-US', { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
  return /^-[0.,]+$/.test(text) ? text.slice(1) : text;
}

/** Decimals that leave the smallest of `values` three significant digits, within reason for the largest. */
function decimalsFor(values: readonly number[], most: number): number {
  const sizes = values.map(Math.abs).filter((size) => size > 0);
  if (sizes.length === 0) return 0;
  const wanted = 2 - Math.floor(Math.log10(smallestOf(sizes)));
  return Math.min(Math.max(wanted, 0), largestOf(sizes) >= 100 ? Math.min(most, 2) : most);
}

function columnFormat(values: readonly number[], unit: string, scale: number, most: number): ColumnFormat {
  const decimals = decimalsFor(
    values.map((value) => value / scale),
    most,
  );
  return {
    unit,
    scale,
    decimals,
    format: (value) =>
      value === null || value === undefined || !Number.isFinite(value)
        ? NO_VALUE
        : formatNumber(value / scale, decimals),
  };
}

/** The unit in which the largest of `valuesNs` is at least 1. */
export function durationUnitFor(valuesNs: readonly Maybe[]): DurationUnit {
  const largest = largestOf(known(valuesNs).map(Math.abs), 0);
  return durationUnits.find((unit) => largest >= unit.ns) ?? nanosecond;
}

/**
 * Format of a column of nanoseconds: the unit comes from the largest value unless it is given, the decimals from the
 * smallest.
 */
export function durationColumn(
  valuesNs: readonly Maybe[],
  unit = durationUnitFor(valuesNs),
  mostDecimals = unit.ns === 1 ? 0 : 3,
): ColumnFormat {
  return columnFormat(known(valuesNs), unit.name, unit.ns, mostDecimals);
}

/** Latencies of requests: in milliseconds whatever they are, so that the same table has the same unit each time. */
export const latencyColumn = (valuesNs: readonly Maybe[]): ColumnFormat => durationColumn(valuesNs, milliseconds, 4);

/** Format of a column of plain numbers, such as rates. */
export function numberColumn(values: readonly Maybe[], unit = ''): ColumnFormat {
  return columnFormat(known(values), unit, 1, 2);
}

/** A single duration with its unit: `4.92 ms`, `1.50 s`, `2 min 05 s`. */
export function formatDuration(valueNs: Maybe): string {
  if (valueNs === null || valueNs === undefined || !Number.isFinite(valueNs)) return NO_VALUE;
  if (Math.abs(valueNs) >= 100 * NANOS_PER_SEC) {
    const whole = Math.round(Math.abs(valueNs) / NANOS_PER_SEC);
    const sign = valueNs < 0 ? '-' : '';
    return `${sign}${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, '0')} s`;
  }
  const column = durationColumn([valueNs]);
  return `${column.format(valueNs)} ${column.unit}`;
}

/** Events a second, at most three significant digits below 100: `812`, `48.2`. */
export const formatRate = (perSec: Maybe): string => numberColumn([perSec]).format(perSec);

/** A whole number with its digits grouped. */
export const formatCount = (count: Maybe): string =>
  count === null || count === undefined ? NO_VALUE : formatNumber(count);

/** A share 0..1 in percent: `4.2 %`; a share that is not zero is never shown as zero. */
export function formatPercent(ratio: Maybe): string {
  if (ratio === null || ratio === undefined || !Number.isFinite(ratio)) return NO_VALUE;
  const percent = ratio * 100;
  if (percent !== 0 && Math.abs(percent) < 0.01) return `${percent < 0 ? '>-' : '<'}0.01 %`;
  return `${formatNumber(percent, Math.abs(percent) >= 10 || percent === 0 ? 0 : Math.abs(percent) < 1 ? 2 : 1)} %`;
}

const byteUnits = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

/** A size in powers of 1024: `512 B`, `1.50 GiB`. */
export function formatBytes(size: Maybe): string {
  if (size === null || size === undefined || !Number.isFinite(size)) return NO_VALUE;
  const steps = Math.abs(size) < 1 ? 0 : Math.floor(Math.log2(Math.abs(size)) / 10);
  const power = Math.min(steps, byteUnits.length - 1);
  const scaled = size / 1024 ** power;
  return `${power === 0 ? formatNumber(scaled) : formatNumber(scaled, decimalsFor([scaled], 2))} ${byteUnits[power]}`;
}

/** An estimate whose bounds may be missing. */
export interface Bounded {
  readonly value: number | null;
  readonly low: number | null;
  readonly high: number | null;
}

/** Beyond this share of difference between its halves an interval is shown by its bounds, not as ±. */
const LARGEST_SKEW = 0.25;

/** The interval alone in a column's format: `± 13` where both halves are alike, else `790 to 870`; empty where there is none. */
export function formatBounds({ value, low, high }: Bounded, column: ColumnFormat): string {
  if (value === null || low === null || high === null) return '';
  const below = value - low;
  const above = high - value;
  const half = Math.max(below, above);
  const isAlike = below >= 0 && above >= 0 && Math.abs(above - below) <= LARGEST_SKEW * half;
  return isAlike ? `± ${column.format(half)}` : `${column.format(low)} to ${column.format(high)}`;
}

/** An estimate with its interval: `812 ± 13` or `812 (790 to 870)`; the bare value where there is no interval. */
export function formatInterval(estimate: Bounded, column: ColumnFormat): string {
  const bounds = formatBounds(estimate, column);
  const text = column.format(estimate.value);
  if (bounds === '') return text;
  return bounds.startsWith('±') ? `${text} ${bounds}` : `${text} (${bounds})`;
}

/** A gain as a factor with its interval: `1.42x (1.37 to 1.47)`. */
export function formatGain(gain: Bounded): string {
  const twoDigits = (value: number | null): string => (value === null ? NO_VALUE : formatNumber(value, 2));
  const range = gain.low === null || gain.high === null ? '' : ` (${twoDigits(gain.low)} to ${twoDigits(gain.high)})`;
  return `${twoDigits(gain.value)}x${range}`;
}
