/** Every trial of a study in the order they ran, each cell as text and as what it sorts by. */
import {
  type ColumnFormat,
  durationColumn,
  formatBounds,
  formatBytes,
  formatCount,
  formatDuration,
  NO_VALUE,
} from '../../common/format.js';
import type { StudyRecord, TrialRecord } from '../../record/study-record.js';
import { metricFormat } from '../metric-format.js';
import { readMetric } from '../metric-value.js';
import { defaultTrial, describeChanges } from '../ranking.js';
import { describeCause } from './failures-table.js';
import { capitalize } from './study-headline.js';

export interface TrialCell {
  readonly text: string;
  /** Smaller print below; empty where there is none. */
  readonly bounds: string;
  /** The number that a click on the column's head orders by; empty for words and where there is none. */
  readonly sort: string;
}

export interface TrialColumn {
  readonly title: string;
  readonly unit: string;
  readonly isNumber: boolean;
  /** A class of the cells: `words` may break, others do not. */
  readonly kind: '' | 'name' | 'words';
}

export interface TrialRow {
  readonly state: TrialRecord['state'];
  readonly phase: TrialRecord['phase'];
  /** `recommended`, `default`, or empty. */
  readonly mark: string;
  readonly cells: readonly TrialCell[];
}

export interface TrialTable {
  readonly columns: readonly TrialColumn[];
  readonly rows: readonly TrialRow[];
}

interface Row {
  readonly trial: TrialRecord;
  readonly number: number;
}

interface Column extends TrialColumn {
  readonly cell: (row: Row) => TrialCell;
}

const text = (value: string): TrialCell => ({ text: value, bounds: '', sort: '' });
const figure = (shown: string, value: number | null | undefined, bounds = ''): TrialCell => ({
  text: shown,
  bounds,
  sort: value === null || value === undefined ? '' : String(value),
});

/** Columns that no trial has a value for are left out. */
export function trialTable(record: StudyRecord): TrialTable {
  const rows = record.trials.map((trial, index): Row => ({ trial, number: index + 1 }));
  const { portable, engine } = record.recommended;
  const built = columns(record)
    .map(({ cell, ...column }) => ({ column, cells: rows.map(cell) }))
    .filter(({ cells }) => cells.some(({ text: shown }) => shown !== '' && shown !== NO_VALUE));
  return {
    columns: built.map(({ column }) => column),
    rows: rows.map(({ trial }, index) => ({
      state: trial.state,
      phase: trial.phase,
      mark:
        trial.variantId === 'default'
          ? 'default'
          : trial.variantId === portable?.id || trial.variantId === engine?.id
            ? 'recommended'
            : '',
      cells: built.map(({ cells }) => cells[index]!),
    })),
  };
}

function columns(record: StudyRecord): Column[] {
  const metric = metricFormat(record.objective.metric);
  const scores = metric.column(record.trials.map((trial) => trial.score));
  const p99 = durationColumn(record.trials.map((trial) => trial.level?.latencyNs?.p99));
  const reference = defaultTrial(record);
  const number = (title: string, unit: string, cell: Column['cell']): Column => ({
    title,
    unit,
    isNumber: true,
    kind: '',
    cell,
  });
  const label = (title: string, kind: Column['kind'], cell: Column['cell']): Column => ({
    title,
    unit: '',
    isNumber: false,
    kind,
    cell,
  });
  return [
    number('#', '', ({ number: place }) => figure(String(place), place)),
    label('Variant', 'name', ({ trial }) => text(trial.variantId)),
    label('Phase', '', ({ trial }) => text(describePhase(trial))),
    label('State', '', ({ trial }) => text(trial.state)),
    number(capitalize(metric.title), scores.unit, ({ trial }) => scoreCell(record, trial, scores)),
    number('p99', p99.unit, ({ trial }) => {
      const ns = trial.level?.latencyNs?.p99;
      return figure(p99.format(ns), ns);
    }),
    number('Concurrency', '', ({ trial }) => {
      const load = trial.level?.load;
      return load?.kind === 'closed' ? figure(formatCount(load.concurrency), load.concurrency) : figure(NO_VALUE, null);
    }),
    label('Changed knobs', 'words', ({ trial }) =>
      text(trial.variantId === 'default' ? NO_VALUE : describeChanges(trial, reference) || NO_VALUE),
    ),
    label('Reason', 'words', ({ trial }) => text(reasonOf(trial))),
    number('Duration', '', ({ trial }) => figure(formatDuration(trial.durationNs), trial.durationNs)),
    number('Load time', '', ({ trial }) => figure(formatDuration(trial.loadTimeNs), trial.loadTimeNs)),
    number('Server memory', '', ({ trial }) => {
      const { value } = readMetric(trial, 'memory_rss');
      return figure(formatBytes(value), value);
    }),
  ];
}

/** The score; of a variant that missed a limit what it reached, in brackets, as it does not count. */
function scoreCell(record: StudyRecord, trial: TrialRecord, scores: ColumnFormat): TrialCell {
  const measured = readMetric(trial, record.objective.metric);
  if (trial.score === null) {
    const isTold = trial.state === 'infeasible' && measured.value !== null;
    return isTold ? figure(`(${scores.format(measured.value)})`, measured.value) : figure(NO_VALUE, null);
  }
  const isBound = trial.level?.isClientLimited === true;
  const bounds = formatBounds({ ...measured, value: trial.score }, scores);
  return figure(`${isBound ? '≥ ' : ''}${scores.format(trial.score)}`, trial.score, bounds);
}

const describePhase = ({ phase, round }: TrialRecord): string =>
  phase === 'search' || round === undefined ? phase : `${phase} ${round + 1}`;

/** A complete trial may have a remark too. */
const reasonOf = (trial: TrialRecord): string =>
  [describeCause(trial), trial.reason].filter(Boolean).join(': ') || NO_VALUE;
