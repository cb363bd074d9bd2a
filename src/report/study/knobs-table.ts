/** Which knobs mattered, and at which value each served best, the other knobs averaged out. */
import { formatCount, formatGain, formatPercent, NO_VALUE } from '../../common/format.js';
import type { StudyRecord } from '../../record/study-record.js';
import { numbers, type SideTable, words } from '../tables/side-table.js';

type Effect = NonNullable<StudyRecord['mainEffects']>[number]['values'][number];

/** Undefined where the study was too small to tell. */
export function knobsTable({ importance = [], mainEffects = [] }: StudyRecord): SideTable | undefined {
  if (importance.length === 0) return undefined;
  const bests = importance.map(({ knob }) => bestEffect(mainEffects.find((effect) => effect.knob === knob)?.values));
  return {
    id: 'knobs',
    title: 'Which knobs mattered',
    note: 'The share of the score’s variance that a knob explains by itself, and its best value with the gain over the default’s, the other knobs averaged out; 95 % intervals. A guide to the space, no proof: only confirmation proves.',
    columns: [
      words(
        'Knob',
        importance.map(({ knob }) => knob),
      ),
      numbers(
        'Explains',
        importance.map(({ share, low, high }) => `${formatPercent(share)} (${percentRange(low, high)})`),
      ),
      words(
        'Best value',
        bests.map((best) => (best === undefined ? NO_VALUE : String(best.value))),
      ),
      numbers(
        'Gain there',
        bests.map((best) => (best === undefined ? NO_VALUE : formatGain({ ...best, value: best.gain }))),
      ),
    ],
    isDetail: false,
  };
}

const percentRange = (low: number, high: number): string => `${(low * 100).toFixed(0)} to ${(high * 100).toFixed(0)} %`;

/** Among values that were tried; a forest's guess about others is no best value. */
const bestEffect = (values: readonly Effect[] | undefined): Effect | undefined =>
  values
    ?.filter(({ count }) => count > 0)
    .reduce<Effect | undefined>(
      (best, effect) => (best === undefined || effect.gain > best.gain ? effect : best),
      undefined,
    );

/** Every value of every knob, for readers of the main-effect plots. */
export function mainEffectsTable({ mainEffects = [] }: StudyRecord): SideTable | undefined {
  const rows = mainEffects.flatMap(({ knob, values }) => values.map((effect) => ({ knob, ...effect })));
  if (rows.length === 0) return undefined;
  return {
    id: 'main-effects',
    title: 'Main effects',
    note: 'Gain over the default’s value, the other knobs averaged out, with its 95 % interval.',
    columns: [
      words(
        'Knob',
        rows.map(({ knob }) => knob),
      ),
      words(
        'Value',
        rows.map(({ value }) => String(value)),
      ),
      numbers(
        'Gain',
        rows.map((row) => formatGain({ ...row, value: row.gain })),
      ),
      numbers(
        'Trials',
        rows.map(({ count }) => formatCount(count)),
      ),
    ],
    isDetail: true,
  };
}
