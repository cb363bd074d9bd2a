import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { createEngineLog } from '../../engine/log/create-engine-log.js';
import { engineOptionRows } from '../../engine/options.js';
import { startEngine } from '../../engine/server.js';
import { readOptions } from '../../src/common/option-row.js';
import { packageRoot } from '../../src/common/package-root.js';
import { writeRepository } from '../support/model-repository.js';
import { type Answers, compare, knownDifferences } from './recorded/compare.js';
import { ourFiles, servedModels, tritonFiles } from './recorded/models.js';
import { absentRequests, forBackend, lenientRequests, requests, troubledRequests } from './recorded/requests.js';
import { type Endpoints, type ServerRequest, sendAll } from './recorded/send-requests.js';

/** A command that starts tritonserver with the Python backend and takes its flags. */
const triton = process.env.PERF_TS_TRITON;
const hasTriton = triton !== undefined && existsSync(triton);
if (!hasTriton) console.warn('SKIPPED: asking a tritonserver anew (PERF_TS_TRITON names the command that starts one)');

/** What a tritonserver 2.51 answered; PERF_TS_RECORD=1 beside PERF_TS_TRITON writes it anew. */
const recording = join(packageRoot, 'test', 'contract', 'recorded', 'triton-2.51.json');

interface Scenario {
  readonly requests: readonly ServerRequest[];
  readonly flags: Readonly<Record<string, readonly string[]>>;
}

const goOn = { 'exit-on-error': ['false'] };
const scenarios: readonly Scenario[] = [
  { requests, flags: { 'load-model': servedModels } },
  { requests: troubledRequests, flags: { 'load-model': ['identity', 'nope', 'versionless', 'failing'], ...goOn } },
  { requests: absentRequests, flags: { 'load-model': ['identity', 'nope'], ...goOn } },
  {
    requests: lenientRequests,
    flags: { 'load-model': ['identity', 'nope', 'failing'], ...goOn, 'strict-readiness': ['false'] },
  },
];

async function askEngine(): Promise<Answers> {
  const repository = await writeRepository(ourFiles());
  let answers: Answers = {};
  for (const scenario of scenarios) {
    const { values } = readOptions(engineOptionRows, {
      'model-repository': [repository],
      'model-control-mode': ['explicit'],
      'http-port': ['0'],
      'grpc-port': ['0'],
      'metrics-port': ['0'],
      ...scenario.flags,
    });
    const engine = await startEngine(values, { log: createEngineLog({}, { write: () => undefined }) });
    const [grpc, http, metrics] = [engine.grpcPort, engine.httpPort, engine.metricsPort].map(
      (port) => `127.0.0.1:${port}`,
    );
    try {
      const endpoints = { grpc: grpc!, http: http!, metrics: metrics! };
      answers = { ...answers, ...(await sendAll(endpoints, forBackend(scenario.requests, 'onnxruntime'))) };
    } finally {
      await engine.close();
    }
  }
  return answers;
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}

async function startTriton(repository: string, flags: Scenario['flags']): Promise<Endpoints & { child: ChildProcess }> {
  const [grpc, http, metrics] = [await freePort(), await freePort(), await freePort()];
  const words = Object.entries(flags).flatMap(([flag, values]) => values.map((value) => `--${flag}=${value}`));
  const ports = [`--grpc-port=${grpc}`, `--http-port=${http}`, `--metrics-port=${metrics}`];
  const child = spawn(
    triton!,
    [`--model-repository=${repository}`, '--model-control-mode=explicit', ...ports, ...words],
    { stdio: 'ignore' },
  );
  for (let attempt = 0; attempt < 400; attempt++) {
    const answer = await fetch(`http://127.0.0.1:${http}/v2/health/live`).catch(() => undefined);
    if (answer?.status === 200) break;
    if (child.exitCode !== null) throw new Error(`tritonserver ended with ${child.exitCode}`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  return { child, grpc: `127.0.0.1:${grpc}`, http: `127.0.0.1:${http}`, metrics: `127.0.0.1:${metrics}` };
}

/** Asked nicely, because a killed one leaves its shared memory behind. */
function endTriton(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  const patience = setTimeout(() => child.kill('SIGKILL'), 30_000);
  return new Promise((resolve) => {
    child.once('exit', () => {
      clearTimeout(patience);
      resolve();
    });
    child.kill('SIGTERM');
  });
}

async function askTriton(): Promise<Answers> {
  const repository = await writeRepository(tritonFiles());
  let answers: Answers = {};
  for (const { requests: list, flags } of scenarios) {
    const server = await startTriton(repository, flags);
    try {
      answers = { ...answers, ...(await sendAll(server, forBackend(list, 'python'))) };
    } finally {
      await endTriton(server.child);
    }
  }
  return answers;
}

const readRecording = async (): Promise<Answers> => JSON.parse(await readFile(recording, 'utf8')) as Answers;
const asLines = (differences: readonly object[]): string[] => differences.map((one) => JSON.stringify(one));

describe('beside the recorded answers of a tritonserver 2.51, the engine', () => {
  let ours: Answers = {};
  let theirs: Answers = {};
  beforeAll(async () => {
    ours = await askEngine();
    theirs = await readRecording();
  }, 120_000);

  it('gives the same answers to the same requests, but for the differences that are known', () => {
    expect(Object.keys(theirs).length).toBeGreaterThan(400);
    expect(asLines(compare(theirs, ours))).toEqual([]);
  });

  it('differs in everything that is listed as a difference', () => {
    const differing = compare(theirs, ours, {}).map(({ request }) => request);
    expect(Object.keys(knownDifferences).filter((request) => !differing.includes(request))).toEqual([]);
  });
});

describe.skipIf(!hasTriton)('a tritonserver that is asked anew', () => {
  it('answers as it did when it was recorded', async () => {
    const answers = await askTriton();
    if (process.env.PERF_TS_RECORD === '1') await writeFile(recording, `${JSON.stringify(answers, null, 1)}\n`);
    expect(asLines(compare(await readRecording(), answers, {}))).toEqual([]);
  }, 300_000);
});
