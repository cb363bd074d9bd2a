/**
 * Entry of a load worker thread: one client, its prepared requests, and the driver of the running level. Talks to the
 * main thread in the words of worker-messages.ts.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { inferClients } from '../client/create-infer-client.js';
import type { InferClient } from '../client/infer-client.js';
import { messageOf, PerfTsError } from '../common/errors.js';
import { toMillis } from '../common/units.js';
import type { InferOutput } from '../kserve/tensor.js';
import { createDriver } from './create-driver.js';
import { ExchangeLog } from './exchange-log.js';
import { LoopPacing } from './loop-pacer.js';
import { PacerThread, type Pacing } from './pacer.js';
import {
  type AnswerCheck,
  comparesAnswers,
  newAnswerCheck,
  PreparedRequests,
  readsAnswers,
} from './prepared-requests.js';
import { RequestLog } from './request-log.js';
import { ThreadPriority } from './thread-priority.js';
import { WorkerGauge } from './worker-gauge.js';
import type { FromWorker, LevelShare, ToWorker, WorkerStart } from './worker-messages.js';

const COUNTS_INTERVAL_MS = 250;

interface Connection {
  readonly client: InferClient;
  readonly requests: PreparedRequests;
  /** What the handles stand for. */
  readonly batchSize: number;
  readonly shapeIndex: number;
}

interface RunningLevel {
  readonly driver: ReturnType<typeof createDriver>;
  readonly logs: readonly RequestLog[];
  readonly countsTimer: NodeJS.Timeout;
}

const { plan, workerIndex, gauge: gaugeBuffer, regionPrefix } = workerData as WorkerStart;
const port = parentPort!;
const tell = (message: FromWorker): void => port.postMessage(message);

const isComparing = comparesAnswers(plan);

let connection: Connection | undefined;
let regionCount = 0;
let answers: AnswerCheck = newAnswerCheck();
let exchanges: ExchangeLog | undefined;
let level: RunningLevel | undefined;
let pacing: Pacing | undefined;
const priority = new ThreadPriority();
const gauge = new WorkerGauge(gaugeBuffer, {
  waited: () => ({ idleNs: pacing?.idleNs ?? 0, sleptNs: pacing?.sleptNs ?? 0 }),
  clientTimes: () => connection?.client.clientTimes?.(),
  scheduling: () => priority.scheduling,
  // With most of a CPU at real-time priority it would starve what else needs that CPU, the server too, and the kernel stops it now and then.
  onHungry: () => priority.lower(),
});

async function connect(batchSize: number, shapeIndex: number): Promise<Connection> {
  const client = await inferClients[plan.client]({
    endpoint: plan.endpoint,
    requestTimeoutMs: toMillis(plan.requestTimeout),
    onCompletion: (tag, receivedNs, outcome, cause) => level?.driver.complete(tag, receivedNs, outcome, cause),
    ...(plan.tls && { tls: plan.tls }),
    ...(plan.headers && { headers: plan.headers }),
    ...(plan.compression && { compression: plan.compression }),
    ...(plan.tensorFormats && { tensorFormats: plan.tensorFormats }),
    ...(readsAnswers(plan) && { onOutputs: readAnswer }),
  });
  const regionName = regionPrefix === undefined ? undefined : `${regionPrefix}-${workerIndex}-${regionCount++}`;
  const kinds = plan.models.map((model) => ({ model, batchSize, shapeIndex }));
  try {
    const requests = await PreparedRequests.create(client, kinds, { plan, workerIndex, regionName });
    return { client, requests, batchSize, shapeIndex };
  } catch (fault) {
    await client.close();
    throw fault;
  }
}

function readAnswer(handle: number, outputs: readonly InferOutput[]): void {
  if (connection === undefined) return;
  if (isComparing) connection.requests.compare(handle, outputs, answers);
  if (exchanges !== undefined) connection.requests.note(handle, outputs, exchanges);
}

/**
 * Connects and has the target answer one request of each model, so that a refusal is known before any load. Where the
 * share of failures is what is asked for, a failure here is one of many and the level counts the others.
 */
