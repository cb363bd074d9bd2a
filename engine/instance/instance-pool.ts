/**
 * A model's instances and the batch slots they share, as the scheduler sees them: put a batch into a free slot, perhaps
 * add rows until an instance takes it, be told when it is done. Owns threads and shared memory; decides nothing.
 */
import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from 'node:worker_threads';
import { messageOf } from '../../src/common/errors.js';
import { compiledEntry } from '../../src/common/package-root.js';
import type { TensorSpec } from '../../src/kserve/tensor.js';
import type { SessionSettings } from '../../src/onnxruntime/session-settings.js';
import type { InstanceReport, InstanceWorkerData, SlotBufferMessage, SpillMessage } from './instance-messages.js';
import { SlotControl, slotControlBytes } from './slot-control.js';
import type { SlotLayout } from './slot-layout.js';
import { WorkRing, workRingBytes } from './work-ring.js';

export interface InstancePoolOptions {
  readonly modelFile: string;
  readonly ortLibrary: string | undefined;
  readonly settings: SessionSettings;
  readonly instanceCount: number;
  readonly slotCount: number;
  readonly layout: SlotLayout | undefined;
  /** The slot's outputs are in `slotBytes(slot)`, or in the control's error; call `releaseSlot` afterwards. */
  readonly onDone: (slot: number, control: SlotControl) => void;
  /** An instance's thread ended by itself; the pool is of no use any more. */
  readonly onDeath: (reason: string) => void;
}

export interface InstancePool {
  /** What the sessions take and return. */
  readonly inputs: readonly TensorSpec[];
  readonly outputs: readonly TensorSpec[];
  /** A slot to fill, or undefined when all are in use. */
  takeFreeSlot(): number | undefined;
  /** The slot's memory, at least `byteLength` long where the model has no layout. */
  slotBytes(slot: number, byteLength?: number): Uint8Array;
  publish(slot: number, rows: number): void;
  /** Adds rows to a published slot; false when an instance has taken it meanwhile. */
  grow(slot: number, fromRows: number, toRows: number): boolean;
  releaseSlot(slot: number): void;
  /** Ends the threads once they have done what they took. */
  close(): Promise<void>;
}

/** Starts the threads and waits for their sessions. Rejects with Error when one cannot be made. */
export async function startInstances(options: InstancePoolOptions): Promise<InstancePool> {
  const shared = new SharedSlots(options);
  const instances: Instance[] = [];
  try {
    const starting = Array.from({ length: options.instanceCount }, (_, index) => startInstance(index, options, shared));
    instances.push(...starting.map(({ instance }) => instance));
    const reports = await Promise.all(starting.map(({ ready }) => ready));
    shared.connect(instances, options.onDone);
    for (const { worker } of instances) {
      worker.on('exit', () => {
        if (!shared.isClosing) options.onDeath('a model instance’s thread ended unexpectedly');
      });
    }
    const { inputs, outputs } = reports[0]!;
    return createPool(inputs, outputs, shared, instances);
  } catch (thrown) {
    await stopInstances(shared, instances);
    throw thrown;
  }
}

interface Instance {
  readonly worker: Worker;
  readonly port: MessagePort;
}

type Ready = Extract<InstanceReport, { kind: 'ready' }>;

function startInstance(
  index: number,
  options: InstancePoolOptions,
  shared: SharedSlots,
): { instance: Instance; ready: Promise<Ready> } {
  const { port1: port, port2: workerPort } = new MessageChannel();
  // Only drained on demand, so it must not keep the process alive.
  port.unref();
  const workerData: InstanceWorkerData = {
    instance: index,
    modelFile: options.modelFile,
    ortLibrary: options.ortLibrary,
    settings: options.settings,
    slotCount: options.slotCount,
    control: shared.control,
    ring: shared.ringBuffer,
    slotBuffers: shared.buffers,
    layout: options.layout,
    port: workerPort,
  };
  const worker = new Worker(compiledEntry('engine/instance/instance-worker'), {
    workerData,
    transferList: [workerPort],
    name: `instance-${index}`,
  });
  const ready = new Promise<Ready>((resolve, reject) => {
    worker.once('message', (message: InstanceReport) => {
      if (message.kind === 'ready') resolve(message);
      else reject(new Error(message.message));
    });
    worker.once('error', (cause) => reject(new Error(messageOf(cause), { cause })));
    worker.once('exit', () => reject(new Error('the instance’s thread ended while it loaded the model')));
  });
  // The first failure rejects the whole start; the others must not count as unhandled.
  ready.catch(() => undefined);
  return { instance: { worker, port }, ready };
}

