import { describe, expect, it } from 'vitest';
import { closeFrontEnds, createFrontEnds, type FrontEnds, listen } from '../../engine/front-ends.js';
import { createSilentLog } from '../../engine/log/create-engine-log.js';
import { checkEngineOptions, engineOptionRows } from '../../engine/options.js';
import { readOptions } from '../../src/common/option-row.js';
import { FakeModel, sourceOf } from '../support/fake-model.js';
import { parseMetrics } from '../support/parse-metrics.js';

const optionsOf = (texts: Record<string, string[]>) => {
  const ports = { 'http-port': ['0'], 'grpc-port': ['0'], 'metrics-port': ['0'] };
  return readOptions(engineOptionRows, { 'model-repository': ['x'], ...ports, ...texts }).values;
};

const create = (texts: Record<string, string[]>): FrontEnds =>
  createFrontEnds(optionsOf(texts), sourceOf(new FakeModel()), {
    log: createSilentLog(),
    pinnedMemory: () => ({ totalBytes: 1, usedBytes: 0 }),
  });

const close = (frontEnds: FrontEnds): Promise<void> => closeFrontEnds(frontEnds, AbortSignal.abort());

describe('the front ends of an engine', () => {
  it('are those that are allowed', async () => {
    const frontEnds = create({ 'allow-grpc': ['false'], 'allow-metrics': ['false'] });
    const { grpcPort, httpPort, metricsPort } = await listen(frontEnds);
    expect([grpcPort, metricsPort]).toEqual([undefined, undefined]);
    expect((await fetch(`http://127.0.0.1:${httpPort}/v2`)).status).toBe(200);
    await close(frontEnds);
  });

  it('have a metrics endpoint that follows its options', async () => {
    const frontEnds = create({ 'metrics-config': ['counter_latencies=false'], 'allow-cpu-metrics': ['false'] });
    const { metricsPort } = await listen(frontEnds);
    const response = await fetch(`http://127.0.0.1:${metricsPort}/metrics`);
    const names = [...parseMetrics(await response.text()).keys()];
    expect(names).toContain('nv_inference_count');
    expect(names.filter((name) => name.startsWith('nv_cpu') || name.endsWith('_us'))).toEqual([]);
    await close(frontEnds);
  });

  it('tell the name that the engine was given', async () => {
    const frontEnds = create({ id: ['other'] });
    const { httpPort } = await listen(frontEnds);
    expect(await (await fetch(`http://127.0.0.1:${httpPort}/v2`)).json()).toMatchObject({ name: 'other' });
    await close(frontEnds);
  });

  it('leave shared memory alone unless told otherwise', () => {
    expect(create({}).services.sharedMemory).toBeUndefined();
    if (process.platform === 'linux')
      expect(create({ 'allow-client-shm': ['true'] }).services.sharedMemory).toBeDefined();
  });

  it('cannot share a port', () => {
    const options = optionsOf({ 'http-port': ['9000'], 'metrics-port': ['9000'], 'grpc-port': ['9001'] });
    expect(() => checkEngineOptions(options)).toThrow('--http-port: and --metrics-port are both 9000');
    const elsewhere = optionsOf({ 'http-port': ['9000'], 'metrics-port': ['9000'], 'metrics-address': ['127.0.0.2'] });
    expect(() => checkEngineOptions(elsewhere)).not.toThrow();
  });
});
