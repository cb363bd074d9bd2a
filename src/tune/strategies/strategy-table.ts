/** The strategies by the name a person gives. */

import { createExhaustiveStrategy } from './exhaustive.js';
import { createForestStrategy } from './forest.js';
import { createQuickStrategy } from './quick.js';
import { createRandomStrategy } from './random.js';
import type { CreateStrategy } from './strategy.js';

export const strategyNames = ['forest', 'quick', 'random', 'exhaustive'] as const;
export type StrategyName = (typeof strategyNames)[number];

export const strategies: Readonly<Record<StrategyName, CreateStrategy>> = {
  forest: createForestStrategy,
  quick: createQuickStrategy,
  random: createRandomStrategy,
  exhaustive: createExhaustiveStrategy,
};
