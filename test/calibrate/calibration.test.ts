import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { findEntry, readCalibration, readDrift, saveDrift, saveEntry } from '../../src/calibrate/calibration.js';

const host = { os: 'Linux', cpu: 'some CPU', cpuCount: 2, memoryBytes: 1e9, node: 'v20' };
const floor = { requestRatePerSec: 100, p50Ns: 1e5, p99Ns: 2e5 };
const entry = {
  client: 'grpc-wire',
  workerCount: 1,
  requestBytes: 64,
  responseBytes: 64,
  measuredAt: '2026-01-02T03:04:05.000Z',
  maxRatePerSec: 20_000,
  isLowerBound: false,
  floors: { tenth: floor, half: floor },
} as const;
const soon = Date.parse(entry.measuredAt) + 3600e3;

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'perf-ts-calibration-'));
  vi.stubEnv('PERF_TS_CACHE', folder);
  vi.useFakeTimers({ toFake: ['Date'], now: soon });
});
afterEach(async () => {
  vi.useRealTimers();
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true });
});

describe('a calibration', () => {
  it('is kept, replaced by a better one of its kind, and found for requests of about its size', async () => {
    await saveEntry(host, entry);
    await saveEntry(host, { ...entry, client: 'http' });
    const { path } = await saveEntry(host, { ...entry, maxRatePerSec: 25_000 });
    expect(path.startsWith(folder)).toBe(true);
    const entries = await readCalibration(host, soon);
    expect(entries.length).toBe(2);
    const key = { client: 'grpc-wire', workerCount: 1, requestBytes: 200 } as const;
    expect(findEntry(entries, key)?.maxRatePerSec).toBe(25_000);
    expect(findEntry(entries, { ...key, requestBytes: 200_000 })).toBeUndefined();
    expect(findEntry(entries, { ...key, workerCount: 2 })).toBeUndefined();
  });

  it('stays when a later one, of a busier moment, finds less', async () => {
    await saveEntry(host, entry);
    const { kept } = await saveEntry(host, { ...entry, maxRatePerSec: 300 });
    expect(kept.maxRatePerSec).toBe(20_000);
    expect((await readCalibration(host, soon)).map(({ maxRatePerSec }) => maxRatePerSec)).toEqual([20_000]);
  });

  it('that was held up by its host gives way to a better one, and says what it is until then', async () => {
    await saveEntry(host, { ...entry, maxRatePerSec: 3000, isLowerBound: true });
    expect((await readCalibration(host, soon))[0]).toMatchObject({ maxRatePerSec: 3000, isLowerBound: true });
    await saveEntry(host, entry);
    expect((await readCalibration(host, soon))[0]).toMatchObject({ maxRatePerSec: 20_000, isLowerBound: false });
  });

  it('is valid for a day and for its own host', async () => {
    await saveEntry(host, entry);
    expect(await readCalibration(host, Date.parse(entry.measuredAt) + 25 * 3600e3)).toEqual([]);
    expect(await readCalibration({ ...host, cpu: 'another' }, soon)).toEqual([]);
  });

  it('keeps how the host drifted beside the entries, for a month', async () => {
    const session = {
      measuredAt: entry.measuredAt,
      durationSec: 60,
      lags: [1, 2, 4, 8, 16].map((lagSec) => ({ lagSec, semivariance: 0.0025, pairCount: 60 - lagSec })),
    };
    expect(await readDrift(host, soon)).toBeUndefined();
    await saveEntry(host, entry);
    const { drift } = await saveDrift(host, session);
    await saveEntry(host, { ...entry, client: 'http' });
    expect(drift!.ratio).toBeCloseTo(0.05, 2);
    expect(await readDrift(host, soon)).toEqual(drift);
    expect(await readCalibration(host, soon)).toHaveLength(2);
    expect(await readDrift(host, soon + 29 * 24 * 3600e3)).toEqual(drift);
    expect(await readDrift(host, soon + 31 * 24 * 3600e3)).toBeUndefined();
  });
});
