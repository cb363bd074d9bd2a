import { spawn } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { packageRoot } from '../../src/common/package-root.js';
import { processExists } from '../../src/common/process-exists.js';
import { addZooModels } from '../../src/onnx/zoo/zoo.js';
import { launchEmbeddedTarget } from '../../src/target/embedded-target.js';
import { EngineStandby } from '../../src/target/engine-standby.js';

async function options(standby: EngineStandby) {
  const modelRepository = mkdtempSync(join(tmpdir(), 'perf-ts-standby-'));
  await addZooModels(['identity'], modelRepository);
  return { modelRepository, model: 'identity', protocol: 'grpc', isDemoModel: false, standby } as const;
}

function openStandby(): EngineStandby {
  const standby = new EngineStandby();
  onTestFinished(() => standby.close());
  return standby;
}

describe('an engine on standby', { timeout: 30_000 }, () => {
  it('becomes the server that is asked for, one process for each', async () => {
    const standby = openStandby();
    const pids: (number | undefined)[] = [];
    for (let turn = 0; turn < 2; turn++) {
      standby.prepare();
      await standby.settled();
      const waiting = standby.processId;
      const target = await launchEmbeddedTarget(await options(standby));
      expect(target.serverProcessId).toBe(waiting);
      expect(await target.admin.isModelReady('identity')).toBe(true);
      expect(standby.processId).toBeUndefined();
      pids.push(waiting);
      await target.close();
      expect(processExists(waiting ?? 0)).toBe(false);
    }
    expect(new Set(pids).size).toBe(2);
  });

  it('is replaced by a process started on the spot when it ended too soon', async () => {
    const standby = openStandby();
    standby.prepare();
    await standby.settled();
    const waiting = standby.processId ?? 0;
    process.kill(waiting, 'SIGKILL');
    await vi.waitFor(() => expect(processExists(waiting)).toBe(false));
    const target = await launchEmbeddedTarget(await options(standby));
    expect(target.serverProcessId).not.toBe(waiting);
    await target.close();
  });

  it('ends when nobody takes it, also while it still starts', async () => {
    const standby = openStandby();
    standby.prepare();
    const waiting = standby.processId ?? 0;
    expect(processExists(waiting)).toBe(true);
    await standby.close();
    expect(processExists(waiting)).toBe(false);
    standby.prepare();
    expect(standby.processId).toBeUndefined();
  });

  it('ends with the process that started it, however that ends', async () => {
    const module = pathToFileURL(join(packageRoot, 'dist', 'src', 'target', 'engine-standby.js')).href;
    const script = `const { EngineStandby } = await import(${JSON.stringify(module)});
      const standby = new EngineStandby();
      standby.prepare();
      await standby.settled();
      console.log(standby.processId);`;
    const parent = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    onTestFinished(() => void parent.kill('SIGKILL'));
    const waiting = await new Promise<number>((resolve) => parent.stdout.once('data', (text) => resolve(Number(text))));
    expect(processExists(waiting)).toBe(true);
    parent.kill('SIGKILL');
    await vi.waitFor(() => expect(processExists(waiting)).toBe(false), { timeout: 5000 });
  });
});
