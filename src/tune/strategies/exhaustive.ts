/** Every legal variant once, in the order of the space; for small sweeps with listed values. */
import { defaultParameters, enumerateVariants, variantKey } from '../variants/search-space.js';
import type { CreateStrategy } from './strategy.js';

export const createExhaustiveStrategy: CreateStrategy = ({ space }) => {
  const variants = enumerateVariants(space);
  const defaultKey = variantKey(space, defaultParameters(space));
  return {
    name: 'exhaustive',
    ask() {
      for (let next = variants.next(); !next.done; next = variants.next()) {
        if (variantKey(space, next.value) !== defaultKey) return next.value;
      }
      return undefined;
    },
    tell() {
      // The order is fixed.
    },
  };
};
