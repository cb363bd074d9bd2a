/**
 * The batch slots that a model's instances share: their memory and control words, the ring of published slots, and the
 * loop that looks for finished ones. Owns shared memory; knows neither threads nor requests.
 */
import { MessageChannel, type MessagePort, receiveMessageOnPort } from 'node:worker_threads';
import { type MemoryRegion, ordinaryMemory, ordinaryRegion, type TensorMemory } from '../memory/tensor-memory.js';
import type { ServeOrder, SlotMemoryMessage, SpillMessage } from './instance-messages.js';
import type { InstanceState } from './instance-state.js';
import { SlotControl, slotControlBytes } from './slot-control.js';
import type { SlotLayout } from './slot-layout.js';
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
  readonly #ports = new Map<number, MessagePort>();
  /** Instances that have ended, but whose last outputs may still lie in their ports. */
  readonly #leaving = new Set<number>();
  /** Taken from the end: the lowest slots are used first and stay in the caches. */
  readonly #free: number[] = [];
  /** Published and not yet done, in the order of publishing. */
  readonly #busy = new Set<number>();
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
    this.#ports.set(instance, port1);
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
    this.controlOf(slot).publish(rows, this.#slots[slot]!.generation);
    this.ring.push(slot, this.acceptsInline?.() !== true);
  }

  /** Reports a slot that this thread has taken from the ring and run. */
  settle(slot: number): void {
    this.ring.reportDone(false);
    if (this.#options.isOrdered) this.#finishDone();
    else this.#finish(slot);
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
    for (const instance of this.#ports.keys()) this.#leaving.add(instance);
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
    for (const slot of this.#busy) {
      if (this.controlOf(slot).isDone) this.#finish(slot);
      else if (this.#options.isOrdered) break;
    }
  }

  #finish(slot: number): void {
    const control = this.controlOf(slot);
    this.#busy.delete(slot);
    if (control.hasSpilled) this.#takeSpill(slot, control);
    if (this.#leaving.size > 0) this.#closeUnused();
    this.#options.onDone(slot, control);
  }

  #closeUnused(): void {
    for (const instance of this.#leaving) {
      if ([...this.#busy].some((slot) => this.controlOf(slot).instance === instance)) continue;
      this.#ports.get(instance)?.close();
      this.#ports.delete(instance);
      this.#leaving.delete(instance);
    }
  }

  #install(slot: number, region: MemoryRegion): Uint8Array {
    const generation = (this.#generations[slot] ?? -1) + 1;
    this.#generations[slot] = generation;
    const memory = { region, generation };
    this.#slots[slot] = memory;
    for (const port of this.#ports.values()) port.postMessage(messageOf(slot, memory));
    return region.bytes;
  }

  #takeSpill(slot: number, control: SlotControl): void {
    const port = this.#ports.get(control.instance);
    const received = port && (receiveMessageOnPort(port) as { message: SpillMessage } | undefined);
    // An instance posts at most one spill for each slot, before it finishes it, and slots are looked at in the order
    // in which instances take them: so spills arrive in this order too.
    if (received?.message.slot !== slot) {
      control.fail(`the outputs of batch slot ${slot} were lost with the instance that computed them`);
      return;
    }
    this.#slots[slot]!.region.free();
    this.#install(slot, ordinaryRegion(received.message.buffer));
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
