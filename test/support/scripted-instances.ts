/** Drives a real scheduler with instances that take and finish batches when a test says so, under a manual clock. */
import type { BatchPolicy } from '../../engine/scheduler/batch-decision.js';
import type { BatchSink, DropReason, ScheduledRequest } from '../../engine/scheduler/batch-sink.js';
import type { QueuePolicies } from '../../engine/scheduler/queue-policy.js';
import type { QueuedRequests } from '../../engine/scheduler/queued-requests.js';
import { Scheduler } from '../../engine/scheduler/scheduler.js';
import { type Instant, instant, micros } from '../../src/common/units.js';
import { ManualClock } from './manual-clock.js';

export interface ScriptedRequest extends ScheduledRequest {
  readonly id: number;
  isGone: boolean;
}

/** Instances that take the oldest waiting batch when the test says so. */
export class ScriptedInstances implements BatchSink<ScriptedRequest> {
  readonly batches = new Map<number, ScriptedRequest[]>();
  readonly waiting: number[] = [];
  readonly running = new Set<number>();
  readonly executed: number[][] = [];
  readonly dropped: number[] = [];
  readonly dropReasons: DropReason[] = [];
  readonly #slots: number;
  readonly #instances: number;
  #next = 0;

  constructor(instances: number) {
    this.#instances = instances;
    this.#slots = 3 * instances;
  }

  hasRoom = () => this.batches.size < this.#slots;
  idleInstances = () => this.#instances - this.running.size;
  waitingBatches = () => this.waiting.length;
  isOpen = (batch: number) => this.waiting.includes(batch);
  rowsIn = (batch: number) => this.batches.get(batch)!.reduce((sum, { rows }) => sum + rows, 0);
  oldestIn = (batch: number) => this.batches.get(batch)![0]!;

  place(queue: QueuedRequests<ScriptedRequest>, count: number): number {
    const batch = this.#next++;
    this.batches.set(batch, this.#head(queue, count));
    this.waiting.push(batch);
    return batch;
  }

  add(batch: number, queue: QueuedRequests<ScriptedRequest>, count: number): boolean {
    if (!this.isOpen(batch)) return false;
    this.batches.get(batch)!.push(...this.#head(queue, count));
    return true;
  }

  merge(into: number, from: number): boolean {
    this.batches.get(into)!.push(...this.batches.get(from)!);
    this.batches.delete(from);
    this.waiting.splice(this.waiting.indexOf(from), 1);
    return true;
  }

  drop(request: ScriptedRequest, reason: DropReason): void {
    this.dropped.push(request.id);
    this.dropReasons.push(reason);
  }

  /** What stands in a batch here stays there. */
  dropCancelled(): void {}

  /** An idle instance takes the oldest batch; its number is returned. */
  take(): number {
    const batch = this.waiting.shift()!;
    this.running.add(batch);
    this.executed.push(this.batches.get(batch)!.map(({ id }) => id));
    return batch;
  }

  finish(batch: number): void {
    this.running.delete(batch);
    this.batches.delete(batch);
  }

  #head = (queue: QueuedRequests<ScriptedRequest>, count: number) =>
    Array.from({ length: count }, (_, place) => queue.at(place));
}

interface Asked {
  readonly priority?: number;
  readonly timeoutUs?: number;
}

export function scriptScheduler(parts: Partial<BatchPolicy> = {}, instances = 1, queuePolicies?: QueuePolicies) {
  const clock = new ManualClock();
  const sink = new ScriptedInstances(instances);
  const policy: BatchPolicy = {
    isDynamic: true,
    maxBatchSize: 8,
    preferredBatchSizes: [8],
    maxQueueDelay: micros(0),
    preservesOrdering: false,
    ...parts,
  };
  let wakes = 0;
  const createTimer = (onWake: () => void) =>
    createTimerOf(() => {
      wakes++;
      onWake();
    });
  const createTimerOf = (onWake: () => void) => {
    let due: Instant | undefined;
    return {
      wakeAt(at: Instant) {
        due = at;
        clock.schedule(at - clock.now(), () => {
          if (due !== at) return;
          due = undefined;
          onWake();
        });
      },
      cancel() {
        due = undefined;
      },
    };
  };
  const scheduler = new Scheduler<ScriptedRequest>({
    policy,
    queuePolicies,
    sink,
    clock,
    createTimer,
    createTidyTimer: createTimerOf,
  });
  let nextId = 0;
  const enqueue = (rows = 1, shapeKey = '', { priority = 0, timeoutUs = 0 }: Asked = {}): ScriptedRequest => {
    const request: ScriptedRequest = {
      id: nextId++,
      rows,
      shapeKey,
      queuedAt: instant(clock.now()),
      priority,
      timeoutUs,
      expiresAt: undefined,
      isGone: false,
      isCancelled: () => request.isGone,
    };
    scheduler.enqueue(request);
    return request;
  };
  const enqueueMany = (count: number): void => {
    for (let i = 0; i < count; i++) enqueue();
  };
  return { clock, sink, scheduler, enqueue, enqueueMany, wakes: () => wakes };
}

/** Rows of the batches that no instance has taken, oldest first. */
export const sizesOf = (sink: ScriptedInstances): number[] => sink.waiting.map((batch) => sink.rowsIn(batch));
