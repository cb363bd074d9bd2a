/** Plain models that are tuned together, with spaces over the knobs that a test names. */

import { composeSpaces } from '../../../src/tune/together/joint-space.js';
import { jointModel } from '../../../src/tune/together/joint-variant.js';
import type { Member } from '../../../src/tune/together/member.js';
import { buildSearchSpace, type KnobSelection } from '../../../src/tune/variants/search-space.js';
import type { StudyModel } from '../../../src/tune/variants/variants.js';
import { plainContext, plainModel } from '../support/study-bench.js';

export function memberOf(name: string, weight: number, knobs?: KnobSelection): Member {
  const model: StudyModel = {
    ...plainModel,
    name,
    folder: `/models/${name}`,
    configPbtxt: `name: "${name}"\nbackend: "onnxruntime"\nmax_batch_size: 32\n`,
    config: { ...plainModel.config, name },
    completed: { ...plainModel.completed, name },
  };
  const context = { ...plainContext, config: model.completed };
  return { model, weight, context, space: buildSearchSpace(context, knobs) };
}

/** What a study of them is given. */
export const subjectOf = (together: readonly Member[]) => ({
  model: jointModel(together.map(({ model }) => model)),
  context: together[0]!.context,
  space: composeSpaces(together),
  together,
});
