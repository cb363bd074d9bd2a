/** Draws points of a space at random that were not taken before, also when nearly all were. */
import type { Rng } from '../../common/random.js';
import { enumerateVariants, variantKey } from '../variants/search-space.js';
import type { SearchSpace, VariantParameters } from './strategy.js';

const MAX_BLIND_DRAWS = 200;

/** A variant for which `isTaken(key)` is false, or undefined when there is none left. */
export type DrawVariant = (isTaken: (key: string) => boolean) => VariantParameters | undefined;

export function createSampler(space: SearchSpace, rng: Rng): DrawVariant {
  const drawOne = (): VariantParameters =>
    space.canonicalize(
      Object.fromEntries(space.dimensions.map(({ name, values }) => [name, values[rng.int(values.length)]!])),
    );
  return (isTaken) => {
    const isFree = (parameters: VariantParameters): boolean =>
      space.isLegal(parameters) && !isTaken(variantKey(space, parameters));
    for (let attempt = 0; attempt < MAX_BLIND_DRAWS; attempt++) {
      const parameters = drawOne();
      if (isFree(parameters)) return parameters;
    }
    // Few are left: list them, so that the search ends exactly when the space is used up.
    const left = [...enumerateVariants(space)].filter(isFree);
    return left[rng.int(left.length)];
  };
}
