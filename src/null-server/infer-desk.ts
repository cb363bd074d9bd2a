/** Where every inference request of a null server is booked: asks the schedule for its instant, and keeps what really came of it. */
import { nowNs } from '../common/clock.js';
import type { ModelStatistics } from '../kserve/metadata.js';
import { AnswerSchedule } from './answer-schedule.js';
import { DueQueue } from './due-queue.js';
import type { NullServerConfig, NullServerReport } from './null-behavior.js';

/** Delays kept for percentiles; a longer run keeps its first. */
const MAX_DELAYS = 4_000_000;

export class InferDesk {
  readonly #schedule: AnswerSchedule;
  readonly #queue = new DueQueue();
  readonly #metadata: NullServerConfig['metadata'];
  #delaysNs = new Float64Array(4096);
  #answeredCount = 0;
  #delaySumNs = 0;

  constructor(config: NullServerConfig) {
    this.#schedule = new AnswerSchedule(config.behavior);
    this.#metadata = config.metadata;
  }

  /** Calls `write` when the request that came at `arrivedNs` is to be answered: at once, later, or never. */
  take(arrivedNs: number, write: () => void): void {
    const dueNs = this.#schedule.next(arrivedNs);
    if (dueNs === undefined) return;
    if (dueNs <= arrivedNs) {
      write();
      this.#note(arrivedNs);
      return;
    }
    this.#queue.add(dueNs, () => {
      write();
      this.#note(arrivedNs);
    });
  }

  report(): NullServerReport {
    const { freezeNs } = this.#schedule;
    const delays = this.#delaysNs.slice(0, Math.min(this.#answeredCount, MAX_DELAYS)).sort();
    const at = (share: number): number => delays[Math.max(0, Math.ceil(share * delays.length) - 1)] ?? 0;
    return {
      requestCount: this.#schedule.requestCount,
      answeredCount: this.#answeredCount,
      droppedCount: this.#schedule.droppedCount,
      ...(freezeNs && { freezeNs }),
      delayNs: { mean: this.#meanNs(), p50: at(0.5), p99: at(0.99), max: at(1) },
    };
  }

  /** The whole delay as compute time: a null server has no queue that it could tell apart. */
  statistics(): ModelStatistics {
    const none = { count: 0, ns: 0 };
    const all = { count: this.#answeredCount, ns: Math.round(this.#delaySumNs) };
    const nothing = { count: this.#answeredCount, ns: 0 };
    return {
      name: this.#metadata.name,
      version: this.#metadata.versions[0] ?? '1',
      last_inference: 0,
      inference_count: this.#answeredCount,
      execution_count: this.#answeredCount,
      inference_stats: {
        success: all,
        fail: none,
        queue: nothing,
        compute_input: nothing,
        compute_infer: all,
        compute_output: nothing,
        cache_hit: none,
        cache_miss: none,
      },
      batch_stats: [],
    };
  }

  close(): void {
    this.#queue.close();
  }

  #note(arrivedNs: number): void {
    const delayNs = nowNs() - arrivedNs;
    this.#delaySumNs += delayNs;
    if (this.#answeredCount < MAX_DELAYS) {
      if (this.#answeredCount === this.#delaysNs.length) this.#grow();
      this.#delaysNs[this.#answeredCount] = delayNs;
    }
    this.#answeredCount++;
  }

  #grow(): void {
    const larger = new Float64Array(Math.min(MAX_DELAYS, this.#delaysNs.length * 4));
    larger.set(this.#delaysNs);
    this.#delaysNs = larger;
  }

  #meanNs(): number {
    return this.#answeredCount === 0 ? 0 : this.#delaySumNs / this.#answeredCount;
  }
}
