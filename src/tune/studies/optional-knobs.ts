/** Knobs that nobody asked of this very model: what it has no use for is left out with a note, and never a fault. */

import { fairValues, type KnobContext } from '../knobs/knob.js';
import { knobs } from '../knobs/knobs.js';
import type { KnobSelection } from '../variants/search-space.js';

export interface KeptSelection {
  readonly selection: KnobSelection | undefined;
  /** As sentences; one for each reason. */
  readonly leftOut: readonly string[];
}

/** `selection` without the values of the `optional` knobs that the model of `context` refuses. */
export function keepPossible(
  context: KnobContext,
  selection: KnobSelection | undefined,
  optional: readonly string[] = [],
): KeptSelection {
  if (selection === undefined || optional.length === 0) return { selection, leftOut: [] };
  const namesByReason = new Map<string, string[]>();
  const kept = Object.entries(selection).flatMap(([name, values]): [string, KnobSelection[string]][] => {
    const knob = optional.includes(name) && values !== 'auto' ? knobs.find((row) => row.name === name) : undefined;
    if (knob === undefined || values === 'auto') return [[name, values]];
    const reasons = values.map((value) => knob.refuse(knob.normalize?.(value) ?? value, context));
    const possible = values.filter((_, index) => reasons[index] === undefined);
    const reason = reasons.find((one) => one !== undefined);
    if (reason !== undefined && possible.length === 0)
      namesByReason.set(whyNone(reason), [...(namesByReason.get(whyNone(reason)) ?? []), name]);
    return possible.length === 0 ? [] : [[name, possible]];
  });
  return {
    selection: Object.fromEntries(kept),
    leftOut: [...namesByReason].map(
      ([reason, names]) => `${names.join(', ')} ${names.length === 1 ? 'is' : 'are'} not tuned: ${reason}`,
    ),
  };
}

/** A refusal says of a value what it must be; of a knob only the cause behind it matters. */
const whyNone = (reason: string): string => {
  const cause = reason.split(': ').at(-1)!;
  return cause.replace(/ \(max_batch_size is 0\)$/, '');
};

/** `selection` without values of the `optional` knobs that narrow what clients may send: only a person may ask for those. */
export function keepFair(
  context: KnobContext,
  selection: KnobSelection | undefined,
  optional: readonly string[] = [],
): KnobSelection | undefined {
  if (selection === undefined || optional.length === 0) return selection;
  const kept = Object.entries(selection).flatMap(([name, values]): [string, KnobSelection[string]][] => {
    const knob = optional.includes(name) && values !== 'auto' ? knobs.find((row) => row.name === name) : undefined;
    if (knob === undefined || values === 'auto') return [[name, values]];
    const fair = fairValues(knob, values, context);
    return fair.length === 0 ? [] : [[name, fair]];
  });
  return Object.fromEntries(kept);
}