/** Slots, ring and buffers, and the loop that looks for finished slots. */
class SharedSlots {
  readonly control: SharedArrayBuffer;
  readonly ringBuffer: SharedArrayBuffer;
  readonly buffers: SharedArrayBuffer[];
  readonly controls: readonly SlotControl[];
  readonly ring: WorkRing;
  readonly free: number[];
  isClosing = false;
  readonly #generations: number[];
  #views: Uint8Array[];
  #instances: readonly Instance[] = [];
  /** Published and not yet done, in any order. */
  readonly #busy = new Set<number>();

  constructor({ slotCount, layout }: InstancePoolOptions) {
    this.control = new SharedArrayBuffer(slotControlBytes(slotCount));
    this.ringBuffer = new SharedArrayBuffer(workRingBytes(slotCount));
    this.ring = new WorkRing(this.ringBuffer, slotCount);
    this.controls = Array.from({ length: slotCount }, (_, slot) => new SlotControl(this.control, slot));
    this.buffers = Array.from({ length: slotCount }, () => new SharedArrayBuffer(layout?.totalBytes ?? 0));
    this.#views = this.buffers.map((buffer) => new Uint8Array(buffer));
    this.#generations = this.buffers.map(() => 0);
    // Taken from the end: the lowest slots are used first and stay in the caches.
    this.free = Array.from({ length: slotCount }, (_, index) => slotCount - 1 - index);
  }

  connect(instances: readonly Instance[], onDone: InstancePoolOptions['onDone']): void {
    this.#instances = instances;
    const look = (): void => {
      const bell = this.ring.doneBell;
      for (const slot of this.#busy) {
        if (!this.controls[slot]!.isDone) continue;
        this.#busy.delete(slot);
        this.#takeSpill(slot);
        onDone(slot, this.controls[slot]!);
      }
      if (!this.isClosing || this.#busy.size > 0) this.ring.onDone(bell, look);
    };
    look();
  }

  bytesOf(slot: number, byteLength: number): Uint8Array {
    if (this.#views[slot]!.length < byteLength) {
      // Room to spare, so that sizes that creep up do not make a new buffer each time.
      this.#install(slot, new SharedArrayBuffer(Math.ceil((byteLength * 5) / 4)));
    }
    return this.#views[slot]!;
  }

  #install(slot: number, buffer: SharedArrayBuffer): void {
    this.buffers[slot] = buffer;
    this.#views[slot] = new Uint8Array(buffer);
    const generation = this.#generations[slot]! + 1;
    this.#generations[slot] = generation;
    const message: SlotBufferMessage = { slot, generation, buffer };
    for (const { port } of this.#instances) port.postMessage(message);
  }

  #takeSpill(slot: number): void {
    const control = this.controls[slot]!;
    if (!control.hasSpilled) return;
    const { port } = this.#instances[control.instance]!;
    const received = receiveMessageOnPort(port) as { message: SpillMessage } | undefined;
    // An instance posts at most one spill before it finishes a slot, so messages and slots come in one order.
    if (received?.message.slot !== slot) throw new Error(`the outputs of slot ${slot} did not arrive`);
    this.#install(slot, received.message.buffer);
  }

  publish(slot: number, rows: number): void {
    this.#busy.add(slot);
    this.controls[slot]!.publish(rows, this.#generations[slot]!);
    this.ring.push(slot);
  }
}

function createPool(
  inputs: readonly TensorSpec[],
  outputs: readonly TensorSpec[],
  shared: SharedSlots,
  instances: readonly Instance[],
): InstancePool {
  let closing: Promise<void> | undefined;
  return {
    inputs,
    outputs,
    takeFreeSlot: () => shared.free.pop(),
    slotBytes: (slot, byteLength = 0) => shared.bytesOf(slot, byteLength),
    publish: (slot, rows) => shared.publish(slot, rows),
    grow: (slot, fromRows, toRows) => shared.controls[slot]!.grow(fromRows, toRows),
    releaseSlot(slot) {
      shared.controls[slot]!.release();
      shared.free.push(slot);
    },
    close() {
      closing ??= stopInstances(shared, instances);
      return closing;
    },
  };
}

async function stopInstances(shared: SharedSlots, instances: readonly Instance[]): Promise<void> {
  shared.isClosing = true;
  shared.ring.stop();
  await Promise.all(
    instances.map(({ worker, port }) => {
      const gone =
        worker.threadId === -1 ? Promise.resolve() : new Promise<void>((done) => worker.once('exit', () => done()));
      return gone.then(() => port.close());
    }),
  );
}
