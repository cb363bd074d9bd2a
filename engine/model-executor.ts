/**
 * Between scheduler and instances: writes requests into batch slots, and turns finished slots into answers. Rows are
 * copied once, from the request's bytes into the slot that the session reads.
 */
import type { Clock } from '../src/common/clock.js';
import type { Instant } from '../src/common/units.js';
import type { Failure } from '../src/kserve/status.js';
import type { Tensor } from '../src/kserve/tensor.js';
import type { InferenceRequest, OnOutcome } from './inference.js';
import { describeBatch, readBatch, type TensorParts } from './instance/described-batch.js';
import type { InstancePool } from './instance/instance-pool.js';
import type { SlotControl } from './instance/slot-control.js';
import type { SlotLayout, TensorLayout, TensorShape } from './instance/slot-layout.js';
import { splitRows } from './row-split.js';
import type { BatchSink, ScheduledRequest } from './scheduler/scheduler.js';
import type { ModelStats } from './stats/model-stats.js';
import { reshapeDims } from './tensor-shapes.js';

export interface QueuedInference extends ScheduledRequest {
  readonly request: InferenceRequest;
  readonly onOutcome: OnOutcome;
  readonly queuedAt: Instant;
}

export interface ExecutorOptions {
  readonly pool: InstancePool;
  readonly layout: SlotLayout | undefined;
  readonly inputs: readonly TensorShape[];
  readonly outputs: readonly TensorShape[];
  readonly hasBatchDimension: boolean;
  /** Batches formed or running at most. */
  readonly batchLimit: number;
  readonly stats: ModelStats;
  readonly clock: Clock;
}

interface PlacedBatch {
  readonly requests: QueuedInference[];
  rows: number;
}

export class ModelExecutor implements BatchSink<QueuedInference> {
  readonly #options: ExecutorOptions;
  readonly #placed = new Map<number, PlacedBatch>();
  /** The slot published last, while it may still grow. */
  #openSlot: number | undefined;

  constructor(options: ExecutorOptions) {
    this.#options = options;
  }

  get placedCount(): number {
    return this.#placed.size;
  }

  hasRoom(): boolean {
    return this.#placed.size < this.#options.batchLimit;
  }

  place(batch: readonly QueuedInference[]): void {
    const { pool, layout } = this.#options;
    const slot = pool.takeFreeSlot();
    if (slot === undefined) throw new Error('a batch was placed without a free slot');
    const rows = batch.reduce((sum, { rows }) => sum + rows, 0);
    if (layout === undefined) this.#writeDescribed(slot, batch, rows);
    else {
      let row = 0;
      for (const queued of batch) {
        writeRows(pool.slotBytes(slot), layout.inputs, queued.request.inputs, row);
        row += queued.rows;
      }
    }
    this.#placed.set(slot, { requests: [...batch], rows });
    this.#openSlot = layout === undefined ? undefined : slot;
    pool.publish(slot, rows);
  }

  addToLast(queued: QueuedInference): boolean {
    const { pool, layout } = this.#options;
    const slot = this.#openSlot;
    if (slot === undefined || layout === undefined) return false;
    const batch = this.#placed.get(slot);
    if (batch === undefined || batch.rows + queued.rows > layout.maxRows) return false;
    writeRows(pool.slotBytes(slot), layout.inputs, queued.request.inputs, batch.rows);
    if (!pool.grow(slot, batch.rows, batch.rows + queued.rows)) {
      this.#openSlot = undefined;
      return false;
    }
    batch.requests.push(queued);
    batch.rows += queued.rows;
    return true;
  }

  drop(queued: QueuedInference): void {
    this.#fail(queued, { status: 'CANCELLED', message: 'the request was cancelled before it was executed' });
  }

