import { describe, expect, it } from 'vitest';
import type { VariantParameters } from '../../../src/tune/strategies/strategy.js';
import { busyInFlight } from '../../../src/tune/studies/study-load.js';
import { composeSpaces } from '../../../src/tune/together/joint-space.js';
import { createJointVariant, jointModel } from '../../../src/tune/together/joint-variant.js';
import { MOST_MODELS, wholeWeights } from '../../../src/tune/together/member.js';
import { defaultParameters } from '../../../src/tune/variants/search-space.js';
import { servedModels } from '../../../src/tune/variants/variants.js';
import { memberOf } from './members.js';

const knobs = { instance_count: [1, 2, 3], pinned_memory_pool_bytes: [0, 268435456], client_batch_size: [1, 4] };
const members = [memberOf('a', 3, knobs), memberOf('b', 1, knobs)];
const space = composeSpaces(members);
const variantOf = (changes: VariantParameters) =>
  createJointVariant(members, space, space.canonicalize({ ...defaultParameters(space), ...changes }));

describe('a variant of several models', () => {
  it('with nothing changed is the default, each model served from the bytes of the user', () => {
    const variant = variantOf({});
    expect(variant).toMatchObject({ id: 'default', changed: [] });
    expect(variant.members!.map(({ variant: own }) => own.configPbtxt)).toEqual(
      members.map(({ model }) => model.configPbtxt),
    );
  });

  it('changes the model whose knob it is, and keeps the weights', () => {
    const variant = variantOf({ 'b.instance_count': 3 });
    expect(variant.changed).toEqual(['b.instance_count']);
    const [a, b] = servedModels(jointModel(members.map(({ model }) => model)), variant);
    expect(a).toMatchObject({ weight: 3, variant: { id: 'default' } });
    expect(b).toMatchObject({ weight: 1, variant: { config: { instance_group: [{ count: 3 }] } } });
    expect(variant.configPbtxt).toMatch(/^# a\/config\.pbtxt\nname: "a"[\s\S]*\n# b\/config\.pbtxt\nname: "b"/);
  });

  it('has the same id whenever the same configs come up, and another for each', () => {
    expect(variantOf({ 'a.instance_count': 3 }).id).toBe(variantOf({ 'a.instance_count': 3 }).id);
    expect(variantOf({ 'a.instance_count': 3 }).id).not.toBe(variantOf({ 'b.instance_count': 3 }).id);
  });

  it('has what all share once: flags of the server and the load', () => {
    const variant = variantOf({ pinned_memory_pool_bytes: 0, client_batch_size: 4 });
    expect(variant.serverFlags).toEqual(['--pinned-memory-pool-byte-size=0']);
    expect(variant.load).toEqual({ batchSize: 4 });
  });

  it('is kept busy by as many requests as its models are together', () => {
    const model = jointModel(members.map((member) => member.model));
    expect(busyInFlight(model, variantOf({ 'a.instance_count': 3, 'b.instance_count': 1 }))).toBe(4);
  });
});

describe('weights of models', () => {
  const named = (...weights: readonly number[]) => weights.map((weight, index) => ({ name: `m${index}`, weight }));

  it.each([
    [
      [3, 1],
      [3, 1],
    ],
    [
      [1.5, 0.5],
      [15, 5],
    ],
    [
      [0.125, 1],
      [125, 1000],
    ],
  ])('%j become whole numbers of the same shares', (given, expected) => {
    expect(wholeWeights(named(...given)).map(({ weight }) => weight)).toEqual(expected);
  });

  it.each([
    ['0', named(1, 0), /m1 must be a number above 0/],
    ['too fine', named(0.00001, 1), /three digits behind the point/],
    ['too large', named(5000, 1), /at most 1000/],
    ['of a model that is named twice', [...named(1), ...named(2)], /m0 is named twice/],
    ['of too many models', named(...Array.from({ length: MOST_MODELS + 1 }, () => 1)), /over the most/],
  ])('that are %s are refused', (_, given, message) => {
    expect(() => wholeWeights(given)).toThrow(message);
  });
});
