/** Knobs of instance groups: how many copies of the model run, group by group. */

import { always, ascending, doublings, type Knob, wholeNumber } from './knob.js';
import { groupCount, writeGroupCount } from './knob-writers.js';

/** Groups beyond the first that have a knob of their own. */
const MORE_GROUPS = 3;

/** Every count where they are few, then coarser: 1 2 3 4 5 6 7 8 12 16 24 32 ... */
function counts(limit: number): number[] {
  const fine = Array.from({ length: Math.min(8, limit) }, (_, index) => index + 1);
  const coarse = doublings(limit).flatMap((value) => [value, value * 1.5]);
  return ascending([...fine, ...coarse.filter((value) => value > 8 && value <= limit), limit]);
}

function countKnob(index: number): Knob {
  return {
    name: index === 0 ? 'instance_count' : `instance_count_${index}`,
    scope: 'portable',
    writes: `instance_group[${index}].count`,
    isOrdered: true,
    linePath: index === 0 ? ['instance_group', 'count'] : [],
    values({ config, cpuCount }) {
      if (index > 0 && config.instance_group?.[index] === undefined) return [1];
      return ascending([...counts(Math.max(4, 2 * cpuCount)), groupCount(config, index)]);
    },
    read: (config) => groupCount(config, index),
    refuse(value, { config }) {
      const groups = Math.max(1, config.instance_group?.length ?? 0);
      if (index >= groups && value !== 1)
        return `cannot be set: the model has ${groups} instance group${groups === 1 ? '' : 's'}`;
      return wholeNumber(1, 1024)(value);
    },
    isActive: always,
    write: (config, value, context) => writeGroupCount(config, index, Number(value), context.config),
    explain: () => 'copies of the model that run side by side',
  };
}

export const instanceCount = countKnob(0);
export const furtherInstanceCounts: readonly Knob[] = Array.from({ length: MORE_GROUPS }, (_, index) =>
  countKnob(index + 1),
);
