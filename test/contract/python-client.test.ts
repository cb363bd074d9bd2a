import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../../engine/server.js';
import { packageRoot } from '../../src/common/package-root.js';
import { startContractEngine } from '../support/contract-engine.js';
import { findPython } from '../support/find-python.js';

interface Check {
  readonly topic: string;
  readonly check: string;
  readonly ok: boolean;
  readonly detail: string;
}

const python = findPython(['tritonclient.grpc', 'tritonclient.http.aio', 'numpy']);

/** Runs the script to its end without blocking the engine, which lives in this process. */
function runChecks(engine: Engine): Promise<Check[]> {
  const script = join(packageRoot, 'test', 'contract', 'kserve_contract.py');
  const child = spawn(python!, [script, `127.0.0.1:${engine.grpcPort}`, `127.0.0.1:${engine.httpPort}`]);
  let out = '';
  let problems = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    problems += text;
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      if (code !== 0) reject(new Error(`the client ended with ${code}: ${problems}`));
      else
        resolve(
          out
            .trim()
            .split('\n')
            .map((line) => JSON.parse(line) as Check),
        );
    });
  });
}

describe.skipIf(python === undefined)('the official Python client', () => {
  let engine: Engine | undefined;
  let checks: Check[] = [];
  beforeAll(async () => {
    engine = await startContractEngine();
    checks = await runChecks(engine);
  }, 120_000);
  afterAll(() => engine?.close());

  it.each([
    ['health', 2],
    ['metadata', 2],
    ['infer', 73],
    ['statistics', 2],
    ['errors', 2],
    ['concurrent', 4],
  ])('agrees about %s over gRPC and HTTP', (topic, count) => {
    const found = checks.filter((check) => check.topic === topic);
    expect(found.filter(({ ok }) => !ok)).toEqual([]);
    expect(found).toHaveLength(count);
  });
});
