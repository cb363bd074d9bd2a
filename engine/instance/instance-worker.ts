/**
 * The thread of one model instance: makes its session, then takes batches from the ring until told to stop. It sleeps
 * on shared memory, so its event loop does not turn while it serves.
 */
import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { nowNs } from '../../src/common/clock.js';
import { messageOf } from '../../src/common/errors.js';
import { loadOrtLibrary } from '../../src/onnxruntime/library.js';
import { OrtSession } from '../../src/onnxruntime/session.js';
import { type BatchRunner, createDescribedRunner, createFixedRunner } from './batch-runner.js';
import type {
  InstanceOrder,
  InstanceReport,
  InstanceWorkerData,
  ServeOrder,
  SlotBufferMessage,
  SpillMessage,
} from './instance-messages.js';
import { SlotControl } from './slot-control.js';
import { WorkRing } from './work-ring.js';

function main({ modelFile, ortLibrary, settings }: InstanceWorkerData): void {
  const parent = parentPort!;
  const report = (message: InstanceReport): void => parent.postMessage(message);
  let session: OrtSession;
  try {
    session = new OrtSession(loadOrtLibrary(ortLibrary), modelFile, settings);
  } catch (thrown) {
    report({ kind: 'failed', message: messageOf(thrown) });
    return;
  }
  parent.once('message', (order: InstanceOrder) => {
    if (order.kind === 'serve') serve(session, order);
    session.close();
  });
  report({ kind: 'ready', inputs: session.inputs, outputs: session.outputs });
}

/** Returns when the ring says stop and nothing is left in it. */
function serve(session: OrtSession, order: ServeOrder): void {
  const { layout, slotCount, port } = order;
  const runner = layout === undefined ? createDescribedRunner(session) : createFixedRunner(session, layout);
  const ring = new WorkRing(order.ring, slotCount);
  const controls = Array.from({ length: slotCount }, (_, slot) => new SlotControl(order.control, slot));
  const buffers = new SlotBuffers(order.slotBuffers, port);
  for (;;) {
    // Read before looking, so that a bell between the look and the wait is not missed.
    const bell = ring.workBell;
    const slot = ring.pop();
    if (slot !== undefined) {
      execute(runner, slot, controls[slot]!, order, buffers);
      ring.reportDone();
    } else if (ring.isStopping) break;
    else ring.waitForWork(bell);
  }
  runner.close();
  port.close();
}

function execute(
  runner: BatchRunner,
  slot: number,
  control: SlotControl,
  { instance, port }: ServeOrder,
  buffers: SlotBuffers,
): void {
  const startNs = nowNs();
  const rows = control.take(instance);
  const nothing = { computeStartNs: startNs, inferStartNs: startNs, inferEndNs: startNs, computeEndNs: startNs };
  if (rows === 0) {
    control.finish(nothing, undefined, false);
    return;
  }
  try {
    const { times, spill } = runner.run(slot, rows, buffers.bufferOf(slot, control.inputGeneration));
    if (spill !== undefined) port.postMessage({ slot, buffer: spill } satisfies SpillMessage);
    control.finish(times, undefined, spill !== undefined);
  } catch (thrown) {
    control.finish(nothing, messageOf(thrown) || 'the execution failed', false);
  }
}

/** The newest buffer of each slot; later ones arrive through the port before the slot is published with them. */
class SlotBuffers {
  readonly #port: MessagePort;
  readonly #buffers: { readonly buffer: SharedArrayBuffer; readonly generation: number }[];

  constructor(first: readonly SharedArrayBuffer[], port: MessagePort) {
    this.#port = port;
    this.#buffers = first.map((buffer) => ({ buffer, generation: 0 }));
  }

  bufferOf(slot: number, generation: number): SharedArrayBuffer {
    let current = this.#buffers[slot];
    while (current === undefined || current.generation < generation) {
      const received = receiveMessageOnPort(this.#port) as { message: SlotBufferMessage } | undefined;
      if (received === undefined) throw new Error(`the buffer of slot ${slot} did not arrive`);
      const { message } = received;
      this.#buffers[message.slot] = { buffer: message.buffer, generation: message.generation };
      current = this.#buffers[slot];
    }
    return current.buffer;
  }
}

main(workerData as InstanceWorkerData);
