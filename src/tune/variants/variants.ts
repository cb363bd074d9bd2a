/**
 * A variant is the user's model with some knobs changed: its id, its config, what else is set for it (flags of the
 * server, the model's file, the client's load), and which knobs differ.
 */
import { createHash } from 'node:crypto';
import { formatModelConfig } from '../../model-config/format-config.js';
import type { ModelConfig } from '../../model-config/model-config.js';
import { type KnobContext, knobs } from '../knobs/knobs.js';
import type { KnobValue, SearchSpace, VariantParameters } from '../strategies/strategy.js';
import { changedKnobs, defaultParameters } from './search-space.js';

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
  /** Rows in each request of every variant; 1 when left out. */
  readonly batchSize?: number;
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
  /** Flags that its server is started with, beside those of every variant. */
  readonly serverFlags?: readonly string[];
  /** Half precision is a converted copy of the model's file. */
  readonly precision?: 'fp32' | 'fp16';
  /** The load it is measured at, where the study tunes that. */
  readonly load?: VariantLoad;
  /** Set where several models are tuned together: a variant of each. Config and file above are then not to be served. */
  readonly members?: readonly MemberVariant[];
}

/** One of several models that a variant serves. */
export interface MemberVariant {
  readonly model: StudyModel;
  /** Share of the requests against the others' weights; whole. */
  readonly weight: number;
  readonly context: KnobContext;
  readonly variant: Variant;
}

/** Every model that a variant serves: its only one, or its members. */
export const servedModels = (
  model: StudyModel,
  variant: Variant,
): readonly Pick<MemberVariant, 'model' | 'weight' | 'variant'>[] => variant.members ?? [{ model, weight: 1, variant }];

export interface VariantLoad {
  /** Left out: the variant's own load. */
  readonly concurrency?: number;
  readonly batchSize?: number;
}

/** The unchanged model: served from the very bytes the user wrote. */
export const defaultVariant = (model: StudyModel, space: SearchSpace): Variant => ({
  id: 'default',
  parameters: defaultParameters(space),
  changed: [],
  config: model.config,
  configPbtxt: model.configPbtxt,
  ...(model.batchSize !== undefined && { load: { batchSize: model.batchSize } }),
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
  const beside = besideConfig(model, parameters, changed, context);
  // Variants with nothing beside their config keep the hash of the config alone.
  const identity = configPbtxt + (Object.keys(beside).length === 0 ? '' : JSON.stringify(beside));
  const id = `v-${createHash('sha256').update(identity).digest('hex').slice(0, 8)}`;
  return { id, parameters, changed, config, configPbtxt, ...beside };
}

/** What the changed knobs set outside the config. */
function besideConfig(
  model: StudyModel,
  parameters: VariantParameters,
  changed: readonly string[],
  context: KnobContext,
): Pick<Variant, 'serverFlags' | 'precision' | 'load'> {
  const serverFlags = knobs
    .filter(({ name }) => changed.includes(name))
    .flatMap((knob) => knob.serverFlags?.(parameters[knob.name]!, context) ?? []);
  const { client_batch_size: batchSize, client_concurrency: concurrency, precision } = parameters;
  const load = {
    ...(model.batchSize !== undefined && { batchSize: model.batchSize }),
    ...(typeof batchSize === 'number' && changed.includes('client_batch_size') && { batchSize }),
    ...(typeof concurrency === 'number' && changed.includes('client_concurrency') && { concurrency }),
  };
  return {
    ...(serverFlags.length > 0 && { serverFlags }),
    ...(precision === 'fp16' && { precision }),
    ...(Object.keys(load).length > 0 && { load }),
  };
}

/** Bytes that the pools and limits of a variant reserve, whatever is sent; ties between equals go to less. */
export function reservedBytes({ parameters }: Variant, context: KnobContext): number {
  const read = (name: string): KnobValue | undefined =>
    parameters[name] ?? knobs.find((knob) => knob.name === name)?.read(context.config);
  return knobs.reduce((sum, knob) => {
    const value = parameters[knob.name];
    const reserves = value !== undefined && knob.isActive(read) ? (knob.memoryBytes?.(value, context) ?? 0) : 0;
    return sum + reserves;
  }, 0);
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
