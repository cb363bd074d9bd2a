/**
 * The thread of one model instance: makes its session, then takes batches from the ring until told to stop. It sleeps
 * on shared memory, so its event loop does not turn while it serves.
 */
import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { nowNs } from '../../src/common/clock.js';
import { messageOf } from '../../src/common/errors.js';
import { loadOrtLibrary } from '../../src/onnxruntime/library.js';
import { placeSession } from '../../src/onnxruntime/place-session.js';
import { openProviderLibraries } from '../../src/onnxruntime/provider-libraries.js';
import { providerRow } from '../../src/onnxruntime/provider-table.js';
import { OrtSession } from '../../src/onnxruntime/session.js';
import type { SessionSettings } from '../../src/onnxruntime/session-settings.js';
import { runWarmUp } from '../warm-up/run-warm-up.js';
import type { WarmUpRun } from '../warm-up/warm-up-sample.js';
import { type BatchRunner, createDescribedRunner } from './batch-runner.js';
import { bindThread } from './cpu-affinity.js';
import { createFixedRunner } from './fixed-runner.js';
import type {
  InstanceOrder,
  InstanceReport,
  InstanceWorkerData,
  ServeOrder,
  SlotMemoryMessage,
  SpillMessage,
  TimeOrder,
  TimingReport,
  WorkerStart,
} from './instance-messages.js';
import { InstanceState } from './instance-state.js';
import { NOT_YOURS, SlotControl } from './slot-control.js';
import { timeLargestBatch } from './time-largest-batch.js';
import { WorkRing } from './work-ring.js';

/** The arena is asked for its size no more often than this. */
const ARENA_READ_NS = 200e6;

function main(data: InstanceWorkerData): void {
  const parent = parentPort!;
  const report = (message: InstanceReport): void => parent.postMessage(message);
  let session: OrtSession;
  let warmUpRuns: readonly WarmUpRun[];
  try {
    ({ session, warmUpRuns } = prepareSession(data));
  } catch (thrown) {
    report({ kind: 'failed', message: messageOf(thrown) });
    return;
  }
  const obey = (order: InstanceOrder | TimeOrder): void => {
    if (order.kind === 'time') {
      parent.once('message', obey);
      parent.postMessage({ kind: 'timed', runNs: timeOf(session, order) } satisfies TimingReport);
      return;
    }
    if (order.kind === 'serve') serve(session, order);
    session.close();
  };
  parent.once('message', obey);
  const { inputs, outputs, overridableInputs } = session;
  report({ kind: 'ready', inputs, outputs, overridableInputs, warmUpRuns });
}

function prepareSession(data: InstanceWorkerData): { session: OrtSession; warmUpRuns: readonly WarmUpRun[] } {
  const { modelFile, ortLibrary, settings, warmUp = [], cpuCores, gpu } = data;
  // Before the session, because the threads that ONNX Runtime starts inherit it.
  if (cpuCores !== undefined) bindThread(cpuCores);
  const placed = placeSession(settings, gpu);
  for (const { name } of placed.providers ?? []) openProviderLibraries(providerRow(name), ortLibrary);
  const session = new OrtSession(loadOrtLibrary(ortLibrary), modelFile, withinCores(placed, cpuCores));
  try {
    return { session, warmUpRuns: runWarmUp(session, warmUp) };
  } catch (thrown) {
    session.close();
    throw thrown;
  }
}

/**
 * Left to itself, ONNX Runtime starts a thread for each core of the host and binds them there, whatever its caller is
 * bound to; with a number it does neither.
 */
function withinCores(settings: SessionSettings, cpuCores: readonly number[] | undefined): SessionSettings {
  return cpuCores === undefined ? settings : { intraOpThreads: cpuCores.length, ...settings };
}

function timeOf(session: OrtSession, { layout }: TimeOrder): number | undefined {
  try {
    return timeLargestBatch(session, layout);
  } catch {
    // It may run on real requests none the less; zeros mean nothing to it.
    return undefined;
  }
}

