/** The x channel of charts over the load: linear, doubling or logarithmic as the values lie, or a list of shapes. */
import { largestOf, smallestOf } from '../../common/append-all.js';
import type { LevelRecord } from '../../record/run-record.js';
import type { LoadAxis } from '../load-axis.js';
import { logTicks, type PositionChannel } from './chart.js';

/** Values that span this factor or more are drawn on a logarithmic scale. */
const LINEAR_SPAN = 8;

/** Reads the field `load`. */
export function loadChannel(axis: LoadAxis, levels: readonly LevelRecord[]): PositionChannel {
  if (axis.kind === 'shapes') {
    const sort = [...new Set(levels.map(({ load }) => axis.label(load)))];
    return { field: 'load', type: 'ordinal', sort, axis: { title: axis.title, labelAngle: 0, labelLimit: 140 } };
  }
  const values = levels.map(({ load }) => axis.value(load));
  const first = smallestOf(values);
  const last = largestOf(values);
  const field = { field: 'load', type: 'quantitative' } as const;
  if (last / first < LINEAR_SPAN) {
    const ticks = axis.kind === 'rate' ? { tickCount: 6 } : { tickMinStep: 1 };
    return {
      ...field,
      scale: { type: 'linear', domain: [first, last], nice: false },
      axis: { title: axis.title, format: ',~r', ...ticks },
    };
  }
  const isDoubling = axis.kind !== 'rate';
  return {
    ...field,
    scale: { type: 'log', base: isDoubling ? 2 : 10, domain: [first, last], nice: false },
    axis: {
      title: isDoubling ? `${axis.title} (each step doubles)` : axis.title,
      format: ',~r',
      values: isDoubling ? doublings(first, last) : logTicks(first, last),
    },
  };
}

function doublings(first: number, last: number): number[] {
  const ticks: number[] = [];
  for (let value = first; value <= last; value *= 2) ticks.push(value);
  return ticks;
}
