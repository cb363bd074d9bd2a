/**
 * Between scheduler and instances: puts requests into batch slots, and turns finished slots into answers and
 * statistics.
 */
import type { Clock } from '../src/common/clock.js';
import { elapsed } from '../src/common/units.js';
import type { Failure } from '../src/kserve/status.js';
import { type DescribedForm, gatherBatch, splitAnswers } from './described-answers.js';
import { FixedAnswers, moveRows, writeRows } from './fixed-answers.js';
import type { InferenceOutcome } from './inference.js';
import type { InstancePool } from './instance/instance-pool.js';
import type { ExecutionTimes, SlotControl } from './instance/slot-control.js';
import type { SlotLayout } from './instance/slot-layout.js';
import type { QueuedInference } from './queued-inference.js';
import type { BatchSink } from './scheduler/batch-sink.js';
import type { RequestQueue } from './scheduler/request-queue.js';
import type { ModelStats } from './stats/model-stats.js';

export interface ExecutorOptions {
  readonly pool: InstancePool;
  readonly slotCount: number;
  /** Undefined for models whose shapes or element sizes vary. */
  readonly layout: SlotLayout | undefined;
  readonly form: DescribedForm;
  readonly stats: ModelStats;
  readonly clock: Clock;
  /** A cancelled request has left the queue and been told so. */
  readonly onDropped: () => void;
}

/** What is in a slot. One for each slot, reused. */
interface PlacedBatch {
  readonly requests: QueuedInference[];
  rows: number;
}

export class ModelExecutor implements BatchSink<QueuedInference> {
  readonly #options: ExecutorOptions;
  readonly #pool: InstancePool;
  readonly #layout: SlotLayout | undefined;
  readonly #answers: FixedAnswers | undefined;
  readonly #placed: readonly PlacedBatch[];
  #requestCount = 0;

  constructor(options: ExecutorOptions) {
    this.#options = options;
    this.#pool = options.pool;
    this.#layout = options.layout;
    this.#answers = options.layout && new FixedAnswers(options.layout, options.slotCount);
    this.#placed = Array.from({ length: options.slotCount }, () => ({ requests: [], rows: 0 }));
  }

  /** Requests in slots. */
  get requestCount(): number {
    return this.#requestCount;
  }

  hasRoom(): boolean {
    return this.#pool.hasFreeSlot();
  }

  idleInstances(): number {
    return this.#pool.idleInstances();
  }

  waitingBatches(): number {
    return this.#pool.waitingSlots();
  }