async function prepare(): Promise<void> {
  const [batchSize = 1] = plan.batchSizes;
  connection = await connect(batchSize, 0);
  for (const request of connection.requests.firsts) {
    const response = connection.client.inferOnce(request, toMillis(plan.requestTimeout));
    await (plan.mayFailFirst === true ? response.catch(() => undefined) : response);
  }
  tell({ kind: 'ready' });
}

/** Other requests need another connection: a client keeps what it has prepared for as long as it lives. */
async function prepareLevel({ batchSize, shapeIndex = 0, kind }: LevelShare['level']): Promise<void> {
  if (connection?.batchSize !== batchSize || connection.shapeIndex !== shapeIndex) await disconnect();
  connection ??= await connect(batchSize, shapeIndex);
  if (kind === 'open') pacing ??= (await LoopPacing.open()) ?? new PacerThread();
  tell({ kind: 'prepared' });
}

function startLevel(share: LevelShare): void {
  const {
    client,
    requests: { handles },
  } = connection!;
  answers = newAnswerCheck();
  exchanges = plan.keepsTensors === true ? new ExchangeLog() : undefined;
  const logs = plan.models.map((_, modelIndex) => {
    return new RequestLog(
      (chunk) => tell({ kind: 'chunk', modelIndex, buffer: chunk.buffer }),
      exchanges,
      plan.requestTimeout,
    );
  });
  const driver = createDriver({
    plan,
    workerIndex,
    share,
    handles,
    logs,
    send: (handle, tag) => client.send(handle, tag),
    createPacer: (wake) => pacing!.createPacer(wake),
    onFinished: () => tell({ kind: 'finished' }),
  });
  let toldChanges = 0;
  const tellNews = (): void => {
    const changes = countChanges(driver, logs);
    if (changes === toldChanges) return;
    toldChanges = changes;
    tellCounts(driver, logs);
  };
  level = { driver, logs, countsTimer: setInterval(tellNews, COUNTS_INTERVAL_MS) };
  // Only a schedule has to be kept; a closed loop goes at the server's pace, and leaves it the CPUs.
  if (share.level.kind === 'open') priority.raise();
  gauge.begin();
  driver.start();
  tell({ kind: 'started' });
}

/** Grows with everything that `tellCounts` tells. */
const countChanges = ({ droppedCount, delayedCount }: RunningLevel['driver'], logs: readonly RequestLog[]): number =>
  logs.reduce((sum, { failureCount }) => sum + failureCount, droppedCount + delayedCount + answers.checkedCount);

function tellCounts(driver: RunningLevel['driver'], logs: readonly RequestLog[]): void {
  const { droppedCount, delayedCount, abandonedCount: unfinishedCount } = driver;
  const causes = logs.map((log) => log.causes());
  tell({ kind: 'counts', counts: { causes, droppedCount, delayedCount, unfinishedCount, ...answers } });
}

async function stopLevel(): Promise<void> {
  if (level !== undefined) {
    const { driver, logs, countsTimer } = level;
    gauge.end();
    await driver.stop();
    priority.lower();
    clearInterval(countsTimer);
    level = undefined;
    if (driver.abandonedCount > 0) await disconnect();
    tellCounts(driver, logs);
    if (exchanges !== undefined) tell({ kind: 'exchanges', exchanges: exchanges.exchanges() });
    exchanges = undefined;
  }
  tell({ kind: 'stopped' });
}

/** Lets go of the client together with what it still has in flight; the next level connects anew. */
async function disconnect(): Promise<void> {
  const open = connection;
  connection = undefined;
  await open?.client.close();
  await open?.requests.release();
}

async function close(): Promise<void> {
  if (level !== undefined) clearInterval(level.countsTimer);
  level = undefined;
  pacing?.close();
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

async function obey(message: ToWorker): Promise<void> {
  switch (message.kind) {
    case 'prepare':
      return prepareLevel(message.level);
    case 'start':
      return startLevel(message.share);
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
