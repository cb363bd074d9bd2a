import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createProfileExport } from '../../../src/report/perf-analyzer/profile-export.js';
import { sampleLevel } from '../../support/sample-records.js';
import { makeTemporaryFolder } from '../../support/temporary-folder.js';

const MS = 1e6;
const wallOffsetNs = 1_795_249_647_000_000_000n;

/** Requests of one slot, `stepMs` apart, of which every fourth fails. */
function columns(count: number, stepMs: number) {
  const intendedNs = Float64Array.from({ length: count }, (_, row) => 5 * MS + row * stepMs * MS);
  return {
    length: count,
    intendedNs,
    sentNs: intendedNs,
    receivedNs: intendedNs.map((at) => at + stepMs * MS),
    outcomes: Uint8Array.from({ length: count }, (_, row) => (row % 4 === 3 ? 2 : 1)),
  };
}

/** The file as text, because a double does not hold its instants. */
async function exported(count: number, durationNs = 70 * MS): Promise<{ text: string; path: string }> {
  const path = join(await makeTemporaryFolder(), 'profile.json');
  const profile = await createProfileExport({ path, wallOffsetNs, version: '9.9' });
  const level = { ...sampleLevel({ concurrency: 2, throughput: 100 }), warmupNs: 10 * MS, durationNs };
  const windows = [0, 20, 40].map((startMs) => ({
    startNs: startMs * MS,
    endNs: (startMs + 20) * MS,
    requestCount: 2,
    requestsPerSec: 100,
    latencyNs: 10 * MS,
    standardDeviationNs: 0,
  }));
  await profile.addLevel(level, columns(count, 10));
  await profile.addLevel(
    {
      ...level,
      load: { kind: 'open', requestRatePerSec: 12.5, arrival: 'constant', batchSize: 1 },
      warmupNs: 0,
      windowed: { isStable: true, standardDeviationNs: 0, percentile: null, windows },
    },
    columns(4, 10),
  );
  await profile.close();
  return { text: readFileSync(path, 'utf8'), path };
}

