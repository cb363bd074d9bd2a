import { describe, expect, it } from 'vitest';
import type { PerfTsError } from '../../../src/common/errors.js';
import { parseConstraint } from '../../../src/tune/objectives/constraint.js';
import { parseObjective } from '../../../src/tune/objectives/objective.js';
import { checkMeasurable, type MeasuredWhere } from '../../../src/tune/studies/measurable.js';

const everything: MeasuredWhere = { visible: { gpus: true, memory: true, energy: true }, areSeveral: false };
const nothing: MeasuredWhere = { visible: { gpus: false, memory: false, energy: false }, areSeveral: true };

function problemsOf(objective: string, limits: readonly string[], where: MeasuredWhere): string[] {
  try {
    checkMeasurable(parseObjective(objective), limits.map(parseConstraint), where);
  } catch (thrown) {
    return (thrown as PerfTsError).problems.map((problem) => `${problem.where} ${problem.what}`);
  }
  return [];
}

const limits = [
  'latency_p99 <= 5ms',
  'throughput >= 3',
  'gpu_memory <= 2GiB',
  'gpu_utilization >= 3%',
  'memory_rss <= 1GiB',
  'energy_per_inference <= 3mJ',
  'queue_time <= 3ms',
  'response_wait_time <= 3ms',
];

describe('limits and objectives that nothing here can measure', () => {
  it('are told all together, before any trial', () => {
    const told = problemsOf('gpu_memory', limits, nothing);
    expect(told).toHaveLength(7);
    expect(told[0]).toBe("--objective 'gpu_memory' cannot be measured: no GPU of the server can be seen from here");
    expect(told.join()).not.toMatch(/latency_p99|throughput/);
  });

  it('are none where everything can be seen', () => {
    expect(problemsOf('gpu_memory', limits, everything)).toEqual([]);
  });
});
