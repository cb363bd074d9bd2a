/** The one place that names a recorded load: in words for people, as a tag for files, and in order. */
import { formatNumber } from '../common/format.js';
import type { RecordedLoad } from './run-record.js';

/** What a level was driven by: requests in flight, or requests a second. */
export const loadAmount = (load: RecordedLoad): number =>
  load.kind === 'closed' ? load.concurrency : load.requestRatePerSec;

/** The amount as people write it: `4`, `500`, `12.50`; a rate that a search came to needs no fraction beyond 100. */
export function formatAmount(load: RecordedLoad): string {
  const amount = loadAmount(load);
  return formatNumber(amount, Number.isInteger(amount) || amount >= 100 ? 0 : 2);
}

const arrivalWords = {
  constant: '',
  poisson: ' poisson',
  intervals: ' custom intervals',
  profile: ' profile',
} as const;

/** `concurrency 4`, `500/s poisson`; batch size and shapes follow where they say something. */
export function describeLoad(load: RecordedLoad): string {
  const amount =
    load.kind === 'closed'
      ? `concurrency ${formatAmount(load)}`
      : `${formatAmount(load)}/s${arrivalWords[load.arrival]}`;
  const batch = load.batchSize === 1 ? '' : ` and batch size ${load.batchSize}`;
  return `${amount}${batch}${load.shapes === undefined ? '' : ` with ${load.shapes}`}`;
}

/** `concurrency-4`, `rate-500-batch-8`: for tags in logs; shapes are part of it where a run has several. */
export function loadTag(load: RecordedLoad): string {
  const amount = load.kind === 'closed' ? `concurrency-${load.concurrency}` : `rate-${load.requestRatePerSec}`;
  const batch = load.batchSize === 1 ? '' : `-batch-${load.batchSize}`;
  return `${amount}${batch}${load.shapes === undefined ? '' : `-${load.shapes.replaceAll(/[^\w.:-]+/g, 'x')}`}`;
}

/** By shapes, batch size and amount, so that levels of one curve stand together. */
export function compareLoads(a: RecordedLoad, b: RecordedLoad): number {
  const byShapes = (a.shapes ?? '').localeCompare(b.shapes ?? '', 'en', { numeric: true });
  return byShapes || a.batchSize - b.batchSize || loadAmount(a) - loadAmount(b);
}
