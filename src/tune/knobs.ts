/**
 * The table of knobs: what can be tuned in a config.pbtxt, which values make sense on this host, and how a value is
 * read from and written into a ModelConfig. A knob is added by adding a row. Rows stand in the order in which a
 * change usually pays, because a search with a small budget starts at the top.
 */
import type { DynamicBatchingConfig, ModelConfig } from '../model-config/model-config.js';
import { defaultGroupCount, writeGraphLevel, writeGroupCount, writeIntraOpThreads } from './knob-writers.js';
import type { KnobValue } from './strategy.js';

/** What a knob's values depend on. */
export interface KnobContext {
  /** The unchanged model's config with everything the server fills in. */
  readonly config: ModelConfig;
  readonly cpuCount: number;
}

/** The value a knob has in a variant: its own, or the default where the study does not tune it. */
export type ReadKnob = (name: string) => KnobValue | undefined;

export interface Knob {
  readonly name: string;
  /** `portable`: a real Triton's ONNX Runtime backend takes it and means the same; `engine`: only the bundled engine does. */
  readonly scope: 'portable' | 'engine';
  readonly isOrdered: boolean;
  /** Field names that lead to the line it writes in config.pbtxt, outermost first. */
  readonly linePath: readonly string[];
  /** Values worth trying; fewer than two when this model leaves nothing to tune. */
  values(context: KnobContext): readonly KnobValue[];
  read(config: ModelConfig): KnobValue;
  /** What is wrong with a value a person listed, or undefined. */
  refuse(value: KnobValue, context: KnobContext): string | undefined;
  /** False where the other knobs leave it without effect. */
  isActive(read: ReadKnob): boolean;
  /** `config` is the user's own, not completed; fields that only repeat a server default are left out. */
  write(config: ModelConfig, value: KnobValue, context: KnobContext): ModelConfig;
  /** Why, in a few words, for the comment beside the changed line. */
  explain(value: KnobValue): string;
}

const MAX_BATCH_SIZE_LIMIT = 128;
const queueDelaysUs = [0, 100, 500, 1000, 5000];
/** Triton's number for each ONNX Runtime level; `all` is the backend's default and written as no field at all. */
const graphLevels: Readonly<Record<string, number | undefined>> = {
  all: undefined,
  extended: 1,
  basic: -1,
  disabled: 2,
};

const isBatching = (read: ReadKnob): boolean => read('dynamic_batching') === true;
const batches = (config: ModelConfig): boolean => (config.max_batch_size ?? 0) > 0;

/** Powers of two from 1 to `limit`. */
function doublings(limit: number): number[] {
  const values: number[] = [];
  for (let value = 1; value <= limit; value *= 2) values.push(value);
  return values;
}

/** Every count where they are few, then coarser: 1 2 3 4 5 6 7 8 12 16 24 32 ... */
function counts(limit: number): number[] {
  const fine = Array.from({ length: Math.min(8, limit) }, (_, index) => index + 1);
  const coarse = doublings(limit).flatMap((value) => [value, value * 1.5]);
  return ascending([...fine, ...coarse.filter((value) => value > 8 && value <= limit), limit]);
}

const ascending = (values: readonly number[]): number[] => [...new Set(values)].sort((a, b) => a - b);

const wholeNumber =
  (low: number, high: number) =>
  (value: KnobValue): string | undefined =>
    typeof value === 'number' && Number.isInteger(value) && value >= low && value <= high
      ? undefined
      : `must be a whole number from ${low} to ${high}`;

function withBatching(
  config: ModelConfig,
  change: (batching: DynamicBatchingConfig) => DynamicBatchingConfig,
): ModelConfig {
  return config.dynamic_batching === undefined
    ? config
    : { ...config, dynamic_batching: change(config.dynamic_batching) };
}

const dynamicBatching: Knob = {
  name: 'dynamic_batching',
  scope: 'portable',
  isOrdered: false,
  linePath: ['dynamic_batching'],
  values: ({ config }) => (batches(config) && config.sequence_batching === undefined ? [false, true] : [false]),
  read: (config) => config.dynamic_batching !== undefined,
  refuse: (value, { config }) => {
    if (typeof value !== 'boolean') return 'must be true or false';
    if (value && !batches(config)) return 'cannot be on: the model has no batch dimension (max_batch_size is 0)';
    if (value && config.sequence_batching !== undefined) return 'cannot be on beside sequence_batching';
    return undefined;
  },
  isActive: () => true,
  write(config, value) {
    const { dynamic_batching: batching, ...rest } = config;
    return value === true ? { ...config, dynamic_batching: batching ?? {} } : rest;
  },
  explain: (value) => (value === true ? 'requests that wait together run as one batch' : 'each request runs alone'),
};

