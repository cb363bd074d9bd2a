import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../../engine/server.js';
import { packageRoot } from '../../src/common/package-root.js';
import { startContractEngine } from '../support/contract-engine.js';
import { findPython } from '../support/find-python.js';
import { type PythonCheck, runPython } from '../support/run-python-checks.js';

const python = findPython(['tritonclient.grpc', 'tritonclient.http.aio', 'tritonclient.utils.shared_memory', 'numpy']);
const scripts = ['kserve_contract.py', 'protocol_features.py'];

describe.skipIf(python === undefined)('the official Python client', () => {
  let engine: Engine | undefined;
  const checks: PythonCheck[] = [];
  beforeAll(async () => {
    engine = await startContractEngine();
    const ports = [engine.grpcPort, engine.httpPort, engine.metricsPort].map((port) => `127.0.0.1:${port}`);
    for (const script of scripts) {
      checks.push(...(await runPython<PythonCheck>(python!, join(packageRoot, 'test', 'contract', script), ...ports)));
    }
  }, 120_000);
  afterAll(() => engine?.close());

  it.each([
    ['health', 2],
    ['metadata', 2],
    ['infer', 73],
    ['statistics', 2],
    ['errors', 2],
    ['concurrent', 4],
    ['shared memory', 7],
    ['classification', 3],
    ['parameters', 3],
    ['settings', 4],
    ['cancellation', 2],
    ['metrics', 1],
  ])('agrees about %s over gRPC and HTTP', (topic, count) => {
    const found = checks.filter((check) => check.topic === topic);
    expect(found.filter(({ ok }) => !ok)).toEqual([]);
    expect(found).toHaveLength(count);
  });
});
