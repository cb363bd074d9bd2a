/** Finds the untried variant with the largest promise: hill climbs over a function that is cheap to ask, not over servers. */
import { variantKey } from '../variants/search-space.js';
import type { SearchSpace, VariantParameters } from './strategy.js';

/** Climbs from so many of the most promising starts, each at most so many steps. */
const CLIMB_COUNT = 4;
const MAX_STEPS = 5;

export interface Promising {
  readonly parameters: VariantParameters;
  readonly promise: number;
}

export interface ClimbQuestion {
  readonly space: SearchSpace;
  readonly starts: readonly VariantParameters[];
  readonly isTaken: (key: string) => boolean;
  /** Only variants for which this is true are looked at. */
  readonly isInside: (parameters: VariantParameters) => boolean;
  readonly promiseOf: (parameters: VariantParameters) => number;
}

/** Legal, canonical, not taken; undefined when nothing is left near the starts. Every variant is asked about once. */
export function climbToPromise(question: ClimbQuestion): Promising | undefined {
  const { space, isTaken, isInside, promiseOf } = question;
  const seen = new Map<string, Promising | undefined>();
  const look = (parameters: VariantParameters): Promising | undefined => {
    const key = variantKey(space, parameters);
    if (seen.has(key)) return seen.get(key);
    const isOpen = !isTaken(key) && isInside(parameters) && space.isLegal(parameters);
    const found = isOpen ? { parameters, promise: promiseOf(parameters) } : undefined;
    seen.set(key, found);
    return found;
  };
  const first = question.starts
    .map(look)
    .filter((found) => found !== undefined)
    .sort((a, b) => b.promise - a.promise);
  let best = first[0];
  for (const start of first.slice(0, CLIMB_COUNT)) {
    let here = start;
    for (let step = 0; step < MAX_STEPS; step++) {
      const next = exchanges(space, here.parameters).reduce((top, parameters) => {
        const found = look(parameters);
        return found !== undefined && found.promise > top.promise ? found : top;
      }, here);
      if (next === here) break;
      here = next;
    }
    if (best === undefined || here.promise > best.promise) best = here;
  }
  return best;
}

/** One knob at any other value; canonical. */
export function exchanges(space: SearchSpace, from: VariantParameters): VariantParameters[] {
  return space.dimensions.flatMap(({ name, values }) =>
    values.filter((value) => value !== from[name]).map((value) => space.canonicalize({ ...from, [name]: value })),
  );
}
