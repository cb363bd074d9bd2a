import { afterEach, describe, expect, it } from 'vitest';
import type { InstancePlan } from '../../../engine/instance/instance-plan.js';
import { type InstancePool, startInstances } from '../../../engine/instance/instance-pool.js';
import type { SlotControl } from '../../../engine/instance/slot-control.js';
import { planSlotLayout } from '../../../engine/instance/slot-layout.js';
import { PinnedMemoryPool } from '../../../engine/memory/pinned-memory-pool.js';
import { loadOrtLibrary } from '../../../src/onnxruntime/library.js';
import { bundledLibraryPath } from '../../../src/onnxruntime/library-path.js';
import { catchWorkers, hasEnded } from '../../support/catch-workers.js';
import { modelFile } from '../../support/model-files.js';

const plans = (count: number): InstancePlan[] =>
  Array.from({ length: count }, (_, index) => ({ name: `busy_0_${index}` }));
const shape = { dataType: 'FP32', dims: [64], clientDims: [64] } as const;
const layout = planSlotLayout([{ name: 'X', ...shape }], [{ name: 'Y', ...shape }], 8)!;

interface Opened {
  readonly pool: InstancePool;
  readonly done: { readonly instance: string; readonly error: string | undefined }[];
  readonly deaths: string[];
  readonly restarts: string[];
}

const opened: InstancePool[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map((pool) => pool.close()));
});

async function open(count: number, memory = new PinnedMemoryPool(0)): Promise<Opened> {
  loadOrtLibrary();
  const settings = { intraOpThreads: 1 };
  const ready = await startInstances(plans(count), {
    modelFile: modelFile('busy'),
    ortLibrary: bundledLibraryPath(),
    settings,
  });
  const result: Opened = { pool: undefined as unknown as InstancePool, done: [], deaths: [], restarts: [] };
  const pool = ready.serve({
    slotCountFor: (instances) => 3 * instances,
    layout,
    memory,
    isOrdered: false,
    onDone(slot: number, control: SlotControl) {
      result.done.push({ instance: pool.instanceName(control.instance), error: control.error });
      pool.releaseSlot(slot);
    },
    onDeath: (reason) => result.deaths.push(reason),
    onRestart: (reason) => result.restarts.push(reason),
  });
  opened.push(pool);
  return Object.assign(result, { pool });
}

const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 2));
const until = async (isTrue: () => boolean): Promise<void> => {
  while (!isTrue()) await pause();
};

/** Runs `count` batches and waits for them. */
async function run({ pool, done }: Opened, count: number): Promise<void> {
  const end = done.length + count;
  for (let batch = 0; batch < count; batch++) {
    while (!pool.hasFreeSlot()) await pause();
    pool.publish(pool.takeFreeSlot(), 1);
  }
  await until(() => done.length === end);
}

function freeSlots(pool: InstancePool): number {
  const taken: number[] = [];
  while (pool.hasFreeSlot()) taken.push(pool.takeFreeSlot());
  for (const slot of taken) pool.releaseSlot(slot);
  return taken.length;
}

describe('a pool of instances', () => {
  it('grows while batches run, and the new instances take their share', async () => {
    const all = await open(1);
    const running = run(all, 30);
    await all.pool.setInstances(plans(3));
    await running;
    expect(all.pool.instanceNames()).toEqual(['busy_0_0', 'busy_0_1', 'busy_0_2']);
    expect(freeSlots(all.pool)).toBe(9);
    await run(all, 60);
    expect(new Set(all.done.map(({ instance }) => instance)).size).toBe(3);
    expect(all.done.every(({ error }) => error === undefined)).toBe(true);
  });

  it('shrinks without losing a batch, and takes the slots of those that left away', async () => {
    const all = await open(3);
    const running = run(all, 40);
    await all.pool.setInstances(plans(1));
    await running;
    expect(all.done).toHaveLength(40);
    expect(all.done.every(({ error }) => error === undefined)).toBe(true);
    expect(all.pool.instanceNames()).toEqual(['busy_0_0']);
    expect(freeSlots(all.pool)).toBe(3);
  });

  it('keeps the instances that both plans have', async () => {
    const { loaded: all, workers } = await catchWorkers(() => open(2));
    await all.pool.setInstances([{ name: 'busy_0_1' }, { name: 'other_0' }]);
    expect(all.pool.instanceNames()).toEqual(['busy_0_1', 'other_0']);
    expect(workers.map(hasEnded)).toEqual([true, false]);
  });

  it('stays as it is when an instance cannot be started', async () => {
    const all = await open(1);
    const impossible = { name: 'busy_0_1', cpuCores: [1023] };
    await expect(all.pool.setInstances([{ name: 'busy_0_0' }, impossible])).rejects.toThrow('1023');
    expect(all.pool.instanceNames()).toEqual(['busy_0_0']);
    await run(all, 3);
  });

  it('replaces an instance that died, and fails only the batch that it ran, with its name', async () => {
    const { loaded: all, workers } = await catchWorkers(() => open(1));
    const running = run(all, 12);
    await until(() => all.done.length > 0);
    await workers[0]!.terminate();
    await running;
    const errors = all.done.flatMap(({ error }) => (error === undefined ? [] : [error]));
    expect(errors.length).toBeLessThanOrEqual(1);
    for (const error of errors) expect(error).toMatch(/^the thread of model instance 'busy_0_0' ended unexpectedly/);
    expect(all.restarts).toHaveLength(1);
    expect(all.deaths).toEqual([]);
    expect(all.pool.idleInstances()).toBe(1);
  });

  it('is given up when instances die three times within a minute', async () => {
    const { loaded: all, workers: first } = await catchWorkers(() => open(1));
    let workers = first;
    for (let death = 1; death <= 3; death++) {
      ({ workers } = await catchWorkers(async () => {
        await workers[0]!.terminate();
        if (death < 3) await until(() => all.pool.instanceNames().length === 1);
        return all;
      }));
    }
    expect(all.restarts).toHaveLength(2);
    expect(all.deaths).toEqual([expect.stringContaining("model instance 'busy_0_0' ended unexpectedly")]);
    expect(all.pool.instanceNames()).toEqual([]);
  });

  it('lays its slots in the pinned memory pool while there is room, and gives the room back', async () => {
    const memory = new PinnedMemoryPool(4 * layout.totalBytes);
    const { pool } = await open(2, memory);
    expect(memory.usage().usedBytes).toBe(4 * layout.totalBytes);
    expect(pool.memoryUsage()).toMatchObject({
      pooledBytes: 4 * layout.totalBytes,
      ordinaryBytes: 2 * layout.totalBytes,
    });
    await pool.close();
    expect(memory.usage().usedBytes).toBe(0);
  });

  it('tells what the arenas of its sessions hold', async () => {
    const all = await open(1);
    await run(all, 2);
    await new Promise((resolve) => setTimeout(resolve, 250));
    await run(all, 1);
    await until(() => all.pool.memoryUsage().arenaBytes > 0);
  });
});