const maxBatchSize: Knob = {
  name: 'max_batch_size',
  scope: 'portable',
  isOrdered: true,
  linePath: ['max_batch_size'],
  values({ config }) {
    const own = config.max_batch_size ?? 0;
    if (own === 0) return [0];
    return ascending([...doublings(Math.min(MAX_BATCH_SIZE_LIMIT, Math.max(64, own * 2))).slice(1), own]);
  },
  read: (config) => config.max_batch_size ?? 0,
  refuse: (value, { config }) =>
    batches(config)
      ? wholeNumber(1, 4096)(value)
      : value === 0
        ? undefined
        : 'must be 0: the model has no batch dimension',
  // Without the batcher each request runs alone, whatever the limit is.
  isActive: isBatching,
  write(config, value) {
    const limited = { ...config, max_batch_size: Number(value) };
    return withBatching(limited, ({ preferred_batch_size: preferred, ...batching }) => {
      const legal = preferred?.filter((size) => size <= Number(value)) ?? [];
      return legal.length === 0 ? batching : { ...batching, preferred_batch_size: legal };
    });
  },
  explain: () => 'largest batch the batcher forms, and largest request accepted',
};

const instanceCount: Knob = {
  name: 'instance_count',
  scope: 'portable',
  isOrdered: true,
  linePath: ['instance_group', 'count'],
  values: ({ config, cpuCount }) => ascending([...counts(Math.max(4, 2 * cpuCount)), defaultGroupCount(config)]),
  read: defaultGroupCount,
  refuse: wholeNumber(1, 1024),
  isActive: () => true,
  write: (config, value, context) => writeGroupCount(config, Number(value), context.config),
  explain: () => 'copies of the model that run side by side',
};

const intraOpThreads: Knob = {
  name: 'intra_op_threads',
  scope: 'portable',
  isOrdered: true,
  linePath: ['intra_op_thread_count'],
  // ONNX Runtime's own choice is one thread a core, so it stands at the upper end.
  values: ({ cpuCount }) => [...ascending([...doublings(cpuCount), cpuCount]), 'default'],
  read(config) {
    const written = Number.parseInt(config.parameters?.intra_op_thread_count?.string_value ?? '', 10);
    return written > 0 ? written : 'default';
  },
  refuse: (value) =>
    value === 'default' || wholeNumber(1, 1024)(value) === undefined
      ? undefined
      : 'must be default or a whole number from 1 to 1024',
  isActive: () => true,
  write: (config, value) => writeIntraOpThreads(config, value === 'default' ? undefined : Number(value)),
  explain: () => 'threads of each model instance',
};

const maxQueueDelay: Knob = {
  name: 'max_queue_delay_us',
  scope: 'portable',
  isOrdered: true,
  linePath: ['dynamic_batching', 'max_queue_delay_microseconds'],
  values: ({ config }) =>
    batches(config) ? ascending([...queueDelaysUs, config.dynamic_batching?.max_queue_delay_microseconds ?? 0]) : [0],
  read: (config) => config.dynamic_batching?.max_queue_delay_microseconds ?? 0,
  refuse: wholeNumber(0, 60_000_000),
  isActive: isBatching,
  write: (config, value) =>
    withBatching(config, ({ max_queue_delay_microseconds: _, ...batching }) =>
      value === 0 ? batching : { ...batching, max_queue_delay_microseconds: Number(value) },
    ),
  explain: () => 'how long a request may wait for others to join its batch',
};

const graphLevel: Knob = {
  name: 'graph_level',
  scope: 'portable',
  isOrdered: true,
  linePath: ['optimization', 'level'],
  values: () => Object.keys(graphLevels),
  read(config) {
    const level = config.optimization?.graph?.level;
    return Object.keys(graphLevels).find((name) => level !== undefined && graphLevels[name] === level) ?? 'all';
  },
  refuse: (value) =>
    Object.hasOwn(graphLevels, String(value)) ? undefined : `must be one of ${Object.keys(graphLevels).join(', ')}`,
  isActive: () => true,
  write: (config, value) => writeGraphLevel(config, graphLevels[String(value)]),
  explain: (value) => `graph optimizations of ONNX Runtime: ${String(value)}`,
};

export const knobs: readonly Knob[] = [
  instanceCount,
  intraOpThreads,
  dynamicBatching,
  maxBatchSize,
  maxQueueDelay,
  graphLevel,
];

/**
 * Start points that often beat a newcomer's config, as values by knob name over the defaults: one thread for each of
 * as many instances as there are cores; one instance that batches; both. The search space drops what it does not tune.
 */
export function presetValues({ config, cpuCount }: KnobContext): readonly Readonly<Record<string, KnobValue>>[] {
  const spread = { instance_count: cpuCount, intra_op_threads: 1 };
  const single = { instance_count: 1, intra_op_threads: 'default' };
  if (!batches(config)) return [spread, single];
  const batch = { dynamic_batching: true, max_batch_size: 8 };
  return [spread, { ...spread, ...batch }, { ...single, ...batch }, single];
}
