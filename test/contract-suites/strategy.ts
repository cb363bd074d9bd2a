/** What every strategy must keep, whatever it searches and however trials end. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRng } from '../../src/common/random.js';
import {
  type CreateStrategy,
  type KnobValue,
  nextProposal,
  type Proposal,
  type SearchDimension,
  type SearchSpace,
  type TrialResult,
  type VariantParameters,
} from '../../src/tune/strategies/strategy.js';
import {
  countVariants,
  defaultParameters,
  enumerateVariants,
  variantKey,
} from '../../src/tune/variants/search-space.js';

const MAX_ASKS = 5000;

/** `b` counts only while `a` is on, and `c` above 2 is illegal while it is. */
const conditionalSpace: SearchSpace = spaceOf(
  [
    { name: 'a', values: [false, true], defaultValue: false, isOrdered: false },
    { name: 'b', values: [1, 2, 4, 8], defaultValue: 1, isOrdered: true },
    { name: 'c', values: [1, 2, 3, 4, 5], defaultValue: 2, isOrdered: true },
  ],
  (parameters) => (parameters.a === true ? parameters : { ...parameters, b: 1 }),
  (parameters) => parameters.a === false || Number(parameters.c) <= 2,
);

export function spaceOf(
  dimensions: readonly SearchDimension[],
  canonicalize: SearchSpace['canonicalize'] = (parameters) => parameters,
  isLegal: SearchSpace['isLegal'] = () => true,
): SearchSpace {
  return { dimensions, canonicalize, isLegal };
}

type Landscape = (parameters: VariantParameters) => TrialResult;

export interface Walk {
  readonly asked: readonly VariantParameters[];
  readonly best: VariantParameters;
  readonly bestScore: number;
}

/** Lets a strategy run until it ends; the default is told first, as a study does. */
export function walk(
  create: CreateStrategy,
  space: SearchSpace,
  landscape: Landscape,
  seed = 1,
  maxAsks = MAX_ASKS,
): Walk {
  const strategy = create({ space, seed });
  const start = defaultParameters(space);
  strategy.tell(start, landscape(start));
  const asked: VariantParameters[] = [];
  let best = start;
  let bestScore = landscape(start).score ?? Number.NEGATIVE_INFINITY;
  for (let parameters = strategy.ask(); parameters !== undefined; parameters = strategy.ask()) {
    asked.push(parameters);
    const result = landscape(parameters);
    if (result.state === 'complete' && result.score !== undefined && result.score > bestScore) {
      best = parameters;
      bestScore = result.score;
    }
    strategy.tell(parameters, result);
    if (asked.length >= maxAsks) break;
  }
  return { asked, best, bestScore };
}

/** As `walk`, by proposals: a study that honours their effort. */
export function race(
  create: CreateStrategy,
  space: SearchSpace,
  landscape: Landscape,
  seed = 1,
  maxAsks = MAX_ASKS,
): (Proposal & { readonly result: TrialResult })[] {
  const strategy = create({ space, seed });
  const start = defaultParameters(space);
  strategy.tell(start, landscape(start));
  const measured: (Proposal & { readonly result: TrialResult })[] = [];
  for (let next = nextProposal(strategy); next !== undefined; next = nextProposal(strategy)) {
    const result = landscape(next.parameters);
    measured.push({ ...next, result });
    strategy.tell(next.parameters, result, next.effort);
    if (measured.length >= maxAsks) break;
  }
  return measured;
}

/** One hill with its top at `c` = 4, `a` off. */
const hill: Landscape = ({ a, b, c }) => ({
  state: 'complete',
  score: -Math.abs(Number(c) - 4) - (a === true ? 1.5 - Math.log2(Number(b)) / 10 : 0),
  scoreError: 0.001,
});

const moody =
  (seed: number): Landscape =>
  (parameters) => {
    const key = JSON.stringify(parameters);
    const draw = createRng([...key].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) | 0, seed)).next();
    if (draw < 0.3) return { state: 'failed' };
    if (draw < 0.5) return { state: 'infeasible', violation: draw };
    return draw < 0.6 ? { state: 'pruned' } : { state: 'complete', score: draw, violation: 0 };
  };

