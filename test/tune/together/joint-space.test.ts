import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { VariantParameters } from '../../../src/tune/strategies/strategy.js';
import { composeSpaces, countJointVariants, parametersOf } from '../../../src/tune/together/joint-space.js';
import { isSharedKnob } from '../../../src/tune/together/member.js';
import {
  changedKnobs,
  countVariants,
  defaultParameters,
  enumerateVariants,
  variantKey,
} from '../../../src/tune/variants/search-space.js';
import { memberOf } from './members.js';

const members = [
  memberOf('a', 3, {
    instance_count: [1, 2, 4],
    dynamic_batching: [false, true],
    max_batch_size: [1, 8, 32],
    max_queue_delay_us: [0, 100],
    client_batch_size: [1, 2, 4],
  }),
  memberOf('b.v2', 1, {
    instance_count: [2, 3],
    dynamic_batching: [false, true],
    max_batch_size: [4, 32],
    client_batch_size: [1, 4, 8],
  }),
];
const space = composeSpaces(members);

/** Any value of every knob, contradictions included. */
const points = fc.record(
  Object.fromEntries(space.dimensions.map(({ name, values }) => [name, fc.constantFrom(...values)])),
) as fc.Arbitrary<VariantParameters>;

/** Without what the space of all does not share. */
const ownOf = (parameters: VariantParameters): VariantParameters =>
  Object.fromEntries(Object.entries(parameters).filter(([name]) => !isSharedKnob(name)));

describe('the space of several models', () => {
  it('has the knobs of each under its name, and once those that all share', () => {
    const names = space.dimensions.map(({ name }) => name);
    expect(names).toEqual([
      'a.instance_count',
      'b.v2.instance_count',
      'a.dynamic_batching',
      'b.v2.dynamic_batching',
      'a.max_batch_size',
      'b.v2.max_batch_size',
      'a.max_queue_delay_us',
      'client_batch_size',
    ]);
    expect(space.dimensions.at(-1)!.values, 'values that all of them allow').toEqual([1, 4]);
  });

  it('takes as legal what every model takes as legal', () => {
    fc.assert(
      fc.property(points, (parameters) => {
        const each = members.map((member) => member.space.isLegal(parametersOf(member, parameters)));
        expect(space.isLegal(parameters)).toBe(each.every(Boolean));
      }),
    );
  });

  it('has for each model the canonical form that its own space gives', () => {
    fc.assert(
      fc.property(points, (parameters) => {
        const canonical = space.canonicalize(parameters);
        expect(space.canonicalize(canonical)).toEqual(canonical);
        for (const member of members) {
          const own = member.space.canonicalize(parametersOf(member, parameters));
          expect(ownOf(parametersOf(member, canonical))).toEqual(ownOf(own));
        }
      }),
    );
  });

  it('starts from points that are legal, canonical, all different and not the default', () => {
    const both = composeSpaces([memberOf('a', 1), memberOf('b', 1)]);
    const presets = both.presets!;
    expect(presets.length).toBeGreaterThan(3);
    for (const preset of presets) {
      expect(both.isLegal(preset)).toBe(true);
      expect(both.canonicalize(preset)).toEqual(preset);
      expect(changedKnobs(both, preset)).not.toEqual([]);
    }
    expect(new Set(presets.map((preset) => variantKey(both, preset))).size).toBe(presets.length);
    const touched = (preset: VariantParameters) => new Set(changedKnobs(both, preset).map((name) => name[0]));
    expect(touched(presets[0]!), 'first all models at once').toEqual(new Set(['a', 'b']));
    expect(touched(presets.at(-1)!), 'then one alone').toEqual(new Set(['b']));
  });

  it('is counted without being walked through', () => {
    const all = [...enumerateVariants(space)];
    expect(countJointVariants(members, 100_000)).toBe(all.length - 1);
    expect(countJointVariants(members, 100_000)).toBe(countVariants(space));
    expect(countJointVariants(members, 7)).toBe(7);
    const withoutDefault = [memberOf('a', 1, { instance_count: [1, 3] }), memberOf('b', 1, { instance_count: [1, 2] })];
    expect(countJointVariants(withoutDefault, 100_000)).toBe(4);
    expect(countVariants(composeSpaces(withoutDefault))).toBe(4);
    const many = ['a', 'b', 'c', 'd'].map((name) => memberOf(name, 1));
    expect(countJointVariants(many, 100_000)).toBe(100_000);
  });

  it('leaves everything as it is at its default', () => {
    for (const member of members)
      expect(parametersOf(member, defaultParameters(space))).toEqual(defaultParameters(member.space));
  });
});
