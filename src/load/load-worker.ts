/**
 * Entry of a load worker thread: one client, its prepared requests, and the driver of the running level. Talks to the
 * main thread in the words of worker-messages.ts.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { inferClients } from '../client/create-infer-client.js';
import type { InferClient } from '../client/infer-client.js';
import { systemClock } from '../common/clock.js';
import { messageOf, PerfTsError } from '../common/errors.js';
import { toMillis } from '../common/units.js';
import { ClosedLoopDriver } from './closed-loop-driver.js';
import { RequestLog } from './request-log.js';
import { distinctRequestCount, makeRequest } from './request-set.js';
import type { FromWorker, ToWorker, WorkerStart } from './worker-messages.js';

const CAUSES_INTERVAL_MS = 250;

interface Connection {
  readonly client: InferClient;
  readonly handles: readonly number[];
}

interface RunningLevel {
  readonly driver: ClosedLoopDriver;
  readonly log: RequestLog;
  readonly causesTimer: NodeJS.Timeout;
}

const { plan, workerIndex } = workerData as WorkerStart;
const port = parentPort!;
const tell = (message: FromWorker): void => port.postMessage(message);

let connection: Connection | undefined;
let level: RunningLevel | undefined;

async function connect(): Promise<Connection> {
  const client = await inferClients[plan.protocol]({
    endpoint: plan.endpoint,
    requestTimeoutMs: toMillis(plan.requestTimeout),
    onCompletion: (tag, receivedNs, outcome, cause) => level?.driver.complete(tag, receivedNs, outcome, cause),
  });
  const handles = Array.from({ length: distinctRequestCount(plan) }, (_, index) =>
    client.prepare(makeRequest(plan, workerIndex, index)),
  );
  return { client, handles };
}

/** Connects and has the target answer one request, so that a refusal is known before any load. */
async function prepare(): Promise<void> {
  connection = await connect();
  await connection.client.inferOnce(makeRequest(plan, workerIndex, 0), toMillis(plan.requestTimeout));
  tell({ kind: 'ready' });
}

async function startLevel(concurrency: number): Promise<void> {
  connection ??= await connect();
  const { client, handles } = connection;
  const log = new RequestLog((chunk) => tell({ kind: 'chunk', buffer: chunk.buffer }));
  const send = (handle: number, tag: number): void => client.send(handle, tag);
  const driver = new ClosedLoopDriver({ send, handles, concurrency, log, clock: systemClock });
  let toldFailures = 0;
  const tellCauses = (): void => {
    if (log.failureCount === toldFailures) return;
    toldFailures = log.failureCount;
    tell({ kind: 'causes', causes: log.causes() });
  };
  level = { driver, log, causesTimer: setInterval(tellCauses, CAUSES_INTERVAL_MS) };
  driver.start();
  tell({ kind: 'started' });
}

async function stopLevel(): Promise<void> {
  if (level !== undefined) {
    const { driver, log, causesTimer } = level;
    await driver.stop();
    clearInterval(causesTimer);
    level = undefined;
    if (driver.abandonedCount > 0) await disconnect();
    tell({ kind: 'causes', causes: log.causes() });
  }
  tell({ kind: 'stopped' });
}

/** Lets go of the client together with what it still has in flight; the next level connects anew. */
async function disconnect(): Promise<void> {
  const open = connection;
  connection = undefined;
  await open?.client.close();
}

async function close(): Promise<void> {
  if (level !== undefined) clearInterval(level.causesTimer);
  level = undefined;
  await disconnect();
  process.exit(0);
}

function fail(thrown: unknown): void {
  const isFault = thrown instanceof PerfTsError;
  tell({
    kind: 'failed',
    code: isFault ? thrown.code : undefined,
    problems: isFault ? thrown.problems : [{ what: messageOf(thrown) }],
    stack: thrown instanceof Error ? thrown.stack : undefined,
  });
}

function obey(message: ToWorker): Promise<void> {
  switch (message.kind) {
    case 'start':
      return startLevel(message.concurrency);
    case 'stop':
      return stopLevel();
    case 'close':
      return close();
  }
}

port.on('message', (message: ToWorker) => {
  obey(message).catch(fail);
});
prepare().catch(fail);
