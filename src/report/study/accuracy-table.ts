/** How far the answers of variants with another precision are from the unchanged model's. */
import { formatCount, formatPercent, NO_VALUE } from '../../common/format.js';
import type { StudyRecord, TrialAccuracy, TrialRecord } from '../../record/study-record.js';
import { commonSettings } from '../ranking.js';
import { numbers, type SideColumn, type SideTable, words } from '../tables/side-table.js';

/** A longer list is in the record. */
const MOST_ROWS = 40;

type Read = (accuracy: TrialAccuracy) => string | null;

const readers: readonly (readonly [title: string, read: Read])[] = [
  ['Cosine', ({ cosine }) => (cosine === null ? null : cosine.toFixed(6))],
  ['Largest difference', ({ maxAbs }) => (maxAbs === null ? null : maxAbs.toPrecision(3))],
  ['Top 1 agrees', ({ top1 }) => (top1 === null ? null : formatPercent(top1))],
  ['Top 5 agrees', ({ top5 }) => (top5 === null ? null : formatPercent(top5))],
  ['Character error rate', ({ cer }) => (cer === null ? null : formatPercent(cer))],
  ['Not finite', ({ nonFiniteCount }) => formatCount(nonFiniteCount)],
  ['Samples', ({ sampleCount }) => formatCount(sampleCount)],
];

type Compared = TrialRecord & { readonly accuracy: TrialAccuracy };

/** Undefined where no answers were compared. Variants whose answers are the same to the last digit share a row. */
export function accuracyTable(record: StudyRecord): SideTable | undefined {
  const groups = new Map<string, Map<string, Compared>>();
  for (const trial of record.trials) {
    if (trial.accuracy === undefined) continue;
    const key = JSON.stringify([trial.accuracy, trial.cause === 'accuracy']);
    const group = groups.get(key) ?? new Map<string, Compared>();
    group.set(trial.variantId, { ...trial, accuracy: trial.accuracy });
    groups.set(key, group);
  }
  if (groups.size === 0) return undefined;
  const all = [...groups.values()].map((group) => [...group.values()]);
  const shown = all.slice(0, MOST_ROWS);
  const left = all.length - shown.length;
  const columns = readers.flatMap(([title, read]): SideColumn[] => {
    const cells = shown.map(([first]) => read(first!.accuracy));
    if (cells.every((cell) => cell === null)) return [];
    return [
      numbers(
        title,
        cells.map((cell) => cell ?? NO_VALUE),
      ),
    ];
  });
  return {
    id: 'accuracy',
    title: 'Accuracy of precision changes',
    note: `Answers against the unchanged model’s on the CPU in FP32; the worst of all outputs.${left > 0 ? ` ${formatCount(left)} more are in the record.` : ''}`,
    columns: [
      words(
        'Variants',
        shown.map((trials) => (trials.length === 1 ? trials[0]!.variantId : `${formatCount(trials.length)} variants`)),
      ),
      words(
        'Settings in common',
        shown.map((trials) => commonSettings(record, trials)),
      ),
      ...columns,
      words(
        'Limit',
        shown.map(([first]) => (first!.cause === 'accuracy' ? 'missed' : 'kept')),
      ),
    ],
    isDetail: false,
  };
}
