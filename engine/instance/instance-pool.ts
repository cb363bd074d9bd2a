/**
 * A model's instances and the batch slots they share, as the scheduler's side sees them: put a batch into a free slot,
 * perhaps add rows until an instance takes it, be told when it is done. Decides nothing about batches. For a reload
 * that changes only the instance groups: `setInstances(planInstances(config, hostPolicies))`, while traffic runs.
 */
import type { TensorSpec } from '../../src/kserve/tensor.js';
import type { WarmUpRun } from '../warm-up/warm-up-sample.js';
import type { ModelSessionPlan } from './instance-messages.js';
import type { InstancePlan } from './instance-plan.js';
import { discardThreads, startThreads } from './instance-thread.js';
import { type InlineService, type InstanceCrew, type PoolMemoryUsage, serveInstances } from './serving-instances.js';
import { type SharedSlots, type SharedSlotsOptions, SLOT_CAPACITY } from './shared-slots.js';
import type { SlotLayout } from './slot-layout.js';

export interface ServeOptions extends Omit<SharedSlotsOptions, 'slotCount'> {
  /** Slots for so many instances. */
  readonly slotCountFor: (instanceCount: number) => number;
  /** Instances died too often to go on; nothing is run any more. */
  readonly onDeath: (reason: string) => void;
  /** An instance died and is being started again; its batch has failed. */
  readonly onRestart?: (reason: string) => void;
  /** There may be more free slots or idle instances than a moment ago. */
  readonly onCapacity?: () => void;
  /** This thread is about to take batches: see InstancePool.arrangesTurn. */
  readonly onTurn?: (() => void) | undefined;
  /** For a tiny model: its session on this thread, which runs batches while it may. The pool closes it. */
  readonly inline?: InlineService | undefined;
}

/** Instances whose sessions are there, but that do not take batches yet. */
export interface ReadyInstances {
  /** What the sessions take and return. */
  readonly inputs: readonly TensorSpec[];
  readonly outputs: readonly TensorSpec[];
  /** Inputs that may be left out, because the model has values for them. */
  readonly overridableInputs: readonly TensorSpec[];
  /** What they have executed to warm up, all of them. */
  readonly warmUpRuns: readonly WarmUpRun[];
  /** What the largest batch takes on the first of them, nanoseconds; undefined when no tiny model takes so long. */
  timeLargestBatch(layout: SlotLayout): Promise<number | undefined>;
  serve(options: ServeOptions): InstancePool;
  /** Ends the threads instead. */
  discard(): Promise<void>;
}

export interface InstancePool {
  /** Slots are numbered below this, however many instances there are. */
  readonly slotCapacity: number;
  hasFreeSlot(): boolean;
  /** A slot to fill; there must be a free one. */
  takeFreeSlot(): number;
  /** The slot's memory, at least `byteLength` long. */
  slotBytes(slot: number, byteLength: number): Uint8Array;
  publish(slot: number, rows: number): void;
  /** True when this thread runs what is placed now, and `onTurn` will be called before; absent where no thread may. */
  arrangesTurn?(): boolean;
  /** Before `publish`: the slot's inputs, in the layout's order, lie at these addresses and stay there until it is done. */
  borrowInputs(slot: number, addresses: readonly number[]): void;
  /** The inputs lie in the slot by now. */
  keepInputs(slot: number): void;
  /** Adds rows to a published slot; false when an instance has taken it meanwhile. */
  grow(slot: number, fromRows: number, toRows: number): boolean;
  /** Empties a published slot; false when an instance has taken it. It comes back as done, without rows. */
  withdraw(slot: number, rows: number): boolean;
  isTaken(slot: number): boolean;
  /** Published slots that are not done, oldest first. */
  busySlots(): Iterable<number>;
  /** Instances that run nothing. */
  idleInstances(): number;
  /** Published slots that no instance has taken. */
  waitingSlots(): number;
  /** Gives back a slot whose batch is done. */
  releaseSlot(slot: number): void;
  /** The name of the instance with this number (SlotControl.instance); one that has ended keeps its name. */
  instanceName(instance: number): string;
  /** Names of the instances that take batches. */
  instanceNames(): readonly string[];
  /** What slots and sessions' arenas hold. */
  memoryUsage(): PoolMemoryUsage;
  /**
   * Makes the instances those of `plans` while traffic runs: starts those that are missing, then retires the others
   * after the batch they run. Rejects with Error when one cannot be started; then nothing has changed.
   */
  setInstances(plans: readonly InstancePlan[]): Promise<void>;
  /** Ends the threads once they have done what was published. */
  close(): Promise<void>;
}

/**
 * Starts the threads and waits for their sessions.
 * @throws Error when one cannot be made; the others have ended by then.
 */
export async function startInstances(
  plans: readonly InstancePlan[],
  sessionPlan: ModelSessionPlan,
): Promise<ReadyInstances> {
  const threads = await startThreads(plans, sessionPlan);
  const reports = await Promise.all(threads.map((thread) => thread.ready));
  const { inputs, outputs, overridableInputs } = reports[0]!;
  return {
    inputs,
    outputs,
    overridableInputs,
    warmUpRuns: reports.flatMap(({ warmUpRuns }) => warmUpRuns),
    timeLargestBatch: (layout) => threads[0]!.timeLargestBatch(layout),
    serve(options) {
      const { crew, slots } = serveInstances(threads, sessionPlan, options);
      return createPool(crew, slots);
    },
    discard: () => discardThreads(threads),
  };
}

function createPool(crew: InstanceCrew, slots: SharedSlots): InstancePool {
  return {
    slotCapacity: SLOT_CAPACITY,
    hasFreeSlot: () => slots.hasFree,
    takeFreeSlot() {
      const slot = slots.take();
      if (slot === undefined) throw new Error('no batch slot is free');
      return slot;
    },
    slotBytes: (slot, byteLength) => slots.bytesOf(slot, byteLength),
    publish: (slot, rows) => slots.publish(slot, rows),
    arrangesTurn: () => crew.arrangesTurn(),
    borrowInputs: (slot, addresses) => slots.controlOf(slot).borrowInputs(addresses),
    keepInputs: (slot) => slots.controlOf(slot).keepInputs(),
    grow: (slot, fromRows, toRows) => slots.controlOf(slot).grow(fromRows, toRows),
    withdraw: (slot, rows) => slots.controlOf(slot).withdraw(rows),
    isTaken: (slot) => slots.controlOf(slot).isTaken,
    busySlots: () => slots.busy,
    idleInstances: () => Math.max(0, crew.servingCount - slots.runningCount),
    waitingSlots: () => slots.ring.waitingCount,
    releaseSlot: (slot) => slots.release(slot),
    instanceName: (instance) => crew.nameOf(instance),
    instanceNames: () => crew.names(),
    memoryUsage: () => crew.memoryUsage(),
    setInstances: (plans) => crew.setPlans(plans),
    close: () => crew.close(),
  };
}
