/**
 * The batch slots that a model's instances share: their memory and control words, the ring of published slots, and the
 * loop that looks for finished ones. Owns shared memory; knows neither threads nor requests.
 */
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { type MemoryRegion, ordinaryMemory, ordinaryRegion, type TensorMemory } from '../memory/tensor-memory.js';
import type { ServeOrder, SlotMemoryMessage } from './instance-messages.js';
import type { InstanceState } from './instance-state.js';
import { SlotControl, slotControlBytes } from './slot-control.js';
import type { SlotLayout } from './slot-layout.js';
import { SpillInbox } from './spill-inbox.js';
import { WorkRing, workRingBytes } from './work-ring.js';

export interface SharedSlotsOptions {
  /** Slots at first. */
  readonly slotCount: number;
  readonly layout: SlotLayout | undefined;
  /** Where slots lie; ordinary memory unless given. */
  readonly memory?: TensorMemory;
  /** Slots are reported in the order in which they were published, however their instances finish. */
  readonly isOrdered: boolean;
  readonly onDone: (slot: number, control: SlotControl) => void;
}

/** Control words are there for this many slots from the beginning; their memory comes with the slot. */
export const SLOT_CAPACITY = 1024;

/** This side's end of an instance's channel. */
interface Line {
  readonly port: MessagePort;
  readonly spills: SpillInbox;
}

interface SlotMemory {
  region: MemoryRegion;
  generation: number;
}

export class SharedSlots {
  readonly ring: WorkRing;
  /** Asked as a slot is published: true when this thread takes it, so that no instance needs to wake up. */
  acceptsInline: (() => boolean) | undefined;
  readonly #controls: SlotControl[] = [];
  readonly #options: SharedSlotsOptions;
  readonly #memory: TensorMemory;
  readonly #controlBuffer = new SharedArrayBuffer(slotControlBytes(SLOT_CAPACITY));
  readonly #ringBuffer = new SharedArrayBuffer(workRingBytes(SLOT_CAPACITY));
  /** By slot; undefined for those that are not in use. */
  readonly #slots: (SlotMemory | undefined)[] = [];
  /** Survives a slot's memory, so that an instance never takes old memory for new. */
  readonly #generations: number[] = [];
  /** By instance. */
  readonly #lines = new Map<number, Line>();
  /** Instances that have ended, but whose last outputs may still lie in their inboxes. */
  readonly #leaving = new Set<number>();
  /** Taken from the end: the lowest slots are used first and stay in the caches. */
  readonly #free: number[] = [];
  /** Published and not yet done, in the order of publishing. */
  readonly #busy = new Set<number>();
  /** So many of them were found done and are about to be reported. */
  #doneAhead = 0;
  /** The bell of the last look for slots that are done. */
  #seenBell = 0;
  /** By slot, until it is reported. */
  readonly #inlineSpills = new Map<number, SharedArrayBuffer>();
  #wantedCount = 0;
  #count = 0;
  #isClosing = false;
  #isClosed = false;

