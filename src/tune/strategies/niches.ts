/**
 * Keeps a search from settling on one kind of server too soon. The unordered knob with the most values (where there are
 * accelerators, the execution provider) divides the space into niches; all others are tuned anew within each, so a niche
 * whose first variants were poor gets turns of its own: the better its best and the fewer turns it had, the sooner (upper
 * confidence bounds: Auer, Cesa-Bianchi, Fischer 2002).
 */
import type { KnobValue, SearchSpace, VariantParameters } from './strategy.js';
import { isComplete, type VariantResult } from './variant-results.js';

/** Weight of few turns against a good best, in score: a niche half as fast is still looked at now and then. */
const CURIOSITY = 0.3;
/** What a niche without a complete variant is taken for, below the best of all. */
const UNKNOWN_DROP = 0.7;
/** ... until this many of its variants came to nothing. */
const MAX_FRUITLESS = 6;

export interface Niche {
  readonly name: string;
  readonly value: KnobValue;
  /** Score of its best variant, or what it is taken for. */
  readonly score: number;
  /** Where to look from: its best variant, or the best of all moved into it. */
  readonly start: VariantParameters;
}

export interface Niches {
  /** The niche whose turn it is, other than the incumbent's; undefined where there is only one. */
  next(
    results: readonly VariantResult[],
    incumbent: VariantResult & { readonly standing: { readonly score: number } },
  ): Niche | undefined;
}

export function createNiches(space: SearchSpace): Niches {
  const turns = new Map<KnobValue, number>();
  const knob = space.dimensions
    .filter(({ isOrdered }) => !isOrdered)
    .reduce<SearchSpace['dimensions'][number] | undefined>(
      (widest, one) => (widest === undefined || one.values.length > widest.values.length ? one : widest),
      undefined,
    );
  return {
    next(results, incumbent) {
      if (knob === undefined) return undefined;
      const { name } = knob;
      const allTurns = [...turns.values()].reduce((sum, count) => sum + count, 1);
      let chosen: Niche | undefined;
      let most = Number.NEGATIVE_INFINITY;
      for (const value of knob.values) {
        if (value === incumbent.parameters[name]) continue;
        const inside = results.filter(({ parameters }) => parameters[name] === value);
        const best = inside
          .filter(isComplete)
          .reduce<typeof incumbent | undefined>(
            (top, one) => (top === undefined || one.standing.score > top.standing.score ? one : top),
            undefined,
          );
        if (best === undefined && inside.length > MAX_FRUITLESS) continue;
        const score = best?.standing.score ?? incumbent.standing.score - UNKNOWN_DROP;
        const rank = score + CURIOSITY * Math.sqrt(Math.log(allTurns + 1) / ((turns.get(value) ?? 0) + 1));
        if (rank <= most) continue;
        most = rank;
        chosen = {
          name,
          value,
          score,
          start: space.canonicalize({ ...(best ?? incumbent).parameters, [name]: value }),
        };
      }
      if (chosen !== undefined) turns.set(chosen.value, (turns.get(chosen.value) ?? 0) + 1);
      return chosen;
    },
  };
}
