import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { nowNs } from '../../src/common/clock.js';
import { millis } from '../../src/common/units.js';
import { noMetrics, watchTarget } from '../../src/monitor/watch-target.js';
import { monitorsSchema } from '../../src/record/run-record.js';

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

async function serveMetrics(): Promise<string> {
  let asked = 0;
  const server = createServer((_, response) => {
    asked++;
    response.end(`# TYPE nv_inference_count counter\nnv_inference_count ${asked * 10}\n`);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(() => new Promise((resolve) => server.close(resolve)));
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe('watching a target', () => {
  it('sees CPU and memory of a local server found by its port, and the growth of its counters', async () => {
    const endpoint = await serveMetrics();
    const metrics = { isAsked: true, url: `http://${endpoint}/metrics`, interval: millis(20) };
    const monitor = await watchTarget({ kind: 'remote', endpoint }, metrics);
    const from = nowNs();
    monitor.begin();
    await new Promise((resolve) => setTimeout(resolve, 150));
    monitor.pause();
    const record = monitorsSchema.parse(await monitor.end(from, nowNs(), 100));
    expect(record.serverMemoryBytes).toBeGreaterThan(10 * 2 ** 20);
    expect(record.serverCpuCount).toBeGreaterThanOrEqual(0);
    expect(record.serverMetrics!.nv_inference_count).toBeGreaterThan(0);
  });

  it('says nothing of the process of a server elsewhere', async () => {
    const monitor = await watchTarget({ kind: 'remote', endpoint: '192.0.2.1:8001' }, noMetrics);
    monitor.begin();
    const record = await monitor.end(nowNs(), nowNs(), 1);
    expect(record).toEqual({
      serverCpuCount: null,
      serverMemoryBytes: null,
      gpus: [],
      energyPerInferenceJoules: null,
      serverMetrics: null,
    });
  });

  it('keeps with each level who ran the nodes, where the engine said so', async () => {
    const assignment = {
      model: 'm',
      version: '1',
      device: 'cpu',
      nodes: { openvino: 2 },
      copyCount: 0,
      buildNs: 1,
    };
    const target = { kind: 'embedded', endpoint: '192.0.2.1:8001', assignments: [assignment] } as const;
    const monitor = await watchTarget(target, noMetrics);
    monitor.begin();
    const record = monitorsSchema.parse(await monitor.end(nowNs(), nowNs(), 1));
    expect(record.assignments).toEqual([assignment]);
  });

  it('refuses before any load when metrics are asked for and none are there', async () => {
    const asked = watchTarget(
      { kind: 'remote', endpoint: '127.0.0.1:1' },
      { isAsked: true, url: 'http://127.0.0.1:1/metrics', interval: millis(1000) },
    );
    await expect(asked).rejects.toMatchObject({
      code: 'BAD_OPTION',
      message: expect.stringContaining('--metrics-url'),
    });
  });
});
