/** Which knobs can be tuned on a Triton: not those of our engine alone, nor those that the model's backend does not read. */
import { availableParallelism, totalmem } from 'node:os';
import { ONNX_BACKEND, ONNX_PLATFORM } from '../../model-config/complete-config.js';
import type { ModelConfig } from '../../model-config/model-config.js';
import { type ProviderName, providerTable } from '../../onnxruntime/provider-table.js';
import { fairValues, type Knob, type KnobContext, knobs, scopeOfValue } from '../knobs/knobs.js';
import type { KnobSelection } from '../variants/search-space.js';
import type { OfferedKnobs } from './study-server.js';

/** Read by Triton itself; every other knob of a config is for its ONNX Runtime backend. */
const anyBackend: readonly string[] = [
  'instance_count',
  'instance_count_1',
  'instance_count_2',
  'instance_count_3',
  'dynamic_batching',
  'max_batch_size',
  'max_queue_delay_us',
  'preferred_batch_sizes',
  'pinned_memory_pool_bytes',
  'cuda_memory_pool_bytes',
  'grpc_infer_threads',
  'buffer_threads',
  'client_batch_size',
  'client_concurrency',
];

export interface TritonOffer {
  /** Whether its flags are ours to choose. */
  readonly takesFlags: boolean;
  /** Whether the files of the model are. */
  readonly takesFiles: boolean;
}

export const isOnnxModel = ({ backend, platform }: ModelConfig): boolean =>
  backend === ONNX_BACKEND || (!backend && platform === ONNX_PLATFORM);

/**
 * What a Triton can be tuned by. Its build cannot be asked which execution providers it has, so those that the user
 * lists are believed, and the server's refusal is the result where it lacks one.
 */
export function describeTriton(config: ModelConfig, selection: KnobSelection | undefined): KnobContext {
  const listed = selection?.execution_provider ?? 'auto';
  const providers = providerTable
    .map(({ name }) => name)
    .filter((name): name is ProviderName => listed !== 'auto' && listed.includes(name) && name !== 'cpu');
  const gpus = new Set((config.instance_group ?? []).flatMap((group) => group.gpus ?? []));
  return {
    config,
    cpuCount: availableParallelism(),
    memoryBytes: totalmem(),
    providers,
    gpuCount: gpus.size,
    isTriton: true,
  };
}

export function offerOnTriton(
  selection: KnobSelection | undefined,
  context: KnobContext,
  offer: TritonOffer,
): OfferedKnobs {
  // What this host lacks is not worth a word where nobody asked for it.
  const wanted = selection ?? everyMajorKnob(context);
  const leftOut = new Map<string, string[]>();
  const kept: Record<string, KnobSelection[string]> = {};
  for (const [name, values] of Object.entries(wanted)) {
    const knob = knobs.find((row) => row.name === name);
    const reason = knob === undefined ? undefined : whyNot(knob, values, context, offer);
    if (reason !== undefined) leftOut.set(reason, [...(leftOut.get(reason) ?? []), name]);
    else kept[name] = knob === undefined ? values : portableValues(knob, values, context);
  }
  return {
    selection: kept,
    leftOut: [...leftOut].map(
      ([reason, names]) => `${names.join(', ')} ${names.length === 1 ? 'is' : 'are'} not tuned: ${reason}`,
    ),
  };
}

const everyMajorKnob = (context: KnobContext): KnobSelection =>
  Object.fromEntries(
    knobs
      .filter((knob) => knob.isMinor !== true && knob.unusable?.(context) === undefined)
      .map(({ name }) => [name, 'auto']),
  );

function whyNot(
  knob: Knob,
  values: KnobSelection[string],
  context: KnobContext,
  { takesFlags, takesFiles }: TritonOffer,
): string | undefined {
  const { config } = context;
  if (knob.place === 'server-flag' && !takesFlags) return 'the flags of a running server cannot be changed';
  if (!isOnnxModel(config) && !anyBackend.includes(knob.name))
    return `the ${config.backend || config.platform || 'model’s'} backend does not read them`;
  if (knob.place === 'model-file' && !takesFiles) return 'the model’s files on a running server are not changed';
  if (portableValues(knob, values, context).length === 0) return 'only perf-ts serve honours it, a Triton does not';
  if (knob.name === 'execution_provider' && values === 'auto')
    return 'which providers the server’s build has cannot be asked; list them in a sweep file to try them';
  return undefined;
}

/** Without the values that mean something to our engine alone. */
function portableValues(knob: Knob, values: KnobSelection[string], context: KnobContext): KnobSelection[string] {
  const isPortable = (value: Parameters<Knob['explain']>[0]): boolean =>
    scopeOfValue(knob, knob.normalize?.(value) ?? value) === 'portable';
  if (values !== 'auto') return values.filter(isPortable);
  const own = fairValues(knob, knob.values(context), context);
  return own.every(isPortable) ? 'auto' : own.filter(isPortable);
}
