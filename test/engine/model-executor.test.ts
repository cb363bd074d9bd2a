import { describe, expect, it } from 'vitest';
import type { InferenceOutcome, InferenceRequest } from '../../engine/inference.js';
import type { InstancePool } from '../../engine/instance/instance-pool.js';
import { type ExecutionTimes, SlotControl, slotControlBytes } from '../../engine/instance/slot-control.js';
import { planSlotLayout, type TensorShape } from '../../engine/instance/slot-layout.js';
import { createSilentLog } from '../../engine/log/create-engine-log.js';
import type { EngineLog, ExecutedBatch } from '../../engine/log/engine-log.js';
import { ModelExecutor } from '../../engine/model-executor.js';
import { QueuedInference } from '../../engine/queued-inference.js';
import { RequestQueue } from '../../engine/scheduler/request-queue.js';
import { ModelStats } from '../../engine/stats/model-stats.js';
import type { Clock } from '../../src/common/clock.js';
import { instant } from '../../src/common/units.js';

const SLOTS = 4;

/** Slots without instances: the test takes and finishes batches by their controls. */
class SlotsAlone {
  readonly #shared = new SharedArrayBuffer(slotControlBytes(SLOTS));
  readonly controls = Array.from({ length: SLOTS }, (_, slot) => new SlotControl(this.#shared, slot));
  readonly published: number[] = [];
  readonly released: number[] = [];
  readonly #free = Array.from({ length: SLOTS }, (_, index) => SLOTS - 1 - index);
  readonly #memory = Array.from({ length: SLOTS }, () => new Uint8Array(1 << 20));

  readonly pool: InstancePool = {
    slotCapacity: SLOTS,
    hasFreeSlot: () => this.#free.length > 0,
    takeFreeSlot: () => this.#free.pop()!,
    slotBytes: (slot) => this.#memory[slot]!,
    publish: (slot, rows) => {
      this.published.push(slot);
      this.controls[slot]!.publish(rows, 0, 0);
    },
    borrowInputs: (slot, addresses) => this.controls[slot]!.borrowInputs(addresses),
    keepInputs: (slot) => this.controls[slot]!.keepInputs(),
    grow: (slot, from, to) => this.controls[slot]!.grow(from, to),
    withdraw: (slot, rows) => this.controls[slot]!.withdraw(rows),
    isTaken: (slot) => this.controls[slot]!.isTaken,
    busySlots: () => this.published.filter((slot) => !this.#free.includes(slot)),
    idleInstances: () => 1,
    waitingSlots: () => 0,
    releaseSlot: (slot) => {
      this.released.push(slot);
      this.#free.push(slot);
    },
    instanceName: (instance) => `m_0_${instance}`,
    instanceNames: () => ['m_0_0'],
    memoryUsage: () => ({ pooledBytes: 0, ordinaryBytes: 0, arenaBytes: 0 }),
    setInstances: () => Promise.resolve(),
    close: () => Promise.resolve(),
  };
}

/** Each look at this clock takes 100 ns, so that what is measured can be told by how often it was looked at. */
class TickingClock implements Clock {
  nowNs = 10_000;
  now = () => {
    this.nowNs += 100;
    return instant(this.nowNs);
  };
  sleep = () => Promise.resolve();
}

function setUp(floatsPerRow: number, log: EngineLog = createSilentLog()) {
  const shape = (name: string): TensorShape => ({
    name,
    dataType: 'FP32',
    dims: [floatsPerRow],
    clientDims: [floatsPerRow],
  });
  const shapes = { inputs: [shape('X')], outputs: [shape('Y')] };
  const slots = new SlotsAlone();
  const stats = new ModelStats();
  const clock = new TickingClock();
  const executor = new ModelExecutor({
    pool: slots.pool,
    slotCount: SLOTS,
    layout: planSlotLayout(shapes.inputs, shapes.outputs, 8),
    form: { ...shapes, hasBatchDimension: true },
    stats,
    clock,
    log,
    model: { name: 'm', version: '7' },
    onDropped: () => undefined,
  });
  const outcomes: InferenceOutcome[] = [];
  const queueOf = (...parts: readonly (Partial<InferenceRequest> & { readonly queuedAt?: number })[]) => {
    const queue = new RequestQueue<QueuedInference>();
    for (const { queuedAt = 9_000, ...part } of parts) {
      const request: InferenceRequest = {
        id: '',
        inputs: [{ name: 'X', dataType: 'FP32', shape: [1, floatsPerRow], bytes: new Uint8Array(4 * floatsPerRow) }],
        requestedOutputs: [],
        batchSize: 1,
        priority: 0,
        timeoutUs: 0,
        receivedAt: instant(8_000),
        isCancelled: () => false,
        ...part,
      };
      const onOutcome = (outcome: InferenceOutcome) => void outcomes.push(outcome);
      queue.push(new QueuedInference(request, onOutcome, 1, instant(queuedAt), ''));
    }
    return queue;
  };
  const execute = (slot: number, times: ExecutionTimes, error?: string): void => {
    const control = slots.controls[slot]!;
    control.claim(2, 0);
    control.finish(times, error, false);
    executor.finish(slot, control);
  };
  return { executor, slots, stats, outcomes, queueOf, execute };
}

const times: ExecutionTimes = {
  computeStartNs: 20_000,
  inferStartNs: 20_010,
  inferEndNs: 21_000,
  computeEndNs: 21_005,
};
const read = (stats: ModelStats) => stats.read('m', '7').inference_stats;

describe('the time that copying inputs takes', () => {
  it('is compute input, not queue', () => {
    const { executor, stats, queueOf, execute } = setUp(2048);
    const slot = executor.place(queueOf({}), 1);
    expect(executor.add(slot, queueOf({}), 1)).toBe(true);
    execute(slot, times);
    // Two copies of 100 ns each count for the batch, and so for each of its requests.
    expect(read(stats).compute_input).toEqual({ count: 2, ns: 2 * 210 });
    expect(read(stats).queue).toEqual({ count: 2, ns: 2 * (11_000 - 200) });
    expect(stats.read('m', '7').batch_stats[0]!.compute_input).toEqual({ count: 1, ns: 210 });
  });

  it('is not measured where looking at the clock would take as long', () => {
    const { executor, stats, queueOf, execute } = setUp(16);
    execute(executor.place(queueOf({}), 1), times);
    expect(read(stats).compute_input).toEqual({ count: 1, ns: 10 });
    expect(read(stats).queue).toEqual({ count: 1, ns: 11_000 });
  });

  it('never counts before the newest request came, so that the parts fit into the whole', () => {
    const { executor, stats, queueOf, execute } = setUp(2048);
    const slot = executor.place(queueOf({}), 1);
    executor.add(slot, queueOf({ queuedAt: 19_950 }), 1);
    execute(slot, times);
    expect(read(stats).compute_input).toEqual({ count: 2, ns: 2 * 60 });
    expect(read(stats).queue.ns).toBe(10_950);
  });
});

describe('an executed batch', () => {
  it('is told with its model, instance, size and times where the log wants that', () => {
    const told: ExecutedBatch[] = [];
    const log: EngineLog = { ...createSilentLog(), tellsExecutions: true, executed: (batch) => void told.push(batch) };
    const { executor, queueOf, execute } = setUp(16, log);
    execute(executor.place(queueOf({ queuedAt: 12_000 }, { queuedAt: 11_000 }), 2), times);
    expect(told).toEqual([
      {
        model: 'm',
        version: '7',
        instance: 'm_0_2',
        batchSize: 2,
        requestCount: 2,
        queueNs: 9_000,
        computeInputNs: 10,
        computeInferNs: 990,
        computeOutputNs: 5,
      },
    ]);
  });

  it('that failed fails its requests as the fault of the backend', () => {
    const { executor, stats, outcomes, queueOf, execute } = setUp(16);
    execute(executor.place(queueOf({}, {}), 2), times, 'it broke');
    const failure = { status: 'INTERNAL', message: 'it broke' };
    expect(outcomes).toEqual([
      { state: 'failed', failure },
      { state: 'failed', failure },
    ]);
    expect(stats.failureCounts()).toEqual({ REJECTED: 0, CANCELED: 0, BACKEND: 2, OTHER: 0 });
    expect(stats.read('m', '7').execution_count).toBe(0);
  });
});

describe('a dropped request', () => {
  it("is answered with Triton's words, and counted unless there was no room for it", async () => {
    const { executor, stats, outcomes, queueOf } = setUp(16);
    const queue = queueOf({}, {}, {}, { id: 'seven' });
    executor.drop(queue.at(0), 'cancelled');
    executor.drop(queue.at(1), 'expired');
    executor.drop(queue.at(2), 'queue full');
    executor.drop(queue.at(3), 'queue full');
    expect(outcomes).toEqual([]);
    await Promise.resolve();
    const failures = outcomes.flatMap((outcome) => (outcome.state === 'failed' ? [outcome.failure] : []));
    expect(failures).toEqual([
      { status: 'CANCELLED', message: expect.stringContaining('cancelled') },
      { status: 'UNAVAILABLE', message: 'Request timeout expired' },
      { status: 'UNAVAILABLE', message: '[request id: <id_unknown>] Exceeds maximum queue size' },
      { status: 'UNAVAILABLE', message: '[request id: seven] Exceeds maximum queue size' },
    ]);
    expect(stats.failureCounts()).toEqual({ REJECTED: 1, CANCELED: 1, BACKEND: 0, OTHER: 0 });
    expect(read(stats).fail.count).toBe(2);
  });
});

describe('cancelled requests in batches', () => {
  it('leave when the whole batch is cancelled and no instance has taken it, and their slot comes back', async () => {
    const { executor, slots, stats, outcomes, queueOf } = setUp(16);
    let isGone = false;
    const gone = { isCancelled: () => isGone };
    const cancelled = executor.place(queueOf(gone, gone), 2);
    const mixed = executor.place(queueOf(gone, {}), 2);
    const taken = executor.place(queueOf(gone), 1);
    slots.controls[taken]!.claim(0, 0);
    expect(executor.waitingRequests()).toBe(4);
    isGone = true;
    executor.dropCancelled();
    await Promise.resolve();
    expect(outcomes).toHaveLength(2);
    expect(stats.failureCounts().CANCELED).toBe(2);
    expect([executor.waitingRequests(), executor.requestCount]).toEqual([2, 3]);
    expect(executor.isOpen(cancelled)).toBe(false);
    expect(executor.isOpen(mixed)).toBe(true);
    const control = slots.controls[cancelled]!;
    expect(control.claim(0, 0)).toBe(0);
    control.finish(times, undefined, false);
    executor.finish(cancelled, control);
    expect(slots.released).toEqual([cancelled]);
    expect(outcomes).toHaveLength(2);
  });
});
