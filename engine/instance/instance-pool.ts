/**
 * A model's instances and the batch slots they share, as the scheduler's side sees them: put a batch into a free slot,
 * perhaps add rows until an instance takes it, be told when it is done. Decides nothing.
 */
import type { TensorSpec } from '../../src/kserve/tensor.js';
import type { InstanceWorkerData } from './instance-messages.js';
import { InstanceThread } from './instance-thread.js';
import { SharedSlots, type SharedSlotsOptions } from './shared-slots.js';

export interface ServeOptions extends SharedSlotsOptions {
  /** An instance's thread ended by itself; the pool is of no use any more. */
  readonly onDeath: (reason: string) => void;
}

/** Instances whose sessions are there, but that do not take batches yet. */
export interface ReadyInstances {
  /** What the sessions take and return. */
  readonly inputs: readonly TensorSpec[];
  readonly outputs: readonly TensorSpec[];
  serve(options: ServeOptions): InstancePool;
  /** Ends the threads instead. */
  discard(): Promise<void>;
}

export interface InstancePool {
  hasFreeSlot(): boolean;
  /** A slot to fill; there must be a free one. */
  takeFreeSlot(): number;
  /** The slot's memory, at least `byteLength` long. */
  slotBytes(slot: number, byteLength: number): Uint8Array;
  publish(slot: number, rows: number): void;
  /** Adds rows to a published slot; false when an instance has taken it meanwhile. */
  grow(slot: number, fromRows: number, toRows: number): boolean;
  /** Empties a published slot; false when an instance has taken it. It comes back as done, without rows. */
  withdraw(slot: number, rows: number): boolean;
  isTaken(slot: number): boolean;
  /** Instances that run nothing. */
  idleInstances(): number;
  /** Published slots that no instance has taken. */
  waitingSlots(): number;
  /** Gives back a slot whose batch is done. */
  releaseSlot(slot: number): void;
  /** Ends the threads once they have done what was published. */
  close(): Promise<void>;
}

/**
 * Starts the threads and waits for their sessions.
 * @throws Error when one cannot be made; the others have ended by then.
 */
export async function startInstances(count: number, workerData: InstanceWorkerData): Promise<ReadyInstances> {
  const threads = Array.from({ length: count }, (_, index) => new InstanceThread(index, workerData));
  const results = await Promise.allSettled(threads.map((thread) => thread.ready));
  const failed = results.find((result) => result.status === 'rejected');
  if (failed !== undefined) {
    await discardThreads(threads);
    throw failed.reason;
  }
  const { inputs, outputs } = await threads[0]!.ready;
  return {
    inputs,
    outputs,
    serve: (options) => createPool(threads, options),
    discard: () => discardThreads(threads),
  };
}

async function discardThreads(threads: readonly InstanceThread[]): Promise<void> {
  for (const thread of threads) thread.post({ kind: 'end' });
  await Promise.all(threads.map((thread) => thread.ended()));
}

function createPool(threads: readonly InstanceThread[], options: ServeOptions): InstancePool {
  const slots = new SharedSlots(options);
  let closing: Promise<void> | undefined;
  for (const thread of threads) {
    thread.onExit((reason) => {
      if (closing === undefined) options.onDeath(reason);
    });
    thread.post(slots.createOrder());
  }
  slots.watch();
  return {
    hasFreeSlot: () => slots.hasFree,
    takeFreeSlot() {
      const slot = slots.take();
      if (slot === undefined) throw new Error('no batch slot is free');
      return slot;
    },
    slotBytes: (slot, byteLength) => slots.bytesOf(slot, byteLength),
    publish: (slot, rows) => slots.publish(slot, rows),
    grow: (slot, fromRows, toRows) => slots.controls[slot]!.grow(fromRows, toRows),
    withdraw: (slot, rows) => slots.controls[slot]!.withdraw(rows),
    isTaken: (slot) => slots.controls[slot]!.isTaken,
    idleInstances: () => threads.length - slots.ring.runningCount,
    waitingSlots: () => slots.ring.waitingCount,
    releaseSlot: (slot) => slots.release(slot),
    close() {
      closing ??= endThreads(slots, threads);
      return closing;
    },
  };
}

async function endThreads(slots: SharedSlots, threads: readonly InstanceThread[]): Promise<void> {
  slots.stop();
  await Promise.all(threads.map((thread) => thread.ended()));
  slots.closePorts();
}
