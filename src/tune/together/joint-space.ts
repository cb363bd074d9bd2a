/**
 * The search space of several models: each model's own knobs as `MODEL.knob`, and once those that all share. A strategy
 * sees dimensions, as ever; what is legal or without effect is each model's own space to say.
 */
import { knobs } from '../knobs/knobs.js';
import type { KnobValue, SearchDimension, SearchSpace, VariantParameters } from '../strategies/strategy.js';
import { defaultParameters, enumerateVariants, variantKey } from '../variants/search-space.js';
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

/**
 * How many variants the space of all has beside the default; `limit` stands for that many or more. Counted from the
 * models' own spaces: a space of several is soon too large to be walked through.
 */
export function countJointVariants(members: readonly SpaceMember[], limit: number): number {
  const shared = sharedDimensions(members).map(({ name }) => name);
  const totals = new Map<string, number>();
  let hasUnchanged = true;
  for (const [index, member] of members.entries()) {
    const { counts, hasDefault } = countOwnVariants(member, shared, limit);
    hasUnchanged &&= hasDefault;
    // Shared values that some model cannot have are not in the space of all.
    for (const key of new Set([...totals.keys(), ...counts.keys()])) {
      const before = index === 0 ? 1 : (totals.get(key) ?? 0);
      totals.set(key, Math.min(1 + limit, before * (counts.get(key) ?? 0)));
    }
  }
  const all = [...totals.values()].reduce((sum, count) => sum + count, 0);
  return Math.min(limit, hasUnchanged ? all - 1 : all);
}

/**
 * By the values of the shared knobs, those of one model that differ in what is its own alone; and whether the unchanged
 * model is among them, whose values need not all be listed.
 */
function countOwnVariants({ space }: SpaceMember, shared: readonly string[], limit: number) {
  const counts = new Map<string, number>();
  const unchanged = variantKey(space, defaultParameters(space));
  let count = 0;
  let hasDefault = false;
  for (const parameters of enumerateVariants(space)) {
    // What the space of all does not share stays as in the unchanged model.
    const isInAll = space.dimensions.every(
      ({ name, defaultValue }) => !isSharedKnob(name) || shared.includes(name) || parameters[name] === defaultValue,
    );
    if (!isInAll) continue;
    const key = shared.map((name) => String(parameters[name])).join(',');
    counts.set(key, (counts.get(key) ?? 0) + 1);
    hasDefault ||= variantKey(space, parameters) === unchanged;
    if (++count > limit) break;
  }
  return { counts, hasDefault };
}
