/**
 * The search space of several models: each model's own knobs as `MODEL.knob`, and once those that all share. A strategy
 * sees dimensions, as ever; what is legal or without effect is each model's own space to say.
 */
import { knobs } from '../knobs.js';
import { defaultParameters, variantKey } from '../search-space.js';
import type { KnobValue, SearchDimension, SearchSpace, VariantParameters } from '../strategy.js';
import { isSharedKnob, type Member, memberKnob } from './member.js';

export type SpaceMember = Pick<Member, 'space'> & { readonly model: Pick<Member['model'], 'name'> };

/**
 * A shared knob is in it where every model has it, with the values that all of them allow. Knobs follow one another as
 * in the table, for each the models in their order.
 */
export function composeSpaces(members: readonly SpaceMember[]): SearchSpace {
  const shared = sharedDimensions(members);
  const dimensions = knobs.flatMap(({ name }): SearchDimension[] => {
    if (isSharedKnob(name)) return shared.filter((dimension) => dimension.name === name);
    return members.flatMap(({ model, space }) => {
      const own = space.dimensions.find((dimension) => dimension.name === name);
      return own === undefined ? [] : [{ ...own, name: memberKnob(model.name, name) }];
    });
  });
  const canonicalize = (parameters: VariantParameters): VariantParameters => {
    const canonical = members.map((member) => ({
      member,
      values: member.space.canonicalize(parametersOf(member, parameters)),
    }));
    return Object.fromEntries([
      ...canonical.flatMap(({ member: { model }, values }) =>
        Object.entries(values)
          .filter(([name]) => !isSharedKnob(name))
          .map(([name, value]) => [memberKnob(model.name, name), value]),
      ),
      // It has an effect where it has one on any of the models.
      ...shared.map(({ name, defaultValue }) => [
        name,
        canonical.map(({ values }) => values[name]).find((value) => value !== defaultValue) ?? defaultValue,
      ]),
    ]);
  };
  const isLegal = (parameters: VariantParameters): boolean =>
    shared.every(({ name, values }) => values.includes(parameters[name]!)) &&
    members.every((member) => member.space.isLegal(parametersOf(member, parameters)));
  const space = { dimensions, canonicalize, isLegal };
  return { ...space, presets: jointPresets(members, space) };
}

/** One model's part of a point, by plain names; what the joint space does not tune is as in the unchanged model. */
export function parametersOf({ model, space }: SpaceMember, parameters: VariantParameters): VariantParameters {
  return Object.fromEntries(
    space.dimensions.map(({ name, defaultValue }): [string, KnobValue] => [
      name,
      parameters[isSharedKnob(name) ? name : memberKnob(model.name, name)] ?? defaultValue,
    ]),
  );
}

function sharedDimensions([first, ...others]: readonly SpaceMember[]): SearchDimension[] {
  return (first?.space.dimensions ?? []).flatMap((dimension): SearchDimension[] => {
    const { name, defaultValue } = dimension;
    if (!isSharedKnob(name)) return [];
    const counterparts = others.map(({ space }) => space.dimensions.find((other) => other.name === name));
    if (counterparts.some((other) => other === undefined || other.defaultValue !== defaultValue)) return [];
    const values = dimension.values.filter((value) => counterparts.every((other) => other?.values.includes(value)));
    return values.every((value) => value === defaultValue) ? [] : [{ ...dimension, values }];
  });
}

/** The start points of all models at once, in their order, then of each model alone. */
function jointPresets(members: readonly SpaceMember[], space: SearchSpace): VariantParameters[] {
  const longest = Math.max(0, ...members.map(({ space: { presets = [] } }) => presets.length));
  const base = defaultParameters(space);
  const named = ({ model, space: { presets = [] } }: SpaceMember, index: number): Record<string, KnobValue> =>
    Object.fromEntries(
      Object.entries(presets[index] ?? {}).map(([name, value]) => [
        isSharedKnob(name) ? name : memberKnob(model.name, name),
        value,
      ]),
    );
  const indices = Array.from({ length: longest }, (_, index) => index);
  const points = [
    ...indices.map((index) => Object.assign({}, ...members.map((member) => named(member, index))) as VariantParameters),
    ...indices.flatMap((index) => members.map((member) => named(member, index))),
  ];
  const seen = new Set([variantKey(space, base)]);
  return points.flatMap((point) => {
    const canonical = space.canonicalize({ ...base, ...point });
    const key = variantKey(space, canonical);
    if (seen.has(key) || !space.isLegal(canonical)) return [];
    seen.add(key);
    return [canonical];
  });
}
