import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { processExists } from '../../src/common/process-exists.js';
import { addZooModels } from '../../src/onnx/zoo/zoo.js';
import { launchEmbeddedTarget } from '../../src/target/embedded-target.js';

async function makeRepository(): Promise<string> {
  const repository = mkdtempSync(join(tmpdir(), 'perf-ts-target-'));
  await addZooModels(['identity'], repository);
  return repository;
}

const options = (modelRepository: string) =>
  ({ modelRepository, model: 'identity', protocol: 'grpc', isDemoModel: false }) as const;

describe('our engine as a target', { timeout: 30_000 }, () => {
  it('is ready with its model once it is there, and gone once it is closed, also when closed twice', async () => {
    const target = await launchEmbeddedTarget(options(await makeRepository()));
    const pid = target.serverProcessId ?? 0;
    expect(await target.admin.isModelReady('identity')).toBe(true);
    expect(target.endpoint).toMatch(/^127\.0\.0\.1:\d+$/);
    expect(processExists(pid)).toBe(true);
    await target.close();
    await target.close();
    expect(processExists(pid)).toBe(false);
  });

  it('passes on what the engine said when it refuses the model', async () => {
    const repository = await makeRepository();
    writeFileSync(join(repository, 'identity', '1', 'model.onnx'), 'no model');
    await expect(launchEmbeddedTarget(options(repository))).rejects.toMatchObject({
      code: 'BAD_FILE',
      message: expect.stringContaining('model.onnx') as string,
    });
  });

  it('serves a model that it has tried in a process of its own first', async () => {
    const target = await launchEmbeddedTarget({ ...options(await makeRepository()), isolateLoad: true });
    expect(await target.admin.isModelReady('identity')).toBe(true);
    await target.close();
  });

  it('tells when the engine dies by itself', async () => {
    const target = await launchEmbeddedTarget(options(await makeRepository()));
    process.kill(target.serverProcessId ?? 0, 'SIGKILL');
    await expect(target.failure).rejects.toMatchObject({
      code: 'ENGINE_FAILED',
      message: expect.stringContaining('SIGKILL') as string,
    });
    await target.close();
  });

  it('stops while it starts when it is told to', async () => {
    const controller = new AbortController();
    const starting = launchEmbeddedTarget({ ...options(await makeRepository()), signal: controller.signal });
    controller.abort();
    await expect(starting).rejects.toMatchObject({ code: 'INTERRUPTED' });
  });
});
