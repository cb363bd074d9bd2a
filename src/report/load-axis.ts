/**
 * What varies over the levels of a run: the quantity for a chart's axis and a table's first column, and the curves that
 * the levels fall into when more than one thing varies.
 */
import { formatCount } from '../common/format.js';
import { compareLoads, formatAmount, loadAmount } from '../record/load-name.js';
import type { LevelRecord, RecordedLoad } from '../record/run-record.js';

export interface LoadAxis {
  readonly kind: 'concurrency' | 'rate' | 'batch' | 'shapes';
  /** `Concurrency`, `Request rate (requests/s)`. */
  readonly title: string;
  /** `concurrency`, `request rate`: within a sentence. */
  readonly noun: string;
  /** The position; shapes have none of their own, so theirs is their place in the list. */
  readonly value: (load: RecordedLoad) => number;
  /** What stands beside a point or in front of a row. */
  readonly label: (load: RecordedLoad) => string;
  /** The curve a level belongs to, such as `batch size 8`; empty where there is one curve only. */
  readonly curve: (load: RecordedLoad) => string;
  /** Curves in order; one empty name where there is one only. */
  readonly curves: readonly string[];
}

const distinct = <T>(levels: readonly LevelRecord[], read: (load: RecordedLoad) => T): T[] => [
  ...new Set(levels.map(({ load }) => read(load))),
];

const words = {
  concurrency: { title: 'Concurrency', noun: 'concurrency' },
  rate: { title: 'Request rate (requests/s)', noun: 'request rate' },
  batch: { title: 'Batch size', noun: 'batch size' },
  shapes: { title: 'Shapes', noun: 'shape' },
} as const;

/** The first of amount, batch size and shapes that varies is the axis, what else varies makes the curves. */
export function loadAxis(levels: readonly LevelRecord[]): LoadAxis {
  const isOpen = levels.length > 0 && levels.every(({ load }) => load.kind === 'open');
  const shapes = distinct(levels, (load) => load.shapes ?? '').sort((a, b) =>
    a.localeCompare(b, 'en', { numeric: true }),
  );
  const hasBatches = distinct(levels, (load) => load.batchSize).length > 1;
  const hasAmounts = distinct(levels, loadAmount).length > 1;
  const kind = hasAmounts
    ? amountKind(isOpen)
    : hasBatches
      ? 'batch'
      : shapes.length > 1
        ? 'shapes'
        : amountKind(isOpen);
  const curve = (load: RecordedLoad): string => {
    const parts = [
      hasBatches && kind !== 'batch' ? `batch size ${load.batchSize}` : '',
      shapes.length > 1 && kind !== 'shapes' ? (load.shapes ?? '') : '',
    ];
    return parts.filter(Boolean).join(', ');
  };
  const curves = [...new Set(sortByLoad(levels).map(({ load }) => curve(load)))];
  return {
    kind,
    ...words[kind],
    value: (load) =>
      kind === 'batch' ? load.batchSize : kind === 'shapes' ? shapes.indexOf(load.shapes ?? '') : loadAmount(load),
    label: (load) =>
      kind === 'batch' ? formatCount(load.batchSize) : kind === 'shapes' ? (load.shapes ?? '') : formatAmount(load),
    curve,
    curves: curves.length === 0 ? [''] : curves,
  };
}

const amountKind = (isOpen: boolean): 'rate' | 'concurrency' => (isOpen ? 'rate' : 'concurrency');

/** Levels in the order that tables and charts show them. */
export const sortByLoad = (levels: readonly LevelRecord[]): LevelRecord[] =>
  levels.toSorted((a, b) => compareLoads(a.load, b.load));

/** A level's whole load in as few words as tell it apart from the others of its run. */
export function loadLabel(axis: LoadAxis, load: RecordedLoad): string {
  const curve = axis.curve(load);
  return curve === '' ? axis.label(load) : `${axis.label(load)}, ${curve}`;
}
