/**
 * Between scheduler and instances: puts requests into batch slots, and turns finished slots into answers and
 * statistics.
 */
import { appendAll } from '../src/common/append-all.js';
import type { Clock } from '../src/common/clock.js';
import { elapsed, type Instant } from '../src/common/units.js';
import type { Failure } from '../src/kserve/status.js';
import { type DescribedForm, gatherBatch, splitAnswers } from './described-answers.js';
import { FixedAnswers, moveRows, writeRows } from './fixed-answers.js';
import type { InferenceOutcome, InferenceRequest } from './inference.js';
import { borrowingFor, type InputBorrowing } from './input-borrowing.js';
import type { InstancePool } from './instance/instance-pool.js';
import type { ExecutionTimes, SlotControl } from './instance/slot-control.js';
import type { SlotLayout } from './instance/slot-layout.js';
import type { EngineLog } from './log/engine-log.js';
import type { QueuedInference } from './queued-inference.js';
import type { BatchSink, DropReason } from './scheduler/batch-sink.js';
import type { QueuedRequests } from './scheduler/queued-requests.js';
import type { FailureReason } from './served-model.js';
import type { ModelStats } from './stats/model-stats.js';

export interface ExecutorOptions {
  readonly pool: InstancePool;
  readonly slotCount: number;
  /** Undefined for models whose shapes or element sizes vary. */
  readonly layout: SlotLayout | undefined;
  readonly form: DescribedForm;
  /** Large inputs may be left where they arrived; false where they have to come from the memory of slots. */
  readonly borrowsInputs?: boolean;
  readonly stats: ModelStats;
  readonly clock: Clock;
  readonly log: EngineLog;
  readonly model: { readonly name: string; readonly version: string };
  /** A request has left the queue unexecuted and been told so. */
  readonly onDropped: () => void;
}

/** What is in a slot. One for each slot, reused. */
interface PlacedBatch {
  readonly requests: QueuedInference[];
  rows: number;
  /** Time that copying its inputs took, as far as that is measured. */
  copyNs: number;
}

/** Copying less than this takes about as long as reading the clock twice, and is not measured. */
const MEASURED_COPY_BYTES = 4096;

export class ModelExecutor implements BatchSink<QueuedInference> {
  readonly #options: ExecutorOptions;
  readonly #pool: InstancePool;
  readonly #layout: SlotLayout | undefined;
  readonly #answers: FixedAnswers | undefined;
  readonly #placed: readonly PlacedBatch[];
  readonly #borrowing: InputBorrowing | undefined;
  /** Bytes of a row's inputs; all copies are measured where they are not known beforehand. */
  readonly #rowBytes: number;
  #requestCount = 0;

