/** Knob values as small integers, the form in which trees see a variant: the rank of an ordered value, the place of another. */

import type { Feature } from './regression-tree.js';
import type { KnobValue, SearchDimension, SearchSpace, VariantParameters } from './strategy.js';

export interface LevelCode {
  readonly features: readonly Feature[];
  /** Values of each feature by level. */
  readonly values: readonly (readonly KnobValue[])[];
  /** One level a dimension, in the order of the space; `parameters` must be canonical. */
  encode(parameters: VariantParameters): Uint16Array;
}

export function createLevelCode({ dimensions }: Pick<SearchSpace, 'dimensions'>): LevelCode {
  const values = dimensions.map(levelsOf);
  const levelOf = values.map((list) => new Map(list.map((value, level) => [value, level])));
  return {
    values,
    features: dimensions.map(({ isOrdered }, index) => ({ isOrdered, levelCount: values[index]!.length })),
    encode(parameters) {
      const levels = new Uint16Array(dimensions.length);
      dimensions.forEach(({ name }, index) => {
        // A value of another study's space stands for the nearest thing that is known: the first level.
        levels[index] = levelOf[index]!.get(parameters[name]!) ?? 0;
      });
      return levels;
    },
  };
}

/** The listed values and the default, which need not be among them, in the order that a threshold can use. */
function levelsOf({ values, defaultValue, isOrdered }: SearchDimension): KnobValue[] {
  const all = [...new Set([...values, defaultValue])];
  const isNumeric = all.every((value) => typeof value === 'number');
  return isOrdered && isNumeric ? all.sort((a, b) => Number(a) - Number(b)) : all;
}
