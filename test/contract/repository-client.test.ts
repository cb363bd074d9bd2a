import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { engineOptionRows } from '../../engine/options.js';
import { type Engine, startEngine } from '../../engine/server.js';
import { readOptions } from '../../src/common/option-row.js';
import { packageRoot } from '../../src/common/package-root.js';
import { buildZooModel } from '../../src/onnx/zoo/zoo.js';
import { findPython } from '../support/find-python.js';
import { writeRepository } from '../support/model-repository.js';
import { type PythonCheck, runPython } from '../support/run-python-checks.js';

const python = findPython(['tritonclient.grpc', 'tritonclient.http', 'numpy']);

describe.skipIf(python === undefined)('the official Python client', () => {
  let engine: Engine | undefined;
  let checks: readonly PythonCheck[] = [];
  beforeAll(async () => {
    const model = buildZooModel('add_sub');
    const folder = await writeRepository({ 'a/1/model.onnx': model, 'b/1/model.onnx': model });
    const file = join(await writeRepository({}), 'model.onnx');
    await writeFile(file, model);
    const { values } = readOptions(engineOptionRows, {
      'model-repository': [folder],
      'model-control-mode': ['explicit'],
      'http-port': ['0'],
      'grpc-port': ['0'],
      'allow-metrics': ['false'],
    });
    engine = await startEngine(values);
    const script = join(packageRoot, 'test', 'contract', 'repository_contract.py');
    const endpoints = [engine.grpcPort, engine.httpPort].map((port) => `127.0.0.1:${port}`);
    checks = await runPython<PythonCheck>(python!, script, ...endpoints, file);
  }, 120_000);
  afterAll(async () => {
    await engine?.close();
  });

  it.each(['load and unload', 'config override', 'file override', 'refusals', 'instance group'])(
    'agrees about %s over gRPC and HTTP',
    (topic) => {
      const found = checks.filter((check) => check.topic === topic);
      expect(found.filter(({ ok }) => !ok)).toEqual([]);
      expect(found).toHaveLength(2);
    },
  );
});