/** Returns when this instance is retired, or when the ring says stop and nothing is left in it. */
function serve(session: OrtSession, order: ServeOrder): void {
  const { layout, slotCapacity, port } = order;
  const runner = layout === undefined ? createDescribedRunner(session) : createFixedRunner(session, layout);
  const ring = new WorkRing(order.ring, slotCapacity);
  const state = new InstanceState(order.state);
  const memory = new SlotMemory(order.slots, port);
  const controls: SlotControl[] = [];
  let arenaReadNs = 0;
  readArena(session, state);
  for (;;) {
    // Read before looking, so that a bell between the look and the wait is not missed.
    const bell = ring.workBell;
    if (state.isRetired) break;
    const slot = ring.pop();
    if (slot !== undefined) {
      controls[slot] ??= new SlotControl(order.control, slot);
      const rows = controls[slot].claim(order.instance, ring.ticket);
      if (rows === NOT_YOURS) continue;
      const endNs = execute(runner, { slot, ticket: ring.ticket, rows }, controls[slot], order, memory);
      ring.ringDone();
      if (endNs - arenaReadNs > ARENA_READ_NS) {
        arenaReadNs = endNs;
        readArena(session, state);
      }
    } else if (ring.isStopping) break;
    else ring.waitForWork(bell);
  }
  runner.close();
  port.close();
}

function readArena(session: OrtSession, state: InstanceState): void {
  state.arenaBytes = session.arenaBytes() ?? 0;
}

interface ClaimedBatch {
  readonly slot: number;
  readonly ticket: number;
  readonly rows: number;
}

/** Runs a batch that was claimed, or finds it withdrawn; returns when it ended. */
function execute(
  runner: BatchRunner,
  { slot, ticket, rows }: ClaimedBatch,
  control: SlotControl,
  { port }: ServeOrder,
  memory: SlotMemory,
): number {
  const startNs = nowNs();
  const nothing = { computeStartNs: startNs, inferStartNs: startNs, inferEndNs: startNs, computeEndNs: startNs };
  if (rows === 0) {
    control.finish(nothing, undefined, false);
    return startNs;
  }
  try {
    const { times, spill } = runner.run(
      slot,
      rows,
      memory.bytesOf(slot, control.inputGeneration),
      control.borrowedInputs,
    );
    if (spill !== undefined) port.postMessage({ slot, ticket, buffer: spill } satisfies SpillMessage);
    control.finish(times, undefined, spill !== undefined);
    return times.computeEndNs;
  } catch (thrown) {
    control.finish(nothing, messageOf(thrown) || 'the execution failed', false);
    return startNs;
  }
}

/** The newest memory of each slot; later ones lie in the port before the slot is published with them. */
class SlotMemory {
  readonly #port: MessagePort;
  readonly #newest: (SlotMemoryMessage | undefined)[] = [];

  constructor(first: readonly SlotMemoryMessage[], port: MessagePort) {
    this.#port = port;
    for (const message of first) this.#newest[message.slot] = message;
  }

  /** The memory of exactly that generation. */
  bytesOf(slot: number, generation: number): Uint8Array {
    if (this.#newest[slot]?.generation !== generation) this.#receiveAll();
    const current = this.#newest[slot];
    if (current?.generation !== generation) {
      throw new Error(`the memory ${generation} of batch slot ${slot} did not arrive`);
    }
    return current.bytes;
  }

  #receiveAll(): void {
    for (;;) {
      const received = receiveMessageOnPort(this.#port) as { message: SlotMemoryMessage } | undefined;
      if (received === undefined) return;
      const { slot, generation } = received.message;
      if ((this.#newest[slot]?.generation ?? -1) < generation) this.#newest[slot] = received.message;
    }
  }
}

const early = workerData as WorkerStart | null | undefined;
parentPort!.once('message', (data: InstanceWorkerData | undefined) => {
  if (data !== undefined) main(data);
});
if (early) {
  try {
    loadOrtLibrary(early.ortLibrary || undefined);
  } catch {
    // The session will meet the same, and its owner is told then.
  }
}
