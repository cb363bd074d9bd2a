/** The strategies by the name a person gives. */
import type { CreateStrategy } from '../strategy.js';
import { createExhaustiveStrategy } from './exhaustive.js';
import { createQuickStrategy } from './quick.js';
import { createRandomStrategy } from './random.js';

export const strategyNames = ['quick', 'random', 'exhaustive'] as const;
export type StrategyName = (typeof strategyNames)[number];

export const strategies: Readonly<Record<StrategyName, CreateStrategy>> = {
  quick: createQuickStrategy,
  random: createRandomStrategy,
  exhaustive: createExhaustiveStrategy,
};