describe('the profile export', () => {
  it('has an experiment a level with the keys of perf_analyzer’s', async () => {
    const { text } = await exported(8);
    const document = JSON.parse(text);
    expect(Object.keys(document)).toEqual(['experiments', 'version', 'service_kind', 'endpoint']);
    expect(document).toMatchObject({ version: '9.9', service_kind: 'triton', endpoint: '' });
    expect(document.experiments.map((one: { experiment: unknown }) => one.experiment)).toEqual([
      { mode: 'concurrency', value: 2 },
      { mode: 'request_rate', value: 12.5 },
    ]);
    expect(Object.keys(document.experiments[0])).toEqual(['experiment', 'requests', 'window_boundaries']);
    expect(Object.keys(document.experiments[0].requests[0])).toEqual(['timestamp', 'response_timestamps']);
  });

  it('has each measured request with its times on the wall clock, to the nanosecond', async () => {
    const { text } = await exported(8);
    // The one that was due at 5 ms was warm-up.
    expect(text).toContain(
      '"requests":[{"timestamp":1795249647015000000,"response_timestamps":[1795249647025000000]},{"timestamp":1795249647025000000,',
    );
    expect(JSON.parse(text).experiments[0].requests).toHaveLength(5);
  });

  it('has nothing that was due after the measured time, and counts it from when the level began', async () => {
    const path = join(await makeTemporaryFolder(), 'profile.json');
    const profile = await createProfileExport({ path, wallOffsetNs, version: '9.9' });
    const sample = sampleLevel({ concurrency: 2, throughput: 100 });
    // A schedule begins before its first arrival.
    await profile.addLevel(
      { ...sample, clockBeginNs: 2 * MS, warmupNs: 13 * MS, durationNs: 30 * MS },
      columns(40, 10),
    );
    await profile.close();
    const [experiment] = JSON.parse(readFileSync(path, 'utf8')).experiments;
    expect(experiment.requests).toHaveLength(2);
  });

  it('has the requests of the windows that are reported, where more were judged', async () => {
    const path = join(await makeTemporaryFolder(), 'profile.json');
    const profile = await createProfileExport({ path, wallOffsetNs, version: '9.9' });
    const rows = columns(50, 10);
    rows.outcomes.fill(1);
    const windows = Array.from({ length: 5 }, (_, window) => ({
      startNs: window * 60 * MS,
      endNs: (window + 1) * 60 * MS,
      requestCount: 6,
      requestsPerSec: 100,
      latencyNs: 10 * MS,
      standardDeviationNs: 0,
    }));
    const sample = sampleLevel({ concurrency: 2, throughput: 100 });
    const windowed = { isStable: true, standardDeviationNs: 0, percentile: null, windows };
    await profile.addLevel({ ...sample, warmupNs: 120 * MS, durationNs: 180 * MS, requestCount: 18, windowed }, rows);
    await profile.close();
    const text = readFileSync(path, 'utf8');
    expect(JSON.parse(text).experiments[0].requests).toHaveLength(18);
    // The twelve answers of the first two windows were due from 5 to 115 ms.
    expect(text).toContain('"requests":[{"timestamp":1795249647125000000,');
    expect(JSON.parse(text).experiments[0].window_boundaries).toHaveLength(4);
  });

  it.each([
    ['auto', 100, true],
    ['auto', 10_000, false],
    ['all', 10_000, true],
    ['none', 100, false],
  ] as const)('with tensors %s and %i elements a request: written is %s', async (tensors, elements, isWritten) => {
    const path = join(await makeTemporaryFolder(), 'profile.json');
    const said: string[] = [];
    const say = (sentence: string): void => void said.push(sentence);
    const profile = await createProfileExport({ path, wallOffsetNs, version: '9.9', tensors, say });
    const rows = columns(3, 10);
    const contents = [{ inputs: [{ name: 'IN', dataType: 'UINT8', bytes: new Uint8Array(elements) }], outputs: [] }];
    const exchanges = {
      contents,
      intendedNs: [...rows.intendedNs],
      receivedNs: [...rows.receivedNs],
      indices: [0, 0, 0],
    };
    await profile.addLevel({ ...sampleLevel({ concurrency: 2, throughput: 100 }), warmupNs: 0 }, rows, exchanges);
    await profile.close();
    const { requests } = JSON.parse(readFileSync(path, 'utf8')).experiments[0];
    expect(requests).toHaveLength(3);
    expect('request_inputs' in requests[0]).toBe(isWritten);
    expect(said.join()).toEqual(
      tensors === 'auto' && !isWritten ? expect.stringContaining('--profile-export-tensors all writes them') : '',
    );
  });

  it('says before a level that it is huge, and how it would not be', async () => {
    const path = join(await makeTemporaryFolder(), 'profile.json');
    const said: string[] = [];
    const say = (sentence: string): void => void said.push(sentence);
    const profile = await createProfileExport({ path, wallOffsetNs, version: '9.9', tensors: 'all', say });
    const rows = columns(800, 1);
    const contents = [{ inputs: [{ name: 'IN', dataType: 'UINT8', bytes: new Uint8Array(100_000) }], outputs: [] }];
    const exchanges = {
      contents,
      intendedNs: [...rows.intendedNs],
      receivedNs: [...rows.receivedNs],
      indices: new Array<number>(800).fill(0),
    };
    const level = { ...sampleLevel({ concurrency: 2, throughput: 100 }), warmupNs: 0 };
    await profile.addLevel(level, rows, exchanges);
    await profile.close();
    expect(said).toEqual([expect.stringMatching(/this level takes about \d+.* MiB; --profile-export-tensors none/)]);
  });

  it('has what went in and out of each request that is known, told apart by its instants and then by order', async () => {
    const path = join(await makeTemporaryFolder(), 'profile.json');
    const profile = await createProfileExport({ path, wallOffsetNs, version: '9.9' });
    const rows = columns(3, 10);
    // The first two were due and answered together.
    rows.intendedNs[1] = rows.intendedNs[0]!;
    rows.receivedNs[1] = rows.receivedNs[0]!;
    const byte = (name: string, value: number) => ({ name, dataType: 'UINT8', bytes: Uint8Array.of(value) });
    const contents = [1, 2].map((value) => ({ inputs: [byte('IN', value)], outputs: [byte('OUT', 10 * value)] }));
    const [at] = rows.intendedNs;
    const [until] = rows.receivedNs;
    const exchanges = { contents, intendedNs: [at!, at!], receivedNs: [until!, until!], indices: [1, 0] };
    await profile.addLevel({ ...sampleLevel({ concurrency: 2, throughput: 100 }), warmupNs: 0 }, rows, exchanges);
    await profile.close();
    const requests: Record<string, unknown>[] = JSON.parse(readFileSync(path, 'utf8')).experiments[0].requests;
    expect(Object.keys(requests[0]!)).toEqual([
      'timestamp',
      'request_inputs',
      'response_timestamps',
      'response_outputs',
    ]);
    expect(requests.map(({ request_inputs, response_outputs }) => [request_inputs, response_outputs])).toEqual([
      [{ IN: 2 }, [{ OUT: 20 }]],
      [{ IN: 1 }, [{ OUT: 10 }]],
      [undefined, undefined],
    ]);
  });

  it('writes a whole rate as a fraction, as perf_analyzer does, and a concurrency as a whole number', async () => {
    const path = join(await makeTemporaryFolder(), 'profile.json');
    const profile = await createProfileExport({ path, wallOffsetNs, version: '9.9' });
    const level = sampleLevel({ concurrency: 2, throughput: 100 });
    await profile.addLevel(level, columns(1, 10));
    const load = { kind: 'open', requestRatePerSec: 50, arrival: 'constant', batchSize: 1 } as const;
    await profile.addLevel({ ...level, load }, columns(1, 10));
    await profile.close();
    const text = readFileSync(path, 'utf8');
    expect(text).toContain('"value":2}');
    expect(text).toContain('"value":50.0}');
  });

  it('has the bounds of the windows, which share them, or of the measured stretch', async () => {
    const { text } = await exported(8);
    expect(text).toContain('"window_boundaries":[1795249647015000000,1795249647085000000]');
    expect(text).toContain(
      '"window_boundaries":[1795249647005000000,1795249647025000000,1795249647045000000,1795249647065000000]',
    );
  });

  it('is written in blocks without losing a request between them', async () => {
    const { text } = await exported(9001, 100_000 * MS);
    expect(JSON.parse(text).experiments[0].requests).toHaveLength(9001 - Math.floor(9001 / 4) - 1);
  });

  it('leaves no file when no level was finished', async () => {
    const path = join(await makeTemporaryFolder(), 'profile.json');
    const profile = await createProfileExport({ path, wallOffsetNs, version: '1' });
    await profile.close();
    expect(existsSync(path)).toBe(false);
  });

  it('never overwrites a file, and says so by the flag', async () => {
    const path = join(await makeTemporaryFolder(), 'mine.json');
    writeFileSync(path, 'mine');
    await expect(createProfileExport({ path, wallOffsetNs, version: '1' })).rejects.toMatchObject({
      code: 'BAD_OPTION',
      problems: [{ where: `--profile-export-file ${path}`, what: 'exists already' }],
    });
    expect(readFileSync(path, 'utf8')).toBe('mine');
    const nowhere = join(await makeTemporaryFolder(), 'none', 'mine.json');
    await expect(createProfileExport({ path: nowhere, wallOffsetNs, version: '1' })).rejects.toMatchObject({
      code: 'OUTPUT_UNWRITABLE',
    });
    expect(existsSync(nowhere)).toBe(false);
  });
});
