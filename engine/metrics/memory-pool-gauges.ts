/** The pinned memory pool as Triton's gauges. */
import type { MetricFamily } from './prometheus-text.js';

/** What a memory pool tells of itself. */
export interface MemoryPoolGauges {
  readonly totalBytes: number;
  readonly usedBytes: number;
}

export const pinnedPoolMetrics = ({ totalBytes, usedBytes }: MemoryPoolGauges): readonly MetricFamily[] => [
  {
    name: 'nv_pinned_memory_pool_total_bytes',
    help: 'Pinned memory pool total memory size, in bytes',
    type: 'gauge',
    samples: [{ labels: {}, value: totalBytes }],
  },
  {
    name: 'nv_pinned_memory_pool_used_bytes',
    help: 'Pinned memory pool used memory size, in bytes',
    type: 'gauge',
    samples: [{ labels: {}, value: usedBytes }],
  },
];
