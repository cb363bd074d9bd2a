/** The variants of a study, whether it tunes one model or several together. */

import type { VariantParameters } from '../strategies/strategy.js';
import { countJointVariants } from '../together/joint-space.js';
import { createJointVariant } from '../together/joint-variant.js';
import { countVariants, defaultParameters } from '../variants/search-space.js';
import { createVariant, defaultVariant, type Variant } from '../variants/variants.js';
import type { StudyOptions } from './study-options.js';

type Question = Pick<StudyOptions, 'model' | 'space' | 'context' | 'together'>;

/** Everything as the user has it. */
export const unchangedVariant = ({ model, space, together }: Question): Variant =>
  together === undefined ? defaultVariant(model, space) : createJointVariant(together, space, defaultParameters(space));

/** `parameters` must be canonical. */
export const variantAt = ({ model, space, context, together }: Question, parameters: VariantParameters): Variant =>
  together === undefined
    ? createVariant(model, space, parameters, context)
    : createJointVariant(together, space, parameters);

/** Beside the unchanged one; `limit` stands for that many or more. */
export const countAll = ({ space, together }: Pick<Question, 'space' | 'together'>, limit: number): number =>
  together === undefined ? countVariants(space, limit) : countJointVariants(together, limit);
