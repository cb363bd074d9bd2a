/** A model's statistics with Triton's meaning: a batch adds its full compute time to each of its requests. */
import type { InferBatchStatistics, ModelStatistics, StatisticDuration } from '../../src/kserve/metadata.js';
import type { ExecutionTimes } from '../instance/slot-control.js';
import type { FailureReason } from '../served-model.js';
import type { WarmUpRun } from '../warm-up/warm-up-sample.js';

class DurationSum {
  #count = 0;
  #ns = 0;

  add(ns: number, count = 1): void {
    this.#count += count;
    this.#ns += Math.max(0, ns) * count;
  }

  addSum(ns: number, count: number): void {
    this.#count += count;
    this.#ns += ns;
  }

  read(): StatisticDuration {
    return { count: this.#count, ns: this.#ns };
  }
}

class ComputeSums {
  readonly input = new DurationSum();
  readonly infer = new DurationSum();
  readonly output = new DurationSum();

  add(times: ExecutionTimes, count: number): void {
    this.input.add(times.inferStartNs - times.computeStartNs, count);
    this.infer.add(times.inferEndNs - times.inferStartNs, count);
    this.output.add(times.computeEndNs - times.inferEndNs, count);
  }

  read(): Pick<InferBatchStatistics, 'compute_input' | 'compute_infer' | 'compute_output'> {
    return { compute_input: this.input.read(), compute_infer: this.infer.read(), compute_output: this.output.read() };
  }
}

const none: StatisticDuration = { count: 0, ns: 0 };

export class ModelStats {
  readonly #success = new DurationSum();
  readonly #fail = new DurationSum();
  readonly #queue = new DurationSum();
  readonly #compute = new ComputeSums();
  readonly #batches = new Map<number, ComputeSums>();
  #inferenceCount = 0;
  #executionCount = 0;
  #lastInferenceMs = 0;
  readonly #failureCounts: Record<FailureReason, number> = { REJECTED: 0, CANCELED: 0, BACKEND: 0, OTHER: 0 };

  /** One execution of `rows` rows that came in `requestCount` requests. */
  addExecution(times: ExecutionTimes, rows: number, requestCount: number, wallClockMs: number): void {
    this.#inferenceCount += rows;
    this.#executionCount++;
    this.#lastInferenceMs = wallClockMs;
    this.#compute.add(times, requestCount);
    let batch = this.#batches.get(rows);
    if (batch === undefined) {
      batch = new ComputeSums();
      this.#batches.set(rows, batch);
    }
    batch.add(times, 1);
  }

  /** Answered requests: their times in the queue and from arrival to answer, added up. */
  addSuccesses(count: number, queueNs: number, totalNs: number): void {
    this.#queue.addSum(queueNs, count);
    this.#success.addSum(totalNs, count);
  }

  /** Warm-up counts as what clients send, as in Triton: a sample of N rows is N requests in one execution. */
  addWarmUp({ requestCount, startNs, endNs, wallClockMs }: WarmUpRun): void {
    if (requestCount === 0) return;
    const times = { computeStartNs: startNs, inferStartNs: startNs, inferEndNs: endNs, computeEndNs: endNs };
    this.addExecution(times, requestCount, requestCount, wallClockMs);
    this.addSuccesses(requestCount, 0, requestCount * Math.max(0, endNs - startNs));
  }

  /** One request that was accepted and failed, after so long. */
  addFailure(totalNs: number, reason: FailureReason): void {
    this.#fail.add(totalNs);
    this.#failureCounts[reason]++;
  }

  failureCounts(): Readonly<Record<FailureReason, number>> {
    return { ...this.#failureCounts };
  }

  read(name: string, version: string): ModelStatistics {
    return {
      name,
      version,
      last_inference: this.#lastInferenceMs,
      inference_count: this.#inferenceCount,
      execution_count: this.#executionCount,
      inference_stats: {
        success: this.#success.read(),
        fail: this.#fail.read(),
        queue: this.#queue.read(),
        ...this.#compute.read(),
        cache_hit: none,
        cache_miss: none,
      },
      batch_stats: [...this.#batches]
        .sort(([a], [b]) => a - b)
        .map(([size, sums]) => ({ batch_size: size, ...sums.read() })),
    };
  }
}
