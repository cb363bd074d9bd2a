/** The points one knob away: the next values of an ordered knob on either side, every other value of an unordered one. */
import type { KnobValue, SearchDimension, SearchSpace, VariantParameters } from './strategy.js';

export interface Move {
  readonly name: string;
  /** Along the order of the values; 0 where there is no order. */
  readonly direction: -1 | 0 | 1;
}

export interface Neighbour {
  readonly move: Move;
  readonly parameters: VariantParameters;
}

/** Canonical, in the order of the dimensions; may hold illegal points. */
export function neighbours(space: SearchSpace, from: VariantParameters): Neighbour[] {
  return space.dimensions.flatMap((dimension) =>
    nextValues(dimension, from[dimension.name]).map(({ value, direction }) => ({
      move: { name: dimension.name, direction },
      parameters: space.canonicalize({ ...from, [dimension.name]: value }),
    })),
  );
}

function nextValues(
  { values, isOrdered }: SearchDimension,
  current: KnobValue | undefined,
): { readonly value: KnobValue; readonly direction: Move['direction'] }[] {
  const index = current === undefined ? -1 : values.indexOf(current);
  // A default outside the listed values has no place in their order.
  if (!isOrdered || index < 0) {
    return values.filter((value) => value !== current).map((value) => ({ value, direction: 0 }));
  }
  const up = values.slice(index + 1, index + 2).map((value) => ({ value, direction: 1 as const }));
  const down = values.slice(Math.max(0, index - 1), index).map((value) => ({ value, direction: -1 as const }));
  return [...up, ...down];
}