  constructor(options: ExecutorOptions) {
    this.#options = options;
    this.#pool = options.pool;
    this.#layout = options.layout;
    this.#answers = options.layout && new FixedAnswers(options.layout);
    this.#borrowing = options.borrowsInputs === true ? borrowingFor(options.layout, options.pool) : undefined;
    this.#placed = Array.from({ length: options.slotCount }, () => ({ requests: [], rows: 0, copyNs: 0 }));
    this.#rowBytes = options.layout?.inputs.reduce((sum, { rowBytes }) => sum + rowBytes, 0) ?? MEASURED_COPY_BYTES;
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

  dispatchesLater(): boolean {
    return this.#pool.arrangesTurn?.() === true;
  }

  waitingBatches(): number {
    return this.#pool.waitingSlots();
  }

  /** Requests in slots that no instance has taken. */
  waitingRequests(): number {
    let count = 0;
    for (const slot of this.#pool.busySlots())
      if (!this.#pool.isTaken(slot)) count += this.#placed[slot]!.requests.length;
    return count;
  }

  place(queue: QueuedRequests<QueuedInference>, count: number): number {
    const slot = this.#pool.takeFreeSlot();
    const batch = this.#placed[slot]!;
    const copyStart = this.#copyStart(queue, count);
    const bytes = this.#pool.slotBytes(slot, 0);
    const isBorrowed = count === 1 && this.#borrowing?.borrow(slot, queue.at(0).request) === true;
    for (let place = 0; place < count; place++) {
      const queued = queue.at(place);
      if (this.#layout !== undefined && !isBorrowed) writeRows(bytes, this.#layout, queued.request.inputs, batch.rows);
      batch.requests.push(queued);
      batch.rows += queued.rows;
    }
    if (this.#layout === undefined) {
      const gathered = gatherBatch(this.#options.form, batch.requests, batch.rows);
      gathered.writeTo(this.#pool.slotBytes(slot, gathered.totalBytes));
    }
    batch.copyNs = this.#copyTime(copyStart);
    this.#requestCount += count;
    this.#pool.publish(slot, batch.rows);
    return slot;
  }

  add(slot: number, queue: QueuedRequests<QueuedInference>, count: number): boolean {
    const layout = this.#layout;
    const batch = this.#placed[slot]!;
    if (layout === undefined) return false;
    const copyStart = this.#copyStart(queue, count);
    let rows = batch.rows;
    const bytes = this.#pool.slotBytes(slot, 0);
    this.#borrowing?.bringHome(slot);
    for (let place = 0; place < count; place++) {
      const queued = queue.at(place);
      // Rows behind those published are nobody's until the count of rows says otherwise.
      writeRows(bytes, layout, queued.request.inputs, rows);
      rows += queued.rows;
    }
    if (!this.#pool.grow(slot, batch.rows, rows)) return false;
    batch.copyNs += this.#copyTime(copyStart);
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
    this.#borrowing?.bringHome(into);
    if (this.#borrowing?.writeTo(from, into, target.rows) !== true) {
      moveRows(this.#pool.slotBytes(from, 0), source.rows, this.#pool.slotBytes(into, 0), target.rows, layout);
    }
    // Refused when `into` was taken just now: what was withdrawn is then published again once it comes back.
    if (!this.#pool.grow(into, target.rows, target.rows + source.rows)) return false;
    appendAll(target.requests, source.requests);
    target.rows += source.rows;
    target.copyNs += source.copyNs;
    clear(source);
    return true;
  }

  drop(queued: QueuedInference, reason: DropReason): void {
    // It may never have been in the queue, and must not be answered within the call that brings it.
    queueMicrotask(() => {
      // A request that the queue had no place for was not accepted, and Triton does not count those.
      if (reason === 'queue full') queued.onOutcome({ state: 'failed', failure: queueFull(queued.request) });
      else if (reason === 'expired') this.#fail(queued, expired, 'REJECTED');
      else this.#fail(queued, cancelled, 'CANCELED');
      this.#options.onDropped();
    });
  }

  dropCancelled(): void {
    for (const slot of this.#pool.busySlots()) {
      const batch = this.#placed[slot]!;
      const { requests, rows } = batch;
      // Rows of others cannot be moved up, so a batch goes as a whole or not at all.
      if (requests.length === 0 || !requests.every((queued) => queued.isCancelled())) continue;
      if (this.#pool.isTaken(slot) || !this.#pool.withdraw(slot, rows)) continue;
      this.#requestCount -= requests.length;
      for (const queued of requests) this.drop(queued, 'cancelled');
      clear(batch);
    }
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
    this.#borrowing?.forget(slot);
    this.#pool.releaseSlot(slot);
  }

  /** Fails everything that was placed, and what was still queued, when instances will never finish it. */
  failAll(queued: readonly QueuedInference[], message: string): void {
    const placed = this.#placed.flatMap(({ requests }) => requests);
    for (const batch of this.#placed) clear(batch);
    this.#requestCount = 0;
    for (const request of placed) this.#fail(request, { status: 'INTERNAL', message }, 'BACKEND');
    for (const request of queued) this.#fail(request, { status: 'UNAVAILABLE', message }, 'OTHER');
  }

  /** When the copying of requests that are to be placed begins, or undefined where it is too short to be measured. */
  #copyStart(queue: QueuedRequests<QueuedInference>, count: number): Instant | undefined {
    // Most batches are far above or below it, so the first request stands for all.
    return this.#rowBytes * queue.at(0).rows * count >= MEASURED_COPY_BYTES ? this.#options.clock.now() : undefined;
  }

  #copyTime(start: Instant | undefined): number {
    return start === undefined ? 0 : elapsed(start, this.#options.clock.now());
  }

  #answerAll(slot: number, batch: PlacedBatch, control: SlotControl): void {
    const { stats, form } = this.#options;
    const { error } = control;
    const { requests, rows } = batch;
    this.#requestCount -= requests.length;
    const times = withCopy(control.times, batch);
    if (this.#options.log.tellsExecutions) this.#tell(batch, times, control.instance);
    if (error !== undefined) {
      for (const queued of requests) this.#fail(queued, { status: 'INTERNAL', message: error }, 'BACKEND');
      return;
    }
    stats.addExecution(times, rows, requests.length, Date.now());
    const bytes = this.#pool.slotBytes(slot, 0);
    // Outputs of another shape than the model declares come described from a fixed layout too.
    const split =
      this.#answers === undefined || control.hasSpilled ? splitAnswers(form, bytes, requests, rows) : undefined;
    const firstReceivedAt = requests[0]!.request.receivedAt;
    let row = 0;
    let goodCount = 0;
    let queueNs = 0;
    let receivedNs = 0;
    for (let place = 0; place < requests.length; place++) {
      const queued = requests[place]!;
      const outcome = split?.[place] ?? this.#answers!.answer(slot, bytes, row, queued.rows);
      row += queued.rows;
      if (outcome.state === 'failed') {
        this.#fail(queued, outcome.failure, 'BACKEND');
        continue;
      }
      const { requestedOutputs, receivedAt } = queued.request;
      queued.onOutcome(requestedOutputs.length === 0 ? outcome : onlyRequested(outcome.outputs, requestedOutputs));
      goodCount++;
      queueNs += Math.max(0, times.computeStartNs - queued.queuedAt);
      receivedNs += elapsed(firstReceivedAt, receivedAt);
    }
    // One look at the clock for all: answers leave together. Sums of instants would lose their last digits.
    const totalNs = goodCount * elapsed(firstReceivedAt, this.#options.clock.now()) - receivedNs;
    stats.addSuccesses(goodCount, queueNs, totalNs);
  }

  #tell({ requests, rows }: PlacedBatch, times: ExecutionTimes, instance: number): void {
    const { log, model, pool } = this.#options;
    const oldest = requests.reduce((first, { queuedAt }) => Math.min(first, queuedAt), Number.POSITIVE_INFINITY);
    log.executed({
      model: model.name,
      version: model.version,
      instance: pool.instanceName(instance),
      batchSize: rows,
      requestCount: requests.length,
      queueNs: Math.max(0, times.computeStartNs - oldest),
      computeInputNs: times.inferStartNs - times.computeStartNs,
      computeInferNs: times.inferEndNs - times.inferStartNs,
      computeOutputNs: times.computeEndNs - times.inferEndNs,
    });
  }

  #fail(queued: QueuedInference, failure: Failure, reason: FailureReason): void {
    const { stats, clock } = this.#options;
    stats.addFailure(elapsed(queued.request.receivedAt, clock.now()), reason);
    queued.onOutcome({ state: 'failed', failure });
  }
}

function clear(batch: PlacedBatch): void {
  batch.requests.length = 0;
  batch.rows = 0;
  batch.copyNs = 0;
}

const cancelled: Failure = { status: 'CANCELLED', message: 'the request was cancelled before it was executed' };
const expired: Failure = { status: 'UNAVAILABLE', message: 'Request timeout expired' };

const queueFull = ({ id }: InferenceRequest): Failure => ({
  status: 'UNAVAILABLE',
  message: `[request id: ${id === '' ? '<id_unknown>' : id}] Exceeds maximum queue size`,
});

/**
 * Inputs are copied while the batch waits, not by the instance that takes it. What Triton's users know as the end of
 * queuing and the beginning of compute input is therefore put as much earlier as the copying took.
 */
function withCopy(times: ExecutionTimes, { requests, copyNs }: PlacedBatch): ExecutionTimes {
  if (copyNs === 0) return times;
  const { computeStartNs } = times;
  // Never before the newest request came, or its parts would add up to more than the whole.
  const waitedNs = Math.max(0, computeStartNs - requests.at(-1)!.queuedAt);
  return { ...times, computeStartNs: computeStartNs - Math.min(copyNs, waitedNs) };
}

function onlyRequested(
  outputs: Extract<InferenceOutcome, { state: 'ok' }>['outputs'],
  requested: readonly string[],
): InferenceOutcome {
  return { state: 'ok', outputs: outputs.filter(({ name }) => requested.includes(name)) };
}
