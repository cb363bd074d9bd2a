/** Knobs of the batcher: whether requests are batched, up to which size, at which sizes at once, after which wait. */
import type { DynamicBatchingConfig, ModelConfig } from '../../model-config/model-config.js';
import type { KnobValue } from '../strategies/strategy.js';
import { always, ascending, batches, doublings, type Knob, type ReadKnob, wholeNumber } from './knob.js';

const MAX_BATCH_SIZE_LIMIT = 128;
const queueDelaysUs = [0, 100, 500, 1000, 5000];
export const NO_PREFERENCE = 'none';

const isBatching = (read: ReadKnob): boolean => read('dynamic_batching') === true;

function withBatching(
  config: ModelConfig,
  change: (batching: DynamicBatchingConfig) => DynamicBatchingConfig,
): ModelConfig {
  return config.dynamic_batching === undefined
    ? config
    : { ...config, dynamic_batching: change(config.dynamic_batching) };
}

/** What a batcher promises to clients beside speed; without it nothing keeps that. */
const promises = [
  'preserve_ordering',
  'priority_levels',
  'default_priority_level',
  'default_queue_policy',
  'priority_queue_policy',
] as const;

const promisesMore = ({ dynamic_batching: batching = {} }: ModelConfig): boolean =>
  promises.some((name) => {
    const value: unknown = batching[name];
    return value !== undefined && value !== false && value !== 0;
  });

export const dynamicBatching: Knob = {
  name: 'dynamic_batching',
  scope: 'portable',
  writes: 'dynamic_batching',
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
  isActive: always,
  narrowsContract: (from, to, { config }) => from === true && to === false && promisesMore(config),
  write(config, value) {
    const { dynamic_batching: batching, ...rest } = config;
    return value === true ? { ...config, dynamic_batching: batching ?? {} } : rest;
  },
  explain: (value) => (value === true ? 'requests that wait together run as one batch' : 'each request runs alone'),
};

export const maxBatchSize: Knob = {
  name: 'max_batch_size',
  scope: 'portable',
  writes: 'max_batch_size',
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
  // It is also the most rows that one request may have.
  narrowsContract: (from, to) => Number(to) < Number(from),
  write(config, value) {
    const limited = { ...config, max_batch_size: Number(value) };
    return withBatching(limited, ({ preferred_batch_size: preferred, ...batching }) => {
      const legal = preferred?.filter((size) => size <= Number(value)) ?? [];
      return legal.length === 0 ? batching : { ...batching, preferred_batch_size: legal };
    });
  },
  explain: () => 'largest batch the batcher forms, and largest request accepted',
};

export const maxQueueDelay: Knob = {
  name: 'max_queue_delay_us',
  scope: 'portable',
  writes: 'dynamic_batching.max_queue_delay_microseconds',
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

/** `4,8` as [4, 8]; a single number counts, and `none` is the empty list. Undefined when it is no such list. */
export function readSizes(value: KnobValue): readonly number[] | undefined {
  if (value === NO_PREFERENCE) return [];
  const texts = String(value).split(',');
  const sizes = texts.map((text) => (/^\s*\d+\s*$/.test(text) ? Number(text) : Number.NaN));
  return sizes.every((size) => size >= 1) ? ascending(sizes) : undefined;
}

const sizesText = (sizes: readonly number[]): KnobValue => (sizes.length === 0 ? NO_PREFERENCE : sizes.join(','));

export const preferredBatchSizes: Knob = {
  name: 'preferred_batch_sizes',
  scope: 'portable',
  writes: 'dynamic_batching.preferred_batch_size',
  isOrdered: false,
  isMinor: true,
  linePath: ['dynamic_batching', 'preferred_batch_size'],
  values({ config }) {
    const own = config.max_batch_size ?? 0;
    if (own < 2) return [NO_PREFERENCE];
    const sizes = doublings(Math.min(32, own - 1)).slice(1);
    const pairs = sizes.slice(1).map((size) => `${size / 2},${size}`);
    return [...new Set([NO_PREFERENCE, this.read(config), ...sizes.map(String), ...pairs])];
  },
  // The list that a server fills in holds the limit alone, and says no more than none does.
  read(config) {
    const sizes = config.dynamic_batching?.preferred_batch_size ?? [];
    return sizes.length === 1 && sizes[0] === config.max_batch_size ? NO_PREFERENCE : sizesText(ascending(sizes));
  },
  refuse(value, { config }) {
    const sizes = readSizes(value);
    if (sizes === undefined) return `must be ${NO_PREFERENCE} or sizes such as "4,8"`;
    return sizes.length > 0 && !batches(config) ? 'cannot be set: the model has no batch dimension' : undefined;
  },
  isActive: isBatching,
  isLegal(value, read) {
    const [limit, sizes] = [Number(read('max_batch_size')), readSizes(value) ?? []];
    // The limit alone is what no preference means.
    return sizes.every((size) => size <= limit) && !(sizes.length === 1 && sizes[0] === limit);
  },
  write: (config, value) =>
    withBatching(config, ({ preferred_batch_size: _, ...batching }) => {
      const sizes = readSizes(value) ?? [];
      return sizes.length === 0 ? batching : { ...batching, preferred_batch_size: sizes };
    }),
  explain: () => 'sizes at which a batch runs at once instead of waiting for more',
};