  /** Answers the requests of a finished slot and frees it. */
  finish(slot: number, control: SlotControl): void {
    const batch = this.#placed.get(slot);
    if (batch === undefined) throw new Error(`slot ${slot} was finished without a batch`);
    this.#placed.delete(slot);
    if (this.#openSlot === slot) this.#openSlot = undefined;
    const { error } = control;
    if (error === undefined) this.#answer(slot, batch, control);
    else for (const queued of batch.requests) this.#fail(queued, { status: 'INTERNAL', message: error });
    this.#options.pool.releaseSlot(slot);
  }

  /** Fails everything that was placed, for instances that will never finish it. */
  failAll(failure: Failure): void {
    const batches = [...this.#placed.values()];
    this.#placed.clear();
    this.#openSlot = undefined;
    for (const { requests } of batches) for (const queued of requests) this.#fail(queued, failure);
  }

  #writeDescribed(slot: number, batch: readonly QueuedInference[], rows: number): void {
    const { pool, inputs, hasBatchDimension } = this.#options;
    const tensors = inputs.map((input): TensorParts => {
      const given = batch.map(({ request }) => request.inputs.find(({ name }) => name === input.name)!);
      const dims = hasBatchDimension ? given[0]!.shape.slice(1) : given[0]!.shape;
      const modelDims = reshapeDims(dims, input.clientDims, input.dims);
      const shape = hasBatchDimension ? [rows, ...modelDims] : modelDims;
      return { name: input.name, dataType: input.dataType, shape, parts: given.map(({ bytes }) => bytes) };
    });
    // A request alone may ask for less; in a batch every output is wanted by someone.
    const requested = batch.length === 1 ? batch[0]!.request.requestedOutputs : [];
    const described = describeBatch(tensors, requested);
    described.writeTo(pool.slotBytes(slot, described.totalBytes));
  }

  #answer(slot: number, batch: PlacedBatch, control: SlotControl): void {
    const { stats, layout, pool, outputs, hasBatchDimension } = this.#options;
    const { times } = control;
    stats.addExecution(times, batch.rows, batch.requests.length, Date.now());
    const bytes = pool.slotBytes(slot);
    const described = layout === undefined ? readBatch(bytes).tensors : [];
    let row = 0;
    for (const queued of batch.requests) {
      const end = row + queued.rows;
      const answer =
        layout === undefined
          ? described.map((tensor) => {
              const mine = hasBatchDimension ? splitRows(tensor, row, end, batch.rows) : tensor;
              return toClientShape(mine, outputs, hasBatchDimension);
            })
          : layout.outputs.map((tensor) => readRows(bytes, tensor, row, end, hasBatchDimension));
      const { requestedOutputs } = queued.request;
      const wanted =
        requestedOutputs.length === 0 ? answer : answer.filter(({ name }) => requestedOutputs.includes(name));
      queued.onOutcome({ state: 'ok', outputs: wanted });
      stats.addSuccess(times.computeStartNs - queued.queuedAt, this.#options.clock.now() - queued.request.receivedAt);
      row = end;
    }
  }

  #fail(queued: QueuedInference, failure: Failure): void {
    this.#options.stats.addFailure(this.#options.clock.now() - queued.request.receivedAt);
    queued.onOutcome({ state: 'failed', failure });
  }
}

function writeRows(slot: Uint8Array, layouts: readonly TensorLayout[], inputs: readonly Tensor[], row: number): void {
  for (const { name, offset, rowBytes } of layouts) {
    const tensor = inputs.length === 1 ? inputs[0]! : inputs.find((input) => input.name === name)!;
    slot.set(tensor.bytes, offset + row * rowBytes);
  }
}

function readRows(
  slot: Uint8Array,
  { name, dataType, clientDims, offset, rowBytes }: TensorLayout,
  row: number,
  end: number,
  hasBatchDimension: boolean,
): Tensor {
  const shape = hasBatchDimension ? [end - row, ...clientDims] : clientDims;
  return { name, dataType, shape, bytes: slot.subarray(offset + row * rowBytes, offset + end * rowBytes) };
}

function toClientShape(tensor: Tensor, outputs: readonly TensorShape[], hasBatchDimension: boolean): Tensor {
  const output = outputs.find(({ name }) => name === tensor.name);
  if (output === undefined || output.dims === output.clientDims) return tensor;
  const dims = hasBatchDimension ? tensor.shape.slice(1) : tensor.shape;
  const clientDims = reshapeDims(dims, output.dims, output.clientDims);
  return { ...tensor, shape: hasBatchDimension ? [tensor.shape[0]!, ...clientDims] : clientDims };
}
