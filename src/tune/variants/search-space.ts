/** Turns the knob table into the space a strategy searches: domains, canonical form, legality, enumeration. */
import { closestWord } from '../../common/closest-word.js';
import { PerfTsError, type Problem } from '../../common/errors.js';
import { fairValues, type Knob, type KnobContext, knobs, presetValues, type ReadKnob } from '../knobs/knobs.js';
import type { KnobValue, SearchDimension, SearchSpace, VariantParameters } from '../strategies/strategy.js';

/** Values a person asked for, by knob name; `auto` is the table's own domain. Knobs that are not named stay as they are. */
export type KnobSelection = Readonly<Record<string, readonly KnobValue[] | 'auto'>>;

interface TunedKnob {
  readonly knob: Knob;
  readonly dimension: SearchDimension;
}

/**
 * The space over `selection`, or over every major knob of the table without one. Knobs with nothing to choose are left out.
 * Throws PerfTsError BAD_OPTION with every unknown knob and impossible value; `where` of each is `knobs.NAME`.
 */
export function buildSearchSpace(context: KnobContext, selection?: KnobSelection, table = knobs): SearchSpace {
  const problems = selection === undefined ? [] : checkSelection(context, selection, table);
  if (problems.length > 0) throw new PerfTsError('BAD_OPTION', problems);
  const defaults = new Map<string, KnobValue>(table.map((knob) => [knob.name, knob.read(context.config)]));
  const tuned = table.flatMap((knob) => tuneKnob(knob, context, selection, defaults.get(knob.name)!));
  const readIn =
    (parameters: VariantParameters): ReadKnob =>
    (name) =>
      parameters[name] ?? defaults.get(name);

  const canonicalize = (parameters: VariantParameters): VariantParameters => {
    const read = readIn(parameters);
    return Object.fromEntries(
      tuned.map(({ knob, dimension }) => [
        knob.name,
        knob.isActive(read) ? (parameters[knob.name] ?? dimension.defaultValue) : dimension.defaultValue,
      ]),
    );
  };
  const isLegal = (parameters: VariantParameters): boolean => {
    const read = readIn(parameters);
    if (batchesOfOne(read) && !batchesOfOne((name) => defaults.get(name))) return false;
    return tuned.every(({ knob, dimension }) => {
      const value = parameters[knob.name];
      if (value === undefined) return false;
      if (!knob.isActive(read)) return value === dimension.defaultValue || dimension.values.includes(value);
      return dimension.values.includes(value) && (knob.isLegal?.(value, read, context) ?? true);
    });
  };
  const dimensions = tuned.map(({ dimension }) => dimension);
  const space = { dimensions, canonicalize, isLegal };
  return { ...space, presets: legalPresets(space, context) };
}

/** The same server as without the batcher, so only the user's own config may ask for it. */
const batchesOfOne = (read: ReadKnob): boolean => read('dynamic_batching') === true && read('max_batch_size') === 1;

function tuneKnob(
  knob: Knob,
  context: KnobContext,
  selection: KnobSelection | undefined,
  defaultValue: KnobValue,
): TunedKnob[] {
  const chosen = selection === undefined ? (knob.isMinor === true ? undefined : 'auto') : selection[knob.name];
  if (chosen === undefined) return [];
  const values =
    chosen === 'auto'
      ? fairValues(knob, knob.values(context), context)
      : [...new Set(chosen.map((value) => normalize(knob, value)))];
  if (values.every((value) => value === defaultValue)) return [];
  return [{ knob, dimension: { name: knob.name, values, defaultValue, isOrdered: knob.isOrdered } }];
}

function checkSelection(context: KnobContext, selection: KnobSelection, table: readonly Knob[]): Problem[] {
  return Object.entries(selection).flatMap(([name, values]): Problem[] => {
    const where = `knobs.${name}`;
    const knob = table.find((row) => row.name === name);
    if (knob === undefined) {
      return [{ where, what: 'is not a knob', hint: hintFor(name, table) }];
    }
    if (values === 'auto') return [];
    if (values.length === 0) return [{ where, what: 'lists no value', hint: "list at least one, or write 'auto'" }];
    return values.flatMap((value) => {
      const fault = knob.refuse(normalize(knob, value), context);
      return fault === undefined ? [] : [{ where, what: `${JSON.stringify(value)} ${fault}` }];
    });
  });
}

const normalize = (knob: Knob, value: KnobValue): KnobValue => knob.normalize?.(value) ?? value;

function hintFor(name: string, table: readonly Knob[]): string {
  const names = table.map((row) => row.name);
  const guess = closestWord(name, names);
  return guess === undefined ? `knobs are ${names.join(', ')}` : `did you mean '${guess}'?`;
}

function legalPresets(space: SearchSpace, context: KnobContext): VariantParameters[] {
  const defaults = defaultParameters(space);
  const seen = new Set([variantKey(space, defaults)]);
  return presetValues(context).flatMap((values) => {
    const canonical = space.canonicalize({ ...defaults, ...values });
    const key = variantKey(space, canonical);
    if (seen.has(key) || !space.isLegal(canonical)) return [];
    seen.add(key);
    return [canonical];
  });
}

/** The unchanged model's point. */
export const defaultParameters = (space: SearchSpace): VariantParameters =>
  Object.fromEntries(space.dimensions.map(({ name, defaultValue }) => [name, defaultValue]));

/** Equal for equal variants; `parameters` must be canonical. */
export const variantKey = (space: SearchSpace, parameters: VariantParameters): string =>
  space.dimensions.map(({ name }) => `${name}=${String(parameters[name])}`).join(',');

/** Names of the knobs that differ from the unchanged model. */
export const changedKnobs = (space: SearchSpace, parameters: VariantParameters): string[] =>
  space.dimensions.filter(({ name, defaultValue }) => parameters[name] !== defaultValue).map(({ name }) => name);

/** Every legal variant once, in canonical form; the last dimension turns fastest. Lazy, because spaces can be large. */
export function* enumerateVariants(space: SearchSpace): Generator<VariantParameters> {
  const { dimensions } = space;
  const total = dimensions.reduce((product, { values }) => product * values.length, 1);
  const seen = new Set<string>();
  for (let index = 0; index < total; index++) {
    const parameters = space.canonicalize(pointAt(dimensions, index));
    const key = variantKey(space, parameters);
    if (seen.has(key) || !space.isLegal(parameters)) continue;
    seen.add(key);
    yield parameters;
  }
}

function pointAt(dimensions: readonly SearchDimension[], index: number): VariantParameters {
  let rest = index;
  const values = dimensions.toReversed().map(({ name, values }): [string, KnobValue] => {
    const value = values[rest % values.length]!;
    rest = Math.floor(rest / values.length);
    return [name, value];
  });
  return Object.fromEntries(values.reverse());
}

/** How many variants the space has beside the default; counting ends at `limit`, because spaces can be large. */
export function countVariants(space: SearchSpace, limit = Number.POSITIVE_INFINITY): number {
  const own = variantKey(space, defaultParameters(space));
  let count = 0;
  for (const parameters of enumerateVariants(space)) {
    if (variantKey(space, parameters) !== own) count++;
    if (count >= limit) break;
  }
  return count;
}