  place(queue: RequestQueue<QueuedInference>, count: number): number {
    const slot = this.#pool.takeFreeSlot();
    const batch = this.#placed[slot]!;
    for (let place = 0; place < count; place++) {
      const queued = queue.at(place);
      if (this.#layout !== undefined) {
        writeRows(this.#pool.slotBytes(slot, 0), this.#layout, queued.request.inputs, batch.rows);
      }
      batch.requests.push(queued);
      batch.rows += queued.rows;
    }
    if (this.#layout === undefined) {
      const gathered = gatherBatch(this.#options.form, batch.requests, batch.rows);
      gathered.writeTo(this.#pool.slotBytes(slot, gathered.totalBytes));
    }
    this.#requestCount += count;
    this.#pool.publish(slot, batch.rows);
    return slot;
  }

  add(slot: number, queue: RequestQueue<QueuedInference>, count: number): boolean {
    const layout = this.#layout;
    const batch = this.#placed[slot]!;
    if (layout === undefined) return false;
    let rows = batch.rows;
    for (let place = 0; place < count; place++) {
      const queued = queue.at(place);
      // Rows behind those published are nobody's until the count of rows says otherwise.
      writeRows(this.#pool.slotBytes(slot, 0), layout, queued.request.inputs, rows);
      rows += queued.rows;
    }
    if (!this.#pool.grow(slot, batch.rows, rows)) return false;
    for (let place = 0; place < count; place++) batch.requests.push(queue.at(place));
    batch.rows = rows;
    this.#requestCount += count;
    return true;
  }

  isOpen(slot: number): boolean {
    return this.#layout !== undefined && this.#placed[slot]!.rows > 0 && !this.#pool.isTaken(slot);
  }

  rowsIn(slot: number): number {
    return this.#placed[slot]!.rows;
  }

  oldestIn(slot: number): QueuedInference {
    return this.#placed[slot]!.requests[0]!;
  }

  merge(into: number, from: number): boolean {
    const layout = this.#layout;
    const target = this.#placed[into]!;
    const source = this.#placed[from]!;
    if (layout === undefined || !this.#pool.withdraw(from, source.rows)) return false;
    moveRows(this.#pool.slotBytes(from, 0), source.rows, this.#pool.slotBytes(into, 0), target.rows, layout);
    // Refused when `into` was taken just now: what was withdrawn is then published again once it comes back.
    if (!this.#pool.grow(into, target.rows, target.rows + source.rows)) return false;
    target.requests.push(...source.requests);
    target.rows += source.rows;
    clear(source);
    return true;
  }

  drop(queued: QueuedInference): void {
    const failure: Failure = { status: 'CANCELLED', message: 'the request was cancelled before it was executed' };
    // The request may have been cancelled when it came, and must not be answered within the call that brings it.
    queueMicrotask(() => {
      this.#fail(queued, failure);
      this.#options.onDropped();
    });
  }

  /** Answers the requests of a finished slot and frees it. */
  finish(slot: number, control: SlotControl): void {
    const batch = this.#placed[slot]!;
    if (control.takenRows === 0 && batch.rows > 0) {
      this.#pool.publish(slot, batch.rows);
      return;
    }
    // Nothing is left when the batch was merged into another or failed with its instance.
    if (batch.rows > 0) this.#answerAll(slot, batch, control);
    clear(batch);
    this.#pool.releaseSlot(slot);
  }

  /** Fails everything that was placed, and what was still queued, when instances will never finish it. */
  failAll(queued: readonly QueuedInference[], message: string): void {
    const placed = this.#placed.flatMap(({ requests }) => requests);
    for (const batch of this.#placed) clear(batch);
    this.#requestCount = 0;
    for (const request of placed) this.#fail(request, { status: 'INTERNAL', message });
    for (const request of queued) this.#fail(request, { status: 'UNAVAILABLE', message });
  }

  #answerAll(slot: number, batch: PlacedBatch, control: SlotControl): void {
    const { stats, form } = this.#options;
    const { error } = control;
    const { requests, rows } = batch;
    this.#requestCount -= requests.length;
    if (error !== undefined) {
      for (const queued of requests) this.#fail(queued, { status: 'INTERNAL', message: error });
      return;
    }
    const { times } = control;
    stats.addExecution(times, rows, requests.length, Date.now());
    const bytes = this.#pool.slotBytes(slot, 0);
    const split = this.#answers === undefined ? splitAnswers(form, bytes, requests, rows) : undefined;
    let row = 0;
    for (let place = 0; place < requests.length; place++) {
      const queued = requests[place]!;
      const outcome = split?.[place] ?? this.#answers!.answer(slot, bytes, row, queued.rows);
      row += queued.rows;
      this.#answer(queued, outcome, times);
    }
  }

  #answer(queued: QueuedInference, outcome: InferenceOutcome, times: ExecutionTimes): void {
    if (outcome.state === 'failed') {
      this.#fail(queued, outcome.failure);
      return;
    }
    const { requestedOutputs } = queued.request;
    queued.onOutcome(requestedOutputs.length === 0 ? outcome : onlyRequested(outcome.outputs, requestedOutputs));
    const { stats, clock } = this.#options;
    stats.addSuccess(times.computeStartNs - queued.queuedAt, elapsed(queued.request.receivedAt, clock.now()));
  }

  #fail(queued: QueuedInference, failure: Failure): void {
    const { stats, clock } = this.#options;
    stats.addFailure(elapsed(queued.request.receivedAt, clock.now()));
    queued.onOutcome({ state: 'failed', failure });
  }
}

function clear(batch: PlacedBatch): void {
  batch.requests.length = 0;
  batch.rows = 0;
}

function onlyRequested(
  outputs: Extract<InferenceOutcome, { state: 'ok' }>['outputs'],
  requested: readonly string[],
): InferenceOutcome {
  return { state: 'ok', outputs: outputs.filter(({ name }) => requested.includes(name)) };
}
