import { describe, expect, it } from 'vitest';
import { neighbours } from '../../../src/tune/strategies/neighbours.js';
import { createQuickStrategy } from '../../../src/tune/strategies/quick.js';
import type { KnobValue } from '../../../src/tune/strategies/strategy.js';
import { strategies } from '../../../src/tune/strategies/strategy-table.js';
import { buildSearchSpace, countVariants } from '../../../src/tune/variants/search-space.js';
import { describeStrategy, spaceOf, walk } from '../../contract-suites/strategy.js';
import { plainContext } from '../support/study-bench.js';

for (const [name, create] of Object.entries(strategies)) {
  describeStrategy(name, create, { mayEndEarly: name === 'forest' });
}

const counts = Array.from({ length: 9 }, (_, index): KnobValue => index + 1);
const grid = spaceOf([
  { name: 'x', values: counts, defaultValue: 1, isOrdered: true },
  { name: 'y', values: counts, defaultValue: 1, isOrdered: true },
  { name: 'z', values: counts, defaultValue: 1, isOrdered: true },
]);

describe('the quick strategy', () => {
  it('climbs one hill in far fewer trials than the space has', () => {
    const top = { x: 6, y: 3, z: 5 };
    const { best, asked } = walk(
      createQuickStrategy,
      grid,
      ({ x, y, z }) => ({
        state: 'complete',
        score: -0.1 * (Math.abs(Number(x) - 6) + Math.abs(Number(y) - 3) + Math.abs(Number(z) - 5)),
      }),
      1,
      30,
    );
    expect(best).toEqual(top);
    expect(asked.length).toBeLessThan(countVariants(grid) / 20);
  });

  it('asks for the presets first', () => {
    const space = buildSearchSpace(plainContext);
    const { asked } = walk(createQuickStrategy, space, () => ({ state: 'complete', score: 0 }), 1, 4);
    expect(asked).toEqual(space.presets);
    expect(asked[0]).toMatchObject({ instance_count: 2, intra_op_threads: 1, dynamic_batching: false });
  });

  it('repeats a step that paid before it tries another knob', () => {
    const { asked } = walk(createQuickStrategy, grid, ({ x }) => ({ state: 'complete', score: Number(x) }), 1, 4);
    expect(asked.map(({ x }) => x)).toEqual([2, 3, 4, 5]);
  });

  it('does not move for a gain below the noise', () => {
    const { asked } = walk(
      createQuickStrategy,
      grid,
      ({ x }) => ({ state: 'complete', score: 0.02 * Number(x), scoreError: 0.05 }),
      1,
      3,
    );
    expect(asked).toEqual([
      { x: 2, y: 1, z: 1 },
      { x: 1, y: 2, z: 1 },
      { x: 1, y: 1, z: 2 },
    ]);
  });

  it('climbs out of the infeasible towards the smaller violation', () => {
    const { best } = walk(
      createQuickStrategy,
      grid,
      ({ x, y }) =>
        Number(x) < 4
          ? { state: 'infeasible', violation: 4 - Number(x) }
          : { state: 'complete', score: Number(y), violation: 0 },
      1,
      14,
    );
    expect(best).toEqual({ x: 4, y: 9, z: 1 });
  });

  it('leaves a local best by restarting elsewhere', () => {
    const twoHills = ({ x }: Record<string, KnobValue>): number =>
      Number(x) <= 3 ? 3 - Math.abs(Number(x) - 2) : Number(x) - 4;
    const { bestScore } = walk(
      createQuickStrategy,
      grid,
      (parameters) => ({ state: 'complete', score: twoHills(parameters) }),
      2,
      200,
    );
    expect(bestScore).toBe(5);
  });
});

describe('neighbours', () => {
  it('are the next values of an ordered knob and all others of an unordered one', () => {
    const space = spaceOf([
      { name: 'n', values: [1, 2, 4, 8], defaultValue: 2, isOrdered: true },
      { name: 'w', values: ['a', 'b', 'c'], defaultValue: 'a', isOrdered: false },
    ]);
    expect(neighbours(space, { n: 2, w: 'a' }).map(({ parameters }) => parameters)).toEqual([
      { n: 4, w: 'a' },
      { n: 1, w: 'a' },
      { n: 2, w: 'b' },
      { n: 2, w: 'c' },
    ]);
  });

  it('are all listed values where the present one is not among them', () => {
    const space = spaceOf([{ name: 'n', values: [4, 8], defaultValue: 2, isOrdered: true }]);
    expect(neighbours(space, { n: 2 }).map(({ parameters }) => parameters.n)).toEqual([4, 8]);
  });
});
