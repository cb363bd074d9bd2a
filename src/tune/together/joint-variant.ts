/** Variants of several models at once: one variant of each, on one server. */
import { createHash } from 'node:crypto';
import type { SearchSpace, VariantParameters } from '../strategies/strategy.js';
import { changedKnobs } from '../variants/search-space.js';
import { createVariant, type MemberVariant, type StudyModel, type Variant } from '../variants/variants.js';
import { parametersOf } from './joint-space.js';
import { jointName, type Member } from './member.js';

/**
 * All models as one, for what a study keeps of its model: its name, rows in a request, and the configs as one text. The
 * rest is the first model's, and is not to be served.
 */
export function jointModel(models: readonly StudyModel[]): StudyModel {
  const [first] = models;
  if (first === undefined) throw new Error('there is no model');
  return {
    ...first,
    name: jointName(models.map(({ name }) => name)),
    configPbtxt: joinConfigs(models.map(({ name, configPbtxt = '' }) => ({ name, configPbtxt }))),
  };
}

/** Several configs in one text, each under the path it has in a model repository. */
export const joinConfigs = (models: readonly { readonly name: string; readonly configPbtxt: string }[]): string =>
  models.map(({ name, configPbtxt }) => `# ${name}/config.pbtxt\n${configPbtxt.trimEnd()}\n`).join('\n');

/** `parameters` must be canonical in `space`, which is that of all members. */
export function createJointVariant(
  members: readonly Member[],
  space: SearchSpace,
  parameters: VariantParameters,
): Variant {
  const parts = members.map(
    (member): MemberVariant => ({
      model: member.model,
      weight: member.weight,
      context: member.context,
      variant: createVariant(member.model, member.space, parametersOf(member, parameters), member.context),
    }),
  );
  const [first] = parts;
  if (first === undefined) throw new Error('there is no model');
  const changed = changedKnobs(space, parameters);
  const identity = parts.map(({ model, variant }) => `${model.name}=${variant.id}`).join(',');
  const id = changed.length === 0 ? 'default' : `v-${createHash('sha256').update(identity).digest('hex').slice(0, 8)}`;
  const serverFlags = [...new Set(parts.flatMap(({ variant }) => variant.serverFlags ?? []))];
  const { load } = first.variant;
  return {
    id,
    parameters,
    changed,
    config: first.variant.config,
    configPbtxt: joinConfigs(
      parts.map(({ model, variant }) => ({ name: model.name, configPbtxt: variant.configPbtxt ?? '' })),
    ),
    ...(serverFlags.length > 0 && { serverFlags }),
    // Shared by all, so the same in each.
    ...(load !== undefined && { load }),
    members: parts,
  };
}
