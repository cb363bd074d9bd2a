/** What a model config says of its queue: priority levels, timeouts and sizes, with Triton's meaning. */
import { micros, type Nanos } from '../../src/common/units.js';
import type { ModelConfig, QueuePolicyConfig } from '../../src/model-config/model-config.js';

/** How one priority level treats its requests. */
export interface QueuePolicy {
  /** Past its timeout a request is refused, or served after all others of its level. */
  readonly timeoutAction: 'REJECT' | 'DELAY';
  /** Undefined: requests wait for as long as it takes. */
  readonly defaultTimeout: Nanos | undefined;
  /** A request may ask for a shorter timeout than the default; without a default its own is not looked at. */
  readonly allowsOverride: boolean;
  /** Requests that may wait in the level; undefined: any number. */
  readonly maxQueueSize: number | undefined;
}

export interface QueuePolicies {
  /** 0 without priorities: all requests are then of one level. Otherwise levels are 1, the most urgent, to this. */
  readonly levelCount: number;
  /** The level of requests that name none, or one that there is not. */
  readonly defaultLevel: number;
  readonly defaultPolicy: QueuePolicy;
  /** Levels with a policy of their own. */
  readonly policies: ReadonlyMap<number, QueuePolicy>;
}

function policyOf(config: QueuePolicyConfig): QueuePolicy {
  const { default_timeout_microseconds: timeoutUs = 0, max_queue_size: size = 0 } = config;
  return {
    timeoutAction: config.timeout_action ?? 'REJECT',
    defaultTimeout: timeoutUs === 0 ? undefined : micros(timeoutUs),
    allowsOverride: config.allow_timeout_override === true,
    maxQueueSize: size === 0 ? undefined : size,
  };
}

/**
 * The queue policies of a config, or undefined where requests simply wait in the order of arrival. With policies Triton
 * forms no batch before an instance is free to take it (core, scheduler_utils.cc, support_prefetching_), so this also
 * changes how batches grow.
 */
export function readQueuePolicies({ dynamic_batching: batching }: ModelConfig): QueuePolicies | undefined {
  if (batching === undefined) return undefined;
  const levelCount = batching.priority_levels ?? 0;
  const defaultPolicy = policyOf(batching.default_queue_policy ?? {});
  const { defaultTimeout, allowsOverride, maxQueueSize } = defaultPolicy;
  const isPlain = defaultTimeout === undefined && !allowsOverride && maxQueueSize === undefined;
  if (levelCount === 0 && isPlain) return undefined;
  // Without levels there is one queue, and policies by level are not looked at.
  const entries = levelCount === 0 ? [] : Object.entries(batching.priority_queue_policy ?? {});
  return {
    levelCount,
    defaultLevel: levelCount === 0 ? 0 : (batching.default_priority_level ?? 1),
    defaultPolicy,
    policies: new Map(entries.map(([level, config]) => [Number(level), policyOf(config)])),
  };
}

/** The level that a request's `priority` parameter stands for; as in Triton an unknown one is the default. */
export const levelOf = (priority: number, { levelCount, defaultLevel }: QueuePolicies): number =>
  priority >= 1 && priority <= levelCount ? priority : defaultLevel;