/** Any small space with independent knobs. */
const anySpace = fc
  .array(fc.record({ size: fc.integer({ min: 1, max: 5 }), start: fc.nat(), isOrdered: fc.boolean() }), {
    minLength: 1,
    maxLength: 4,
  })
  .map((shapes) =>
    spaceOf(
      shapes.map(({ size, start, isOrdered }, index) => {
        const values: KnobValue[] = Array.from({ length: size }, (_, value) => value);
        return { name: `k${index}`, values, defaultValue: start % size, isOrdered };
      }),
    ),
  );

export interface StrategyTraits {
  /** It ends when it expects nothing more, rather than when nothing is left. */
  readonly mayEndEarly?: boolean;
}

export function describeStrategy(
  name: string,
  create: CreateStrategy,
  { mayEndEarly = false }: StrategyTraits = {},
): void {
  describe(`the ${name} strategy`, () => {
    it(`asks ${mayEndEarly ? 'legal variants' : 'every legal variant'} but the default, none twice, and then ends`, () => {
      const { asked } = walk(create, conditionalSpace, hill);
      const keys = asked.map((parameters) => variantKey(conditionalSpace, parameters));
      const all = [...enumerateVariants(conditionalSpace)].map((parameters) =>
        variantKey(conditionalSpace, parameters),
      );
      const own = variantKey(conditionalSpace, defaultParameters(conditionalSpace));
      const wanted = all.filter((key) => key !== own);
      expect(new Set(keys).size).toBe(keys.length);
      expect(wanted).toEqual(expect.arrayContaining(keys));
      if (!mayEndEarly) expect(keys).toHaveLength(wanted.length);
    });

    it('asks only for legal variants in canonical form', () => {
      for (const parameters of walk(create, conditionalSpace, moody(3)).asked) {
        expect(conditionalSpace.isLegal(parameters)).toBe(true);
        expect(conditionalSpace.canonicalize(parameters)).toEqual(parameters);
      }
    });

    it('asks the same for the same seed and the same results', () => {
      expect(walk(create, conditionalSpace, moody(5), 42).asked).toEqual(
        walk(create, conditionalSpace, moody(5), 42).asked,
      );
    });

    it('finds the top of a small hill', () => {
      expect(walk(create, conditionalSpace, hill).best).toEqual({ a: false, b: 1, c: 4 });
    });

    it('goes on when every variant fails', () => {
      const { asked } = walk(create, conditionalSpace, () => ({ state: 'failed' }));
      expect(asked).toHaveLength(countVariants(conditionalSpace));
    });

    it('may be asked again before it is told', () => {
      const strategy = create({ space: conditionalSpace, seed: 1 });
      const start = defaultParameters(conditionalSpace);
      strategy.tell(start, hill(start));
      const asked = Array.from({ length: 6 }, () => strategy.ask()!);
      expect(new Set(asked.map((parameters) => variantKey(conditionalSpace, parameters))).size).toBe(6);
      for (const parameters of asked.toReversed()) strategy.tell(parameters, hill(parameters));
      expect(strategy.ask()).toBeDefined();
    });

    it('never repeats itself and always ends, in any space and with any outcome', () => {
      fc.assert(
        fc.property(anySpace, fc.nat(), (space, seed) => {
          const keys = walk(create, space, moody(seed), seed).asked.map((parameters) => variantKey(space, parameters));
          expect(new Set(keys).size).toBe(keys.length);
          if (!mayEndEarly) expect(keys).toHaveLength(countVariants(space));
        }),
        { numRuns: 60 },
      );
    });

    it('proposes nothing illegal, nothing that failed before, and ends, where measurements differ in length', () => {
      for (const seed of [1, 2, 3]) {
        const failed = new Set<string>();
        const proposals = race(create, conditionalSpace, moody(seed), seed);
        for (const { parameters, effort, result } of proposals) {
          const key = variantKey(conditionalSpace, parameters);
          expect(conditionalSpace.isLegal(parameters)).toBe(true);
          expect(conditionalSpace.canonicalize(parameters)).toEqual(parameters);
          expect(effort).toBeGreaterThan(0);
          expect(failed.has(key)).toBe(false);
          if (result.state !== 'complete') failed.add(key);
        }
        expect(proposals.length).toBeLessThan(MAX_ASKS);
      }
    });

    it('proposes the same for the same seed and the same results', () => {
      const landscape = moody(7);
      expect(race(create, conditionalSpace, landscape, 9)).toEqual(race(create, conditionalSpace, landscape, 9));
    });
  });
}
