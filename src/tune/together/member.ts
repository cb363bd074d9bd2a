/** Several models that one server serves at once and one study tunes: what each is, and how its knobs are called. */
import { PerfTsError, type Problem } from '../../common/errors.js';
import { type KnobContext, knobs } from '../knobs/knobs.js';
import type { SearchSpace } from '../strategies/strategy.js';
import type { StudyModel } from '../variants/variants.js';

/** One of the models, with a space of its own. */
export interface Member {
  readonly model: StudyModel;
  /** Share of the requests against the others' weights; whole. */
  readonly weight: number;
  readonly context: KnobContext;
  /** Over its own knobs and those that all share, by their plain names. */
  readonly space: SearchSpace;
}

/** Where a model is: `folder` is its own, in a model repository. */
export interface ModelPlace {
  readonly name: string;
  readonly folder: string;
}

/** How the models are called together, as in the records of runs. */
export const jointName = (names: readonly string[]): string => names.join('+');

/** `MODEL.KNOB`: a knob of one model in the space of all. */
export const memberKnob = (model: string, knob: string): string => `${model}.${knob}`;

/** The knob's name in the table; model names may hold points, knobs' do not. */
export const plainKnob = (name: string): string => name.slice(name.lastIndexOf('.') + 1);

/** Knobs of what there is once however many models are served: the server's flags and the load. */
const sharedKnobs = new Set(
  knobs.filter(({ place }) => place === 'server-flag' || place === 'load').map(({ name }) => name),
);

export const isSharedKnob = (name: string): boolean => sharedKnobs.has(name);

/** A weight may have this many digits behind the point. */
const SCALES = [1, 10, 100, 1000];
const MOST_WEIGHT = 1000;
export const MOST_MODELS = 16;

/**
 * The same shares in whole numbers. Throws PerfTsError BAD_OPTION with every weight that is none, and for models that are
 * named twice or are too many.
 */
export function wholeWeights<T extends { readonly name: string; readonly weight: number }>(
  models: readonly T[],
): readonly T[] {
  const where = '--model';
  const names = models.map(({ name }) => name);
  const scale = SCALES.find((factor) => models.every(({ weight }) => isWhole(weight * factor)));
  const problems: Problem[] = models
    .filter(({ weight }) => !(weight > 0) || scale === undefined || weight * scale > MOST_WEIGHT)
    .map(({ name, weight }) => ({
      where,
      what: `the weight of ${name} must be a number above 0, at most ${MOST_WEIGHT} and with three digits behind the point at most, not ${weight}`,
    }));
  names.forEach((name, index) => {
    if (names.indexOf(name) < index)
      problems.push({ where, what: `${name} is named twice`, hint: 'give it one weight' });
  });
  if (models.length > MOST_MODELS)
    problems.push({ where, what: `${models.length} models are over the most that are tuned together, ${MOST_MODELS}` });
  if (problems.length > 0) throw new PerfTsError('BAD_OPTION', problems);
  return models.map((model) => ({ ...model, weight: Math.round(model.weight * (scale ?? 1)) }));
}

const isWhole = (value: number): boolean => Math.abs(value - Math.round(value)) < 1e-9;
