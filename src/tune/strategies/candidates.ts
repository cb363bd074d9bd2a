/**
 * Where the forest begins to look for its next proposal: points at random, everything one exchange from the best variants, and
 * two exchanges, among them pairs of steps (more instances and fewer threads), because knobs act together.
 */
import type { Rng } from '../../common/random.js';
import { variantKey } from '../variants/search-space.js';
import { exchanges } from './climb.js';
import { neighbours } from './neighbours.js';
import type { DrawVariant } from './sampler.js';
import type { SearchSpace, VariantParameters } from './strategy.js';

const RANDOM_COUNT = 150;
/** Pairs of steps are made from this many of the best, so many exchanges of any two knobs from each. */
const STEP_PAIR_ORIGINS = 1;
const EXCHANGE_COUNT = 20;

/** Legal, canonical, not taken, each once. `origins`: the best variants, best first. */
export function collectCandidates(
  space: SearchSpace,
  origins: readonly VariantParameters[],
  isTaken: (key: string) => boolean,
  drawFree: DrawVariant,
  rng: Rng,
): VariantParameters[] {
  const found = new Map<string, VariantParameters>();
  const add = (parameters: VariantParameters): void => {
    const key = variantKey(space, parameters);
    if (!found.has(key) && !isTaken(key) && space.isLegal(parameters)) found.set(key, parameters);
  };
  origins.forEach((origin, rank) => {
    for (const parameters of exchanges(space, origin)) add(parameters);
    if (rank < STEP_PAIR_ORIGINS) for (const parameters of stepPairs(space, origin)) add(parameters);
    for (let count = 0; count < EXCHANGE_COUNT; count++) add(exchangeTwo(space, origin, rng));
  });
  for (let count = 0; count < RANDOM_COUNT; count++) {
    const parameters = drawFree((key) => isTaken(key) || found.has(key));
    if (parameters === undefined) break;
    found.set(variantKey(space, parameters), parameters);
  }
  return [...found.values()];
}

/** Two different knobs one step each. */
function stepPairs(space: SearchSpace, from: VariantParameters): VariantParameters[] {
  return neighbours(space, from).flatMap(({ move, parameters }) =>
    neighbours(space, parameters)
      .filter((second) => second.move.name > move.name)
      .map((second) => second.parameters),
  );
}

/** Two knobs drawn, each at a value drawn. */
function exchangeTwo(space: SearchSpace, from: VariantParameters, rng: Rng): VariantParameters {
  const { dimensions } = space;
  const changed: Record<string, VariantParameters[string]> = { ...from };
  for (let turn = 0; turn < 2; turn++) {
    const { name, values } = dimensions[rng.int(dimensions.length)]!;
    changed[name] = values[rng.int(values.length)]!;
  }
  return space.canonicalize(changed);
}
