/**
 * The thread of one model instance: makes its session, then takes batches from the ring until told to stop. It sleeps
 * on shared memory, so its event loop does not turn while it serves.
 */
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { nowNs } from '../../src/common/clock.js';
import { messageOf } from '../../src/common/errors.js';
import { loadOrtLibrary } from '../../src/onnxruntime/library.js';
import { OrtSession } from '../../src/onnxruntime/session.js';
import { type BatchRunner, createDescribedRunner, createFixedRunner } from './batch-runner.js';
import type { InstanceReport, InstanceWorkerData, SlotBufferMessage, SpillMessage } from './instance-messages.js';
import { SlotControl } from './slot-control.js';
import { WorkRing } from './work-ring.js';

const data = workerData as InstanceWorkerData;
const report = (message: InstanceReport): void => parentPort?.postMessage(message);

function main(): void {
  let session: OrtSession;
  try {
    session = new OrtSession(loadOrtLibrary(data.ortLibrary), data.modelFile, data.settings);
  } catch (thrown) {
    report({ kind: 'failed', message: messageOf(thrown) });
    data.port.close();
    return;
  }
  report({ kind: 'ready', inputs: session.inputs, outputs: session.outputs });
  const runner = data.layout === undefined ? createDescribedRunner(session) : createFixedRunner(session, data.layout);
  serve(runner);
  runner.close();
  session.close();
  data.port.close();
}

function serve(runner: BatchRunner): void {
  const ring = new WorkRing(data.ring, data.slotCount);
  const controls = Array.from({ length: data.slotCount }, (_, slot) => new SlotControl(data.control, slot));
  const buffers = new SlotBuffers();
  for (;;) {
    // Read before looking, so that a bell between the look and the wait is not missed.
    const bell = ring.workBell;
    const slot = ring.pop();
    if (slot !== undefined) {
      execute(runner, slot, controls[slot]!, buffers);
      ring.ringDone();
    } else if (ring.isStopping) return;
    else ring.waitForWork(bell);
  }
}

function execute(runner: BatchRunner, slot: number, control: SlotControl, buffers: SlotBuffers): void {
  const rows = control.take(data.instance);
  const startNs = nowNs();
  try {
    const { times, spill } = runner.run(slot, rows, buffers.bufferOf(slot, control.inputGeneration));
    if (spill !== undefined) data.port.postMessage({ slot, buffer: spill } satisfies SpillMessage);
    control.finish(times, undefined, spill !== undefined);
  } catch (thrown) {
    const endNs = nowNs();
    const times = { computeStartNs: startNs, inferStartNs: startNs, inferEndNs: endNs, computeEndNs: endNs };
    control.finish(times, messageOf(thrown) || 'the execution failed', false);
  }
}

/** The newest buffer of each slot; later ones arrive through the port before the slot is published with them. */
class SlotBuffers {
  readonly #buffers = data.slotBuffers.map((buffer) => ({ buffer, generation: 0 }));

  bufferOf(slot: number, generation: number): SharedArrayBuffer {
    let current = this.#buffers[slot];
    while (current === undefined || current.generation < generation) {
      const received = receiveMessageOnPort(data.port) as { message: SlotBufferMessage } | undefined;
      if (received === undefined) throw new Error(`the buffer of slot ${slot} did not arrive`);
      const { message } = received;
      this.#buffers[message.slot] = { buffer: message.buffer, generation: message.generation };
      current = this.#buffers[slot];
    }
    return current.buffer;
  }
}

main();
