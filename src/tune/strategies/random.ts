/** Uniform random search without repetition: the yardstick for every other strategy. */
import { createRng } from '../../common/random.js';
import { defaultParameters, variantKey } from '../variants/search-space.js';
import { createSampler } from './sampler.js';
import type { CreateStrategy } from './strategy.js';

export const createRandomStrategy: CreateStrategy = ({ space, seed }) => {
  const asked = new Set([variantKey(space, defaultParameters(space))]);
  const draw = createSampler(space, createRng(seed));
  return {
    name: 'random',
    ask() {
      const parameters = draw((key) => asked.has(key));
      if (parameters !== undefined) asked.add(variantKey(space, parameters));
      return parameters;
    },
    tell() {
      // Draws do not depend on results.
    },
  };
};
