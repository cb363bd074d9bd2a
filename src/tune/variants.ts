/** A variant is the user's model with some knobs changed: its id, its config, and which knobs differ. */
import { createHash } from 'node:crypto';
import { formatModelConfig } from '../model-config/format-config.js';
import type { ModelConfig } from '../model-config/model-config.js';
import { type KnobContext, knobs } from './knobs.js';
import { changedKnobs, defaultParameters } from './search-space.js';
import type { SearchSpace, VariantParameters } from './strategy.js';

/** The model a study tunes, as its folder has it. */
export interface StudyModel {
  readonly name: string;
  /** `MODEL/` with its version folders; never written to. */
  readonly folder: string;
  /** The folder's config.pbtxt as it is; undefined when the folder has none. */
  readonly configPbtxt: string | undefined;
  /** What that file says; empty without one. */
  readonly config: ModelConfig;
  /** With everything the server fills in. */
  readonly completed: ModelConfig;
}

export interface Variant {
  /** `default`, or the same short hash wherever the same config comes up. */
  readonly id: string;
  readonly parameters: VariantParameters;
  /** Names of the knobs that differ from the default. */
  readonly changed: readonly string[];
  readonly config: ModelConfig;
  /** The file to serve; undefined for a default without a config.pbtxt. */
  readonly configPbtxt: string | undefined;
}

/** The unchanged model: served from the very bytes the user wrote. */
export const defaultVariant = (model: StudyModel, space: SearchSpace): Variant => ({
  id: 'default',
  parameters: defaultParameters(space),
  changed: [],
  config: model.config,
  configPbtxt: model.configPbtxt,
});

/** Only what differs from the default is rewritten. */
export function createVariant(
  model: StudyModel,
  space: SearchSpace,
  parameters: VariantParameters,
  context: KnobContext,
): Variant {
  const changed = changedKnobs(space, parameters);
  if (changed.length === 0) return defaultVariant(model, space);
  const config = writeKnobs(pinServerDefaults(model), parameters, changed, context);
  const configPbtxt = formatModelConfig(config);
  const id = `v-${createHash('sha256').update(configPbtxt).digest('hex').slice(0, 8)}`;
  return { id, parameters, changed, config, configPbtxt };
}

/** `config` with the named knobs set, in the order of the knob table. */
export function writeKnobs(
  config: ModelConfig,
  parameters: VariantParameters,
  names: readonly string[],
  context: KnobContext,
): ModelConfig {
  return knobs
    .filter((knob) => names.includes(knob.name))
    .reduce((written, knob) => knob.write(written, parameters[knob.name]!, context), config);
}

/**
 * The user's config, with what the server would otherwise guess from the model written out: a config without inputs
 * and outputs gets batching filled in when it is loaded, which would undo a variant that turns batching off.
 */
export function pinServerDefaults({ config, completed }: StudyModel): ModelConfig {
  if ((config.input?.length ?? 0) > 0 && (config.output?.length ?? 0) > 0) return config;
  return {
    ...config,
    ...pick(completed, ['backend', 'max_batch_size', 'input', 'output']),
    ...(completed.dynamic_batching === undefined ? {} : { dynamic_batching: config.dynamic_batching ?? {} }),
  };
}

function pick(config: ModelConfig, names: readonly string[]): ModelConfig {
  return Object.fromEntries(names.filter((name) => config[name] !== undefined).map((name) => [name, config[name]]));
}
