import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { saveEntry } from '../../src/calibrate/calibration.js';
import { knownCeiling, plannedRequestBytes } from '../../src/calibrate/known-ceiling.js';
import { describeHost } from '../../src/measure/limits/host-fingerprint.js';
import type { LevelRecord } from '../../src/record/run-record.js';
import { correctCeiling } from '../../src/run/correct-ceiling.js';
import { samplePlan } from '../support/sample-plan.js';
import { sampleLevel } from '../support/sample-records.js';

const plan = samplePlan();
const near = { code: 'NEAR_CLIENT_CEILING', message: 'The rate is 80 % of the highest that perf-ts reaches.' };
const late = { code: 'LATE_SENDS', message: 'Some requests left late.' };
const level = (requestsPerSec: number, verdict: LevelRecord['verdict'] = 'VALID'): LevelRecord => ({
  ...sampleLevel({ concurrency: 1, throughput: requestsPerSec }),
  requestsPerSec,
  verdict,
  warnings: [near, late],
});

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'perf-ts-ceiling-'));
  vi.stubEnv('PERF_TS_CACHE', folder);
  const floor = { requestRatePerSec: 100, p50Ns: 1e5, p99Ns: 2e5 };
  const { client, workerCount } = plan;
  await saveEntry(await describeHost(), {
    client,
    workerCount,
    requestBytes: plannedRequestBytes(plan),
    responseBytes: 64,
    measuredAt: new Date().toISOString(),
    maxRatePerSec: 1000,
    isLowerBound: false,
    floors: { tenth: floor, half: floor },
  });
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true });
});

describe('a calibrated ceiling', () => {
  it('that a level went beyond is raised, and its warnings are taken back', async () => {
    const ceiling = await knownCeiling(plan);
    expect(ceiling?.maxRatePerSec).toBe(1000);
    const corrected = await correctCeiling([level(800), level(1500)], plan, ceiling);
    expect(corrected.map(({ warnings }) => warnings)).toEqual([[late], [late]]);
    expect((await knownCeiling(plan))?.maxRatePerSec).toBe(1500);
  });

  it('stands against lower rates, and against levels that cannot be believed', async () => {
    const levels = [level(800), level(1500, 'INVALID'), level(1500, 'UNSTABLE')];
    expect(await correctCeiling(levels, plan, await knownCeiling(plan))).toEqual(levels);
    expect((await knownCeiling(plan))?.maxRatePerSec).toBe(1000);
  });
});
