/**
 * The table of knobs: what can be tuned, which values make sense on this host, and how a value is read and written. A
 * knob is added by adding a row. Rows stand in the order in which a change usually pays, because a search with a small
 * budget starts at the top; the provider stands before its options, because it is written first.
 */

import type { KnobValue } from '../strategies/strategy.js';
import { dynamicBatching, maxBatchSize, maxQueueDelay, preferredBatchSizes } from './batching-knobs.js';
import { furtherInstanceCounts, instanceCount } from './instance-knobs.js';
import { batches, type Knob, type KnobContext } from './knob.js';
import { clientBatchSize, clientConcurrency } from './load-knobs.js';
import { precision } from './precision-knob.js';
import { executionProvider, providerOptionKnobs } from './provider-knobs.js';
import { bufferThreads, cudaMemoryPool, grpcInferThreads, pinnedMemoryPool, runtime } from './server-knobs.js';
import {
  arenaShrinkage,
  executionMode,
  graphLevel,
  interOpThreads,
  intraOpThreads,
  memoryArena,
  memoryPattern,
} from './session-knobs.js';

export { fairValues, type Knob, type KnobContext, type ReadKnob, scopeOfValue } from './knob.js';

export const knobs: readonly Knob[] = [
  executionProvider,
  ...providerOptionKnobs,
  precision,
  instanceCount,
  ...furtherInstanceCounts,
  intraOpThreads,
  dynamicBatching,
  maxBatchSize,
  maxQueueDelay,
  preferredBatchSizes,
  graphLevel,
  executionMode,
  interOpThreads,
  memoryArena,
  arenaShrinkage,
  memoryPattern,
  runtime,
  pinnedMemoryPool,
  cudaMemoryPool,
  grpcInferThreads,
  bufferThreads,
  clientBatchSize,
  clientConcurrency,
];

/**
 * Start points that often beat a newcomer's config, as values by knob name over the defaults: one thread for each of
 * as many instances as there are cores; one instance that batches; both; each execution provider with a few instances
 * and batches. The search space drops what it does not tune.
 */
export function presetValues(context: KnobContext): readonly Readonly<Record<string, KnobValue>>[] {
  const { config, cpuCount, providers = [] } = context;
  const spread = { instance_count: cpuCount, intra_op_threads: 1 };
  const single = { instance_count: 1, intra_op_threads: 'default' };
  // Never less than the model takes now, unless that is allowed.
  const least = context.mayNarrow === true ? 0 : (config.max_batch_size ?? 0);
  const batch = { dynamic_batching: true, max_batch_size: Math.max(8, least) };
  const accelerated = providers
    .filter((name) => name !== 'cpu')
    .flatMap((name) => {
      const start = { execution_provider: name, instance_count: 2, ...(batches(config) && batch) };
      return name === 'tensorrt' ? [{ ...start, tensorrt_precision_mode: 'FP16' }, start] : [start];
    });
  if (!batches(config)) return [...accelerated, spread, single];
  return [...accelerated, spread, { ...spread, ...batch }, { ...single, ...batch }, single];
}
