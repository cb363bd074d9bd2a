/**
 * The batch slots that a model's instances share: their memory and control words, the ring of published slots, and the
 * loop that looks for finished ones. Owns shared memory; knows neither threads nor requests.
 */
import { MessageChannel, type MessagePort, receiveMessageOnPort } from 'node:worker_threads';
import type { ServeOrder, SlotBufferMessage, SpillMessage } from './instance-messages.js';
import { SlotControl, slotControlBytes } from './slot-control.js';
import type { SlotLayout } from './slot-layout.js';
import { WorkRing, workRingBytes } from './work-ring.js';

export interface SharedSlotsOptions {
  readonly slotCount: number;
  readonly layout: SlotLayout | undefined;
  /** Slots are reported in the order in which they were published, however their instances finish. */
  readonly isOrdered: boolean;
  readonly onDone: (slot: number, control: SlotControl) => void;
}

export class SharedSlots {
  readonly ring: WorkRing;
  readonly controls: readonly SlotControl[];
  readonly #options: SharedSlotsOptions;
  readonly #controlBuffer: SharedArrayBuffer;
  readonly #ringBuffer: SharedArrayBuffer;
  readonly #buffers: SharedArrayBuffer[];
  readonly #views: Uint8Array[];
  readonly #generations: number[];
  readonly #ports: MessagePort[] = [];
  readonly #free: number[];
  /** Published and not yet done, in the order of publishing. */
  readonly #busy = new Set<number>();
  #isClosing = false;

  constructor(options: SharedSlotsOptions) {
    const { slotCount, layout } = options;
    this.#options = options;
    this.#controlBuffer = new SharedArrayBuffer(slotControlBytes(slotCount));
    this.#ringBuffer = new SharedArrayBuffer(workRingBytes(slotCount));
    this.ring = new WorkRing(this.#ringBuffer, slotCount);
    this.controls = Array.from({ length: slotCount }, (_, slot) => new SlotControl(this.#controlBuffer, slot));
    this.#buffers = Array.from({ length: slotCount }, () => new SharedArrayBuffer(layout?.totalBytes ?? 0));
    this.#views = this.#buffers.map((buffer) => new Uint8Array(buffer));
    this.#generations = this.#buffers.map(() => 0);
    // Taken from the end: the lowest slots are used first and stay in the caches.
    this.#free = Array.from({ length: slotCount }, (_, index) => slotCount - 1 - index);
  }

  /** Makes what one more instance needs to serve. */
  createOrder(): ServeOrder {
    const { port1, port2 } = new MessageChannel();
    // Drained on demand only, so it must not keep the process alive.
    port1.unref();
    const instance = this.#ports.push(port1) - 1;
    return {
      kind: 'serve',
      instance,
      slotCount: this.#options.slotCount,
      control: this.#controlBuffer,
      ring: this.#ringBuffer,
      slotBuffers: this.#buffers,
      layout: this.#options.layout,
      port: port2,
    };
  }

  /** Reports finished slots from now on. */
  watch(): void {
    const bell = this.ring.doneBell;
    for (const slot of this.#busy) {
      if (this.controls[slot]!.isDone) this.#finish(slot);
      else if (this.#options.isOrdered) break;
    }
    if (!this.#isClosing || this.#busy.size > 0) this.ring.onDone(bell, () => this.watch());
  }

  /** A slot to fill, or undefined when all are in use. */
  take(): number | undefined {
    return this.#free.pop();
  }

  get hasFree(): boolean {
    return this.#free.length > 0;
  }

  /** The slot's memory, at least `byteLength` long. */
  bytesOf(slot: number, byteLength: number): Uint8Array {
    if (this.#views[slot]!.length < byteLength) {
      // Room to spare, so that sizes that creep up do not make a new buffer each time.
      this.#install(slot, new SharedArrayBuffer(Math.ceil((byteLength * 5) / 4)));
    }
    return this.#views[slot]!;
  }

  publish(slot: number, rows: number): void {
    this.#busy.add(slot);
    this.controls[slot]!.publish(rows, this.#generations[slot]!);
    this.ring.push(slot);
  }

  /** Gives back a slot that is done. */
  release(slot: number): void {
    this.controls[slot]!.release();
    this.#free.push(slot);
  }

  /** Tells the instances to end when nothing is left in the ring. */
  stop(): void {
    this.#isClosing = true;
    this.ring.stop();
  }

  closePorts(): void {
    for (const port of this.#ports) port.close();
  }

  #finish(slot: number): void {
    const control = this.controls[slot]!;
    this.#busy.delete(slot);
    if (control.hasSpilled) this.#takeSpill(slot, control.instance);
    this.#options.onDone(slot, control);
  }

  #install(slot: number, buffer: SharedArrayBuffer): void {
    this.#buffers[slot] = buffer;
    this.#views[slot] = new Uint8Array(buffer);
    const generation = this.#generations[slot]! + 1;
    this.#generations[slot] = generation;
    for (const port of this.#ports) port.postMessage({ slot, generation, buffer } satisfies SlotBufferMessage);
  }

  #takeSpill(slot: number, instance: number): void {
    const received = receiveMessageOnPort(this.#ports[instance]!) as { message: SpillMessage } | undefined;
    // An instance posts at most one spill for each slot, before it finishes it, and slots are looked at in the order
    // in which instances take them: so spills arrive in this order too.
    if (received?.message.slot !== slot) throw new Error(`the outputs of slot ${slot} did not arrive`);
    this.#install(slot, received.message.buffer);
  }
}
