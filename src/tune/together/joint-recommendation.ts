/** A recommendation for several models: each one's own, put together so that it reads as one. */
import { formatModelConfig } from '../../model-config/format-config.js';
import type { Recommendation } from '../../record/study-record.js';
import type { KnobContext } from '../knobs/knobs.js';
import type { Objective } from '../objectives/objective.js';
import { formatDefaultConfig, type Gain, writeRecommendation } from '../results/recommendation.js';
import { pinServerDefaults, type StudyModel, type Variant } from '../variants/variants.js';
import { joinConfigs } from './joint-variant.js';
import { type Member, memberKnob } from './member.js';

/** As `writeRecommendation`, for one model or for the members of the variant. */
export function recommendVariant(
  model: StudyModel,
  variant: Variant,
  gain: Gain,
  objective: Objective,
  context: KnobContext,
): Recommendation {
  const { members } = variant;
  if (members === undefined) return writeRecommendation(model, variant, gain, objective, context);
  const parts = members.map((member) => ({
    name: member.model.name,
    ...(member.variant.changed.length === 0
      ? asItIs(member.model)
      : writeRecommendation(member.model, member.variant, gain, objective, member.context, model.name)),
  }));
  return {
    id: variant.id,
    configPbtxt: joinConfigs(parts),
    changes: parts.flatMap(({ name, changes }) =>
      changes.map((change) => ({ ...change, path: memberKnob(name, change.path) })),
    ),
    gain,
    ...(variant.serverFlags !== undefined && { serverFlags: [...variant.serverFlags] }),
    diff: parts.map(({ diff }) => diff).join(''),
    models: parts.map(({ name, configPbtxt, precision }) => ({
      name,
      configPbtxt,
      ...(precision !== undefined && { precision }),
    })),
  };
}

/** A model that is best left alone keeps its very file. */
const asItIs = (model: StudyModel): Pick<Recommendation, 'configPbtxt' | 'changes' | 'diff' | 'precision'> => ({
  configPbtxt: model.configPbtxt ?? formatModelConfig(pinServerDefaults(model)),
  changes: [],
  diff: '',
});

/** The configs of the unchanged models in the layout of `recommendVariant`. */
export const formatDefaults = (model: StudyModel, together: readonly Member[] | undefined): string =>
  together === undefined
    ? formatDefaultConfig(model)
    : joinConfigs(
        together.map((member) => ({ name: member.model.name, configPbtxt: formatDefaultConfig(member.model) })),
      );
