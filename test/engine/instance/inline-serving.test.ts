import { afterEach, describe, expect, it, vi } from 'vitest';
import { InlineModels } from '../../../engine/instance/inline-models.js';
import { createEngineLog } from '../../../engine/log/create-engine-log.js';
import type { EngineLog } from '../../../engine/log/engine-log.js';
import type { ServedModel } from '../../../engine/served-model.js';
import type { ModelConfig } from '../../../src/model-config/model-config.js';
import {
  addSubConfig,
  ask,
  busyConfig,
  dynamicBatching,
  loadTestModel,
  outputsOf,
} from '../../support/load-test-model.js';
import { floats, toFloats } from '../../support/model-files.js';

const loaded: ServedModel[] = [];
afterEach(async () => {
  vi.restoreAllMocks();
  await Promise.all(loaded.splice(0).map((model) => model.close()));
});

async function load(
  name: string,
  config: ModelConfig,
  inlineModels = new InlineModels(),
  log?: EngineLog,
): Promise<ServedModel> {
  const model = await loadTestModel(name, config, { inlineModels, ...(log === undefined ? {} : { log }) });
  loaded.push(model);
  return model;
}

/** How often a thread was woken for work meanwhile; the only wake-ups that this thread sends. */
async function wakeUps(act: () => Promise<unknown>): Promise<number> {
  const spy = vi.spyOn(Atomics, 'notify');
  await act();
  const count = spy.mock.calls.length;
  spy.mockRestore();
  return count;
}

const inputsOf = (rows: number, first: number) => [
  floats(
    'INPUT0',
    [rows, 4],
    Array.from({ length: rows * 4 }, (_, index) => first + index),
  ),
  floats('INPUT1', [rows, 4], new Array<number>(rows * 4).fill(1)),
];

async function askMany(model: ServedModel, count: number): Promise<number> {
  const requests = Array.from({ length: count }, (_, index) => ({ rows: 1 + (index % 3), first: index * 100 }));
  const answers = await Promise.all(requests.map(({ rows, first }) => outputsOf(model, inputsOf(rows, first))));
  answers.forEach(([sum, difference], index) => {
    const { rows, first } = requests[index]!;
    expect(sum!.shape).toEqual([rows, 4]);
    expect(toFloats(sum!)).toEqual(Array.from({ length: rows * 4 }, (_, offset) => first + offset + 1));
    expect(toFloats(difference!)).toEqual(Array.from({ length: rows * 4 }, (_, offset) => first + offset - 1));
  });
  return requests.reduce((sum, { rows }) => sum + rows, 0);
}

// Whether a model is tiny is measured, and on a machine that is busy enough it is not: such a test is tried again.
describe('a tiny model in an engine of tiny models', { retry: 3 }, () => {
  it('gives each request its own rows without waking a thread, and counts as threads would', async () => {
    const model = await load('add_sub', { ...addSubConfig, ...dynamicBatching(), instance_group: [{ count: 2 }] });
    let rows = 0;
    const woken = await wakeUps(async () => {
      rows = await askMany(model, 300);
    });
    expect(woken).toBe(0);
    const { inference_count, execution_count, inference_stats, batch_stats } = model.statistics();
    expect([inference_count, inference_stats.success.count, inference_stats.queue.count]).toEqual([rows, 300, 300]);
    expect(batch_stats.reduce((sum, batch) => sum + batch.compute_infer.count, 0)).toBe(execution_count);
    expect(batch_stats.reduce((sum, batch) => sum + batch.compute_infer.count * batch.batch_size, 0)).toBe(rows);
    expect(execution_count).toBeLessThan(300);
    const { success, queue, compute_input, compute_infer, compute_output } = inference_stats;
    expect(queue.ns + compute_input.ns + compute_infer.ns + compute_output.ns).toBeLessThanOrEqual(success.ns);
  });

  it('tells each executed batch with the name of one of its instances', async () => {
    const lines: string[] = [];
    const settings = { log_file: '', log_info: false, log_warning: true, log_error: true, log_verbose_level: 1 };
    const log = createEngineLog({ ...settings, log_format: 'default' }, { write: (text) => lines.push(text) });
    const model = await load('add_sub', { ...addSubConfig, instance_group: [{ count: 2 }] }, new InlineModels(), log);
    await askMany(model, 20);
    await log.close();
    const text = lines.join('');
    const times = ['add_sub_0_0', 'add_sub_0_1'].map((name) => text.split(name).length - 1);
    // Threads that have only just started look once by themselves, so the shares are not exact.
    expect(times[0]! + times[1]!).toBe(20);
  });

  it('answers in the order of arrival where the config wants that', async () => {
    const model = await load('add_sub', {
      ...addSubConfig,
      ...dynamicBatching({ preserve_ordering: true, preferred_batch_size: [1, 2] }),
      instance_group: [{ count: 3 }],
    });
    const order: number[] = [];
    await Promise.all(
      Array.from({ length: 60 }, (_, index) => outputsOf(model, inputsOf(1, 0)).then(() => order.push(index))),
    );
    expect(order).toEqual(Array.from({ length: 60 }, (_, index) => index));
  });

  it('changes its instances while requests run, and loses none', async () => {
    const model = await load('add_sub', { ...addSubConfig, ...dynamicBatching() });
    const running = Promise.all([1, 2, 3].map(() => askMany(model, 200)));
    await model.reconfigure!({ ...model.config, instance_group: [{ count: 3 }] });
    await running;
    await askMany(model, 100);
    await model.reconfigure!({ ...model.config, instance_group: [{ count: 1 }] });
    expect(await wakeUps(() => askMany(model, 100))).toBe(0);
  });

  it('is unloaded with requests in flight, which are answered', async () => {
    const model = await load('add_sub', addSubConfig);
    const inFlight = askMany(model, 100);
    const closing = model.close();
    await inFlight;
    await closing;
    expect(await ask(model, inputsOf(1, 0))).toMatchObject({ failure: { status: 'UNAVAILABLE' } });
  });

  it('does not run a request that was cancelled before its turn', async () => {
    const model = await load('add_sub', addSubConfig);
    const gone = ask(model, inputsOf(1, 0), { isCancelled: () => true });
    await askMany(model, 10);
    expect(await gone).toMatchObject({ failure: { status: 'CANCELLED' } });
    expect(model.statistics().inference_stats.success.count).toBe(10);
  });
});

describe('a tiny model beside others', { retry: 3 }, () => {
  it('is left to its threads while a larger model is served, and afterwards is not', async () => {
    const inlineModels = new InlineModels();
    const tiny = await load('add_sub', addSubConfig, inlineModels);
    const larger = await load('busy', busyConfig, inlineModels);
    expect(await wakeUps(() => askMany(tiny, 20))).toBeGreaterThan(0);
    await larger.close();
    expect(await wakeUps(() => askMany(tiny, 20))).toBe(0);
  });

  it('is left to its threads by an engine that does not run models itself', async () => {
    const model = await loadTestModel('add_sub', addSubConfig);
    loaded.push(model);
    expect(await wakeUps(() => askMany(model, 20))).toBeGreaterThan(0);
  });
});
