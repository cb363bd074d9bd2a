/** Sweeps on a server that is started for each trial; our engine stands in, because it takes tritonserver's flags. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { commandEntry } from '../../../src/common/package-root.js';
import { millis } from '../../../src/common/units.js';
import { openTritonserver } from '../../../src/tune/launchers/tritonserver.js';
import { closedLoad } from '../../../src/tune/studies/study-load.js';
import { buildSearchSpace } from '../../../src/tune/variants/search-space.js';
import { createVariant } from '../../../src/tune/variants/variants.js';
import { buildIdentityModel } from '../../support/identity-model.js';
import { writeRepository } from '../../support/model-repository.js';
import { startPerfTs } from '../../support/run-perf-ts.js';

const config =
  'max_batch_size: 8\ninput { name: "INPUT0" data_type: TYPE_FP32 dims: [ 16 ] }\n' +
  'output { name: "OUTPUT0" data_type: TYPE_FP32 dims: [ 16 ] }\n';
const neverAborted = new AbortController().signal;
const knobs = { instance_count: [1, 3], pinned_memory_pool_bytes: [0] };

let folder: string;
let temporary: string;
let command: string;
let repository: string;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'perf-ts-local-test-'));
  repository = await writeRepository({
    'identity/config.pbtxt': config,
    'identity/1/model.onnx': buildIdentityModel('FP32', ['batch', 16]),
  });
  temporary = join(folder, 'tmp');
  mkdirSync(temporary);
  vi.stubEnv('TMPDIR', temporary);
  command = join(folder, 'server.sh');
  // A shell that stays, as a script that does not use exec would: both have to go.
  const script = `#!/bin/sh\necho "$@" >> "${folder}/flags"\n"${process.execPath}" "${commandEntry}" serve "$@"\nexit $?\n`;
  writeFileSync(command, script, { mode: 0o755 });
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

/** Command lines of processes that were started with something of this test's folder. */
function running(): string[] {
  if (!existsSync('/proc')) return [];
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        return [readFileSync(join('/proc', name, 'cmdline'), 'utf8').replaceAll('\0', ' ')];
      } catch {
        return [];
      }
    })
    .filter((line) => line.includes(folder) && !line.includes(' sweep '));
}

const open = (program = command) =>
  openTritonserver({
    model: 'identity',
    modelFolder: join(repository, 'identity'),
    command: program,
    signal: neverAborted,
  });

describe('a tritonserver of this host', { timeout: 90_000 }, () => {
  it('tells the whole config of the unchanged model, serves a variant with its flags, and is gone afterwards', async () => {
    const server = await open();
    expect(server.model).toMatchObject({ configPbtxt: config, completed: { backend: 'onnxruntime' } });
    expect(running()).toEqual([]);
    const context = await server.describeContext({ selection: knobs, runtimes: [], signal: neverAborted });
    const space = buildSearchSpace(context, server.offer(knobs, context).selection);
    const values = { instance_count: 3, pinned_memory_pool_bytes: 0 };
    const variant = createVariant(server.model, space, values, context);
    const launched = await server.launchVariant(variant, { seed: 1, signal: neverAborted });
    expect((await launched.target?.admin.modelConfig('identity'))?.instance_group?.[0]?.count).toBe(3);
    const request = { load: closedLoad(4), duration: millis(600), signal: neverAborted, onProgress() {} };
    expect(await launched.measure(request)).toMatchObject({ errors: {} });
    await launched.close();
    await server.close();
    const flags = readFileSync(join(folder, 'flags'), 'utf8').trim().split('\n');
    expect(flags).toHaveLength(2);
    expect(flags[1]).toMatch(/--load-model=identity .*--grpc-address=127\.0\.0\.1 .*--pinned-memory-pool-byte-size=0/);
    expect(running()).toEqual([]);
    expect(readdirSync(temporary)).toEqual([]);
  });

  it('that does not load the model says why in its own words', async () => {
    writeFileSync(join(repository, 'identity', '1', 'model.onnx'), 'broken');
    await expect(open()).rejects.toMatchObject({
      code: 'TARGET_REFUSED',
      problems: [{ what: expect.stringMatching(/did not load model 'identity': .*model\.onnx/) }],
    });
    expect(running()).toEqual([]);
  });

  it('that ends by itself is told with what it said last', async () => {
    writeFileSync(command, '#!/bin/sh\necho "error: no luck today" >&2\nexit 3\n', { mode: 0o755 });
    await expect(open()).rejects.toMatchObject({
      code: 'ENGINE_FAILED',
      problems: [{ what: 'the tritonserver ended with exit code 3; it said: error: no luck today' }],
    });
  });

  it('that is not there is a fault of the option', async () => {
    await expect(open(join(folder, 'nothing'))).rejects.toMatchObject({
      code: 'BAD_OPTION',
      problems: [{ where: '--tritonserver' }],
    });
  });

  it('is gone, and so are its files, after the sweep was killed', async () => {
    const words = ['-m', 'identity', '--server', 'local', '--tritonserver', command, '--model-repository', repository];
    const run = startPerfTs(['sweep', ...words, '--budget', '60s'], { folder, env: { TMPDIR: temporary } });
    await vi.waitUntil(
      () => readFileSync(join(folder, 'flags'), { encoding: 'utf8', flag: 'a+' }).split('\n').length > 2,
      {
        timeout: 60_000,
        interval: 100,
      },
    );
    expect(running().join()).toMatch(/serve/);
    run.child.kill('SIGKILL');
    await run.ended;
    await vi.waitUntil(() => running().length === 0 && readdirSync(temporary).length === 0, {
      timeout: 40_000,
      interval: 100,
    });
    expect(running()).toEqual([]);
  });
});