  constructor(options: SharedSlotsOptions) {
    this.#options = options;
    this.#memory = options.memory ?? ordinaryMemory;
    this.ring = new WorkRing(this.#ringBuffer, SLOT_CAPACITY);
    this.setCount(options.slotCount);
  }

  controlOf(slot: number): SlotControl {
    this.#controls[slot] ??= new SlotControl(this.#controlBuffer, slot);
    return this.#controls[slot];
  }

  /** Makes what one more instance needs to serve; numbers of instances are not used again. */
  createOrder(instance: number, state: InstanceState): ServeOrder {
    const { port1, port2 } = new MessageChannel();
    // Drained on demand only, so it must not keep the process alive.
    port1.unref();
    this.#lines.set(instance, { port: port1, spills: new SpillInbox(port1) });
    return {
      kind: 'serve',
      instance,
      slotCapacity: SLOT_CAPACITY,
      control: this.#controlBuffer,
      ring: this.#ringBuffer,
      state: state.buffer,
      slots: this.#slots.flatMap((slot, index) => (slot === undefined ? [] : [messageOf(index, slot)])),
      layout: this.#options.layout,
      port: port2,
    };
  }

  /** Forgets an instance that has ended, once its batches have been reported. */
  dropInstance(instance: number): void {
    this.#leaving.add(instance);
    this.#closeUnused();
  }

  /** Adds slots, or takes them away as they become free. */
  setCount(count: number): void {
    this.#wantedCount = Math.min(Math.max(1, count), SLOT_CAPACITY);
    while (this.#count < this.#wantedCount) this.#addSlot();
    while (this.#count > this.#wantedCount && this.#free.length > 0) this.#removeSlot(this.#free.shift()!);
  }

  /** Reports finished slots from now on. */
  watch(): void {
    const bell = this.ring.doneBell;
    this.#seenBell = bell;
    this.#finishDone();
    if (!this.#isClosed && (!this.#isClosing || this.#busy.size > 0)) this.ring.onDone(bell, () => this.watch());
  }

  /** A slot to fill, or undefined when all are in use. */
  take(): number | undefined {
    return this.#free.pop();
  }

  get hasFree(): boolean {
    return this.#free.length > 0;
  }

  /** Published slots that are not done. */
  get busy(): ReadonlySet<number> {
    return this.#busy;
  }

  /** Slots that instances have taken and not done. */
  get runningCount(): number {
    const isUpToDate = !this.#options.isOrdered && this.ring.doneBell === this.#seenBell;
    // What is done is counted first: a slot that is taken and done in between must not be subtracted twice.
    const doneCount = isUpToDate ? this.#doneAhead : this.#countDone();
    return this.#busy.size - doneCount - this.ring.waitingCount;
  }

  #countDone(): number {
    let count = 0;
    for (const slot of this.#busy) if (this.controlOf(slot).isDone) count++;
    return count;
  }

  /** The slot's memory, at least `byteLength` long. */
  bytesOf(slot: number, byteLength: number): Uint8Array {
    const current = this.#slots[slot]!.region.bytes;
    if (current.length >= byteLength) return current;
    this.#slots[slot]!.region.free();
    // Room to spare, so that sizes that creep up do not make a new region each time.
    return this.#install(slot, this.#memory.take(Math.ceil((byteLength * 5) / 4)));
  }

  publish(slot: number, rows: number): void {
    this.#busy.add(slot);
    this.controlOf(slot).publish(rows, this.#slots[slot]!.generation, this.ring.nextTicket);
    this.ring.push(slot, this.acceptsInline?.() !== true);
  }

  /** Outputs of a batch that this thread runs, in the described form, which become the slot's memory when it is reported. */
  keepInlineSpill(slot: number, spill: SharedArrayBuffer): void {
    this.#inlineSpills.set(slot, spill);
  }

  /** Reports a slot that this thread has taken from the ring and run. */
  finishInline(slot: number): void {
    if (this.#options.isOrdered) this.#finishDone();
    else this.#finish(slot);
  }

  /**
   * The thread of an instance has ended without being told to. Batches that it had claimed fail; one that it may have
   * taken from the ring without that goes back there under a new ticket, and should another instance be about to claim
   * it, that one finds its own worthless.
   */
  abandonedBy(instance: number, reason: string): void {
    for (const slot of this.#busy) {
      const control = this.controlOf(slot);
      if (control.isDone) continue;
      if (control.instance === instance) control.fail(`${reason}; the request was part of the batch that it ran`);
      else if (control.instance < 0 && !this.ring.has(slot) && control.renew(this.ring.nextTicket))
        this.ring.push(slot);
    }
    // It may also have ended just before it rang.
    this.ring.ringDone();
  }

  /** Gives back a slot that is done. */
  release(slot: number): void {
    this.controlOf(slot).release();
    if (this.#count > this.#wantedCount || this.#isClosed) this.#removeSlot(slot);
    else {
      this.#bringHome(slot);
      this.#free.push(slot);
    }
  }

  /** Bytes held by slots, by where they lie. */
  memoryUsage(): { readonly pooledBytes: number; readonly ordinaryBytes: number } {
    const sum = (isPooled: boolean): number =>
      this.#slots.reduce(
        (total, slot) => total + (slot?.region.isPooled === isPooled ? slot.region.bytes.length : 0),
        0,
      );
    return { pooledBytes: sum(true), ordinaryBytes: sum(false) };
  }

  /** Tells the instances to end when nothing is left in the ring. */
  stop(): void {
    this.#isClosing = true;
    this.ring.stop();
  }

  /** Frees everything; the instances have ended. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#busy.clear();
    for (const instance of this.#lines.keys()) this.#leaving.add(instance);
    this.#closeUnused();
    this.#free.length = 0;
    this.#slots.forEach((_, slot) => {
      this.#removeSlot(slot);
    });
  }

  #addSlot(): void {
    const unused = this.#slots.indexOf(undefined);
    const slot = unused === -1 ? this.#slots.length : unused;
    this.#install(slot, this.#memory.take(this.#options.layout?.totalBytes ?? 0));
    this.#count++;
    this.#free.unshift(slot);
  }

  #removeSlot(slot: number): void {
    if (this.#slots[slot] === undefined) return;
    this.#slots[slot].region.free();
    this.#slots[slot] = undefined;
    this.#count--;
  }

  #finishDone(): void {
    this.#doneAhead = this.#countDone();
    for (const slot of this.#busy) {
      if (this.controlOf(slot).isDone) this.#finish(slot);
      else if (this.#options.isOrdered) break;
    }
    this.#doneAhead = 0;
  }

  #finish(slot: number): void {
    const control = this.controlOf(slot);
    this.#busy.delete(slot);
    if (this.#doneAhead > 0) this.#doneAhead--;
    if (control.hasSpilled) this.#takeSpill(slot, control);
    if (this.#leaving.size > 0) this.#closeUnused();
    this.#options.onDone(slot, control);
  }

  #closeUnused(): void {
    for (const instance of this.#leaving) {
      if ([...this.#busy].some((slot) => this.controlOf(slot).instance === instance)) continue;
      this.#lines.get(instance)?.port.close();
      this.#lines.delete(instance);
      this.#leaving.delete(instance);
    }
  }

  #install(slot: number, region: MemoryRegion): Uint8Array {
    const generation = (this.#generations[slot] ?? -1) + 1;
    this.#generations[slot] = generation;
    const memory = { region, generation };
    this.#slots[slot] = memory;
    for (const { port } of this.#lines.values()) port.postMessage(messageOf(slot, memory));
    return region.bytes;
  }

  #takeSpill(slot: number, control: SlotControl): void {
    const own = this.#inlineSpills.get(slot);
    this.#inlineSpills.delete(slot);
    const spill = own ?? this.#lines.get(control.instance)?.spills.take(slot, control.ticket);
    if (spill === undefined) {
      control.fail(`the outputs of batch slot ${slot} did not arrive`);
      return;
    }
    this.#slots[slot]!.region.free();
    this.#install(slot, ordinaryRegion(spill));
  }

  /** Outputs that outgrew a slot lie in memory of their own; the next ones of their size shall fit the slot's pool. */
  #bringHome(slot: number): void {
    const { region } = this.#slots[slot]!;
    if (region.isPooled || region.bytes.length === 0) return;
    const pooled = this.#memory.takePooled(region.bytes.length);
    if (pooled !== undefined) this.#install(slot, pooled);
  }
}

const messageOf = (slot: number, { region, generation }: SlotMemory): SlotMemoryMessage => ({
  slot,
  generation,
  bytes: region.bytes,
});
