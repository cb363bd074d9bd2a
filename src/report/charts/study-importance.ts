/** Which knobs mattered: the share of the score's variance that each explains by itself, with its uncertainty. */
import { largestOf } from '../../common/append-all.js';
import { formatPercent } from '../../common/format.js';
import type { StudyRecord } from '../../record/study-record.js';
import { knobsTable } from '../study/knobs-table.js';
import {
  aboutChannels,
  CHART_WIDTH,
  chartBase,
  cssColor,
  type Figure,
  hoverTarget,
  type PositionChannel,
} from './chart.js';

/** Knobs beyond these explain next to nothing and are left to the table. */
const MOST_KNOBS = 14;

/** Undefined where the study was too small to tell. */
export function studyImportanceFigure(record: StudyRecord): Figure | undefined {
  const { importance = [] } = record;
  const table = knobsTable(record);
  if (importance.length === 0 || table === undefined) return undefined;
  const rows = importance.slice(0, MOST_KNOBS).map(({ knob, share, low, high }) => ({
    knob,
    share,
    low,
    high,
    zero: 0,
    about: `${knob}\nexplains ${formatPercent(share)} (95 % interval ${formatPercent(low)} to ${formatPercent(high)})`,
  }));
  const x: PositionChannel = {
    field: 'share',
    type: 'quantitative',
    scale: { domain: [0, Math.min(1, largestOf(rows.map(({ high, share }) => Math.max(high, share))) * 1.05)] },
    axis: { title: 'Share of the score’s variance', format: '.0%', grid: true, domain: false, tickCount: 5 },
  };
  const y: PositionChannel = {
    field: 'knob',
    type: 'ordinal',
    sort: rows.map(({ knob }) => knob),
    scale: { padding: 0.3 },
    axis: { title: null, labelLimit: 170, labelColor: cssColor('--ink') },
  };
  return {
    title: 'Which knobs mattered',
    note: 'What each knob explains by itself over the whole space; thin bars are 95 % intervals. What knobs do together is nobody’s, so the shares do not add up to 100 %.',
    legend: [],
    layout: 'half',
    charts: [
      {
        id: 'study-importance',
        label: '',
        spec: {
          ...chartBase({ width: CHART_WIDTH, height: 34 + rows.length * 26 }),
          data: { values: rows },
          layer: [
            {
              mark: { type: 'bar', color: cssColor('--accent'), opacity: 0.55, height: 14, aria: false },
              encoding: { y, x: { ...x, field: 'zero' }, x2: { field: 'share' } },
            },
            {
              mark: { type: 'rule', strokeWidth: 1.5, color: cssColor('--ink'), opacity: 0.75, aria: false },
              encoding: { y, x: { ...x, field: 'low' }, x2: { field: 'high' } },
            },
            { mark: hoverTarget, encoding: { x, y, ...aboutChannels } },
          ],
        },
      },
    ],
    table,
  };
}
