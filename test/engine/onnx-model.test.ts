import { afterEach, describe, expect, it } from 'vitest';
import type { InferenceRequest } from '../../engine/inference.js';
import type { ServedModel } from '../../engine/served-model.js';
import type { DynamicBatchingConfig } from '../../src/model-config/model-config.js';
import { ask, busyConfig, dynamicBatching, loadTestModel } from '../support/load-test-model.js';
import { floats } from '../support/model-files.js';

const loaded: ServedModel[] = [];
afterEach(async () => {
  await Promise.all(loaded.splice(0).map((model) => model.close()));
});

async function loadBusy(batching: DynamicBatchingConfig): Promise<ServedModel> {
  const model = await loadTestModel('busy', { ...busyConfig, ...dynamicBatching(batching) });
  loaded.push(model);
  return model;
}

/** Fills a batch by itself, so that of several asked at once one is executed and the others wait. */
const askFull = (model: ServedModel, parts: Partial<InferenceRequest> = {}) =>
  ask(model, [floats('X', [8, 64], new Array<number>(8 * 64).fill(1))], parts);

const noFailures = { REJECTED: 0, CANCELED: 0, BACKEND: 0, OTHER: 0 };

describe('a model with queue policies', () => {
  it('serves urgent requests first', async () => {
    const model = await loadBusy({ priority_levels: 2, default_priority_level: 2 });
    const served: number[] = [];
    const askFor = async (priority: number): Promise<void> => {
      expect(await askFull(model, { priority })).toMatchObject({ state: 'ok' });
      served.push(priority);
    };
    // Instances may take a few before the urgent ones are there, but not most of them.
    await Promise.all([...Array(80).fill(0), ...Array(5).fill(1)].map(askFor));
    expect(served.lastIndexOf(1)).toBeLessThan(40);
  });

  it('refuses what its queue has no room for, which is not counted', async () => {
    const model = await loadBusy({ default_queue_policy: { max_queue_size: 2 } });
    const outcomes = await Promise.all(Array.from({ length: 60 }, () => askFull(model)));
    const failed = outcomes.filter(({ state }) => state === 'failed');
    const failure = { status: 'UNAVAILABLE', message: '[request id: <id_unknown>] Exceeds maximum queue size' };
    expect(failed.length).toBeGreaterThan(30);
    expect(failed).toEqual(Array(failed.length).fill({ state: 'failed', failure }));
    expect(outcomes.slice(0, 3).every(({ state }) => state === 'ok')).toBe(true);
    const count = 60 - failed.length;
    expect(model.statistics().inference_stats).toMatchObject({ success: { count }, fail: { count: 0 } });
    expect(model.gauges().failureCounts).toEqual(noFailures);
  });

  it('refuses what waited too long, which is counted', async () => {
    // Executing them all would take many times the timeout.
    const model = await loadBusy({ default_queue_policy: { default_timeout_microseconds: 20_000 } });
    const outcomes = await Promise.all(Array.from({ length: 300 }, () => askFull(model)));
    const failed = outcomes.filter(({ state }) => state === 'failed');
    const failure = { status: 'UNAVAILABLE', message: 'Request timeout expired' };
    expect(failed.length).toBeGreaterThan(0);
    expect(failed).toEqual(Array(failed.length).fill({ state: 'failed', failure }));
    const count = 300 - failed.length;
    expect(model.statistics().inference_stats).toMatchObject({ success: { count }, fail: { count: failed.length } });
    expect(model.gauges().failureCounts).toEqual({ ...noFailures, REJECTED: failed.length });
  });

  it('serves late what waited too long where the policy delays', async () => {
    const policy = { default_timeout_microseconds: 1, timeout_action: 'DELAY' as const };
    const model = await loadBusy({ default_queue_policy: policy });
    const outcomes = await Promise.all(Array.from({ length: 4 }, () => askFull(model)));
    expect(outcomes.map(({ state }) => state)).toEqual(Array(4).fill('ok'));
  });

  it('finds room in a queue that is full of cancelled requests', async () => {
    const model = await loadBusy({ default_queue_policy: { max_queue_size: 50 } });
    let isGone = false;
    const cancelled = Array.from({ length: 51 }, () => askFull(model, { isCancelled: () => isGone }));
    isGone = true;
    const last = await Promise.all(Array.from({ length: 30 }, () => askFull(model)));
    expect(last.map(({ state }) => state)).toEqual(Array(30).fill('ok'));
    const failures = (await Promise.all(cancelled)).filter(({ state }) => state === 'failed');
    expect(failures.length).toBeGreaterThan(30);
    expect(failures).toMatchObject(Array(failures.length).fill({ failure: { status: 'CANCELLED' } }));
    expect(model.gauges().failureCounts).toEqual({ ...noFailures, CANCELED: failures.length });
  });
});

describe('the gauges of a model', () => {
  it('count requests that no instance has taken, and none that were cancelled', async () => {
    const model = await loadBusy({});
    expect(model.gauges()).toMatchObject({ pendingRequestCount: 0, failureCounts: noFailures });
    expect(model.gauges().loadDurationNs).toBeGreaterThan(0);
    let isGone = false;
    const outcomes = Array.from({ length: 20 }, () => askFull(model, { isCancelled: () => isGone }));
    expect(model.gauges().pendingRequestCount).toBeGreaterThan(10);
    isGone = true;
    expect(model.gauges().pendingRequestCount).toBeLessThanOrEqual(1);
    await Promise.all(outcomes);
    expect(model.gauges().pendingRequestCount).toBe(0);
    expect(model.gauges().failureCounts.CANCELED).toBeGreaterThan(10);
  });
});

describe('a model without dynamic batching', () => {
  it('does not execute requests that were cancelled while they waited for an instance', async () => {
    const model = await loadTestModel('busy', busyConfig);
    loaded.push(model);
    let isGone = false;
    const outcomes = Array.from({ length: 40 }, () => askFull(model, { isCancelled: () => isGone }));
    isGone = true;
    await Promise.all(outcomes);
    const { success, fail } = model.statistics().inference_stats;
    expect(success.count + fail.count).toBe(40);
    expect(model.gauges().failureCounts.CANCELED).toBe(fail.count);
    expect(fail.count).toBeGreaterThan(20);
  });
});
