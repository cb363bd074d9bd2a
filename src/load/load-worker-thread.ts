/** The main thread's side of one load worker: asks it for one thing at a time and notices when it dies. */
import { Worker } from 'node:worker_threads';
import { PerfTsError } from '../common/errors.js';
import type { Exchanges } from './exchange-log.js';
import { createGaugeBuffer, type GaugeReading, readGauge } from './worker-gauge.js';
import type { FromWorker, LevelShare, ToWorker, WorkerCounts, WorkerStart } from './worker-messages.js';

/** A worker that has not closed its connections after this long is ended by force. */
const CLOSE_GRACE_MS = 1000;

/** Told what a worker reports while a level runs. */
export interface WorkerListener {
  onChunk(modelIndex: number, buffer: SharedArrayBuffer): void;
  onCounts(counts: WorkerCounts): void;
  onExchanges(exchanges: Exchanges): void;
  onFinished(): void;
}

interface Awaited {
  readonly kind: FromWorker['kind'];
  readonly resolve: () => void;
  readonly reject: (fault: Error) => void;
}

export class LoadWorkerThread {
  readonly index: number;
  readonly #worker: Worker;
  readonly #exited: Promise<void>;
  readonly #onFailure: (fault: Error) => void;
  readonly #gauge = createGaugeBuffer();
  #awaited: Awaited | undefined;
  #failure: Error | undefined;
  #isClosing = false;
  listener: WorkerListener | undefined;

  /** `onFailure` is called once if the worker fails before `close`. */
  constructor(entry: URL, start: Omit<WorkerStart, 'gauge'>, onFailure: (fault: Error) => void) {
    this.index = start.workerIndex;
    this.#onFailure = onFailure;
    this.#worker = new Worker(entry, {
      workerData: { ...start, gauge: this.#gauge },
      name: `perf-ts load ${start.workerIndex}`,
    });
    this.#worker.on('message', (message: FromWorker) => this.#receive(message));
    this.#worker.on('error', (thrown) => this.#fail(this.#faultOf(thrown.message, thrown)));
    this.#exited = new Promise((resolve) => {
      this.#worker.on('exit', (code) => {
        this.#fail(this.#faultOf(`it exited with code ${code}`, undefined));
        resolve();
      });
    });
  }

  /** Resolves when the worker is connected and the target has answered a request. */
  ready(): Promise<void> {
    return this.#await('ready');
  }

  /** Resolves when the level's requests can be sent. */
  prepare(level: LevelShare['level']): Promise<void> {
    return this.#ask({ kind: 'prepare', level }, 'prepared');
  }

  start(share: LevelShare): Promise<void> {
    return this.#ask({ kind: 'start', share }, 'started');
  }

  /** Resolves once nothing is in flight, which is also so when the worker was closed. */
  async stop(): Promise<void> {
    if (!this.#isClosing) await this.#ask({ kind: 'stop' }, 'stopped');
  }

  /** How close the worker is to its own limits in the running level, or was in the last. */
  gauge(): GaugeReading {
    return readGauge(this.#gauge);
  }

  /** Time the worker's event loop was busy and idle, in milliseconds since the thread began. */
  loopTimes(): { readonly active: number; readonly idle: number } {
    return this.#worker.performance.eventLoopUtilization();
  }

  /** Ends the thread; a stop under way resolves, anything else that was asked of it rejects. Safe to call twice. */
  async close(): Promise<void> {
    if (!this.#isClosing) {
      this.#isClosing = true;
      this.#worker.postMessage({ kind: 'close' } satisfies ToWorker);
      if (this.#awaited?.kind === 'stopped') this.#awaited.resolve();
      else this.#rejectAwaited(new PerfTsError('INTERRUPTED', { what: 'the load workers were closed' }));
    }
    const force = setTimeout(() => void this.#worker.terminate(), CLOSE_GRACE_MS);
    await this.#exited;
    clearTimeout(force);
  }

  #ask(message: ToWorker, answer: FromWorker['kind']): Promise<void> {
    this.#worker.postMessage(message);
    return this.#await(answer);
  }

  #await(kind: FromWorker['kind']): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    if (this.#isClosing)
      return Promise.reject(new PerfTsError('INTERRUPTED', { what: 'the load workers were closed' }));
    if (this.#awaited !== undefined)
      throw new Error(`load worker ${this.index} is already asked for ${this.#awaited.kind}`);
    return new Promise((resolve, reject) => {
      this.#awaited = { kind, resolve, reject };
    });
  }

  #receive(message: FromWorker): void {
    if (message.kind === 'chunk') this.listener?.onChunk(message.modelIndex, message.buffer);
    else if (message.kind === 'counts') this.listener?.onCounts(message.counts);
    else if (message.kind === 'exchanges') this.listener?.onExchanges(message.exchanges);
    else if (message.kind === 'finished') this.listener?.onFinished();
    else if (message.kind === 'failed') this.#fail(reviveFault(message));
    else if (message.kind === this.#awaited?.kind) {
      const { resolve } = this.#awaited;
      this.#awaited = undefined;
      resolve();
    }
  }

  #fail(fault: Error): void {
    if (this.#failure !== undefined || this.#isClosing) return;
    this.#failure = fault;
    this.#onFailure(fault);
    this.#rejectAwaited(fault);
  }

  #rejectAwaited(fault: Error): void {
    const awaited = this.#awaited;
    this.#awaited = undefined;
    awaited?.reject(fault);
  }

  #faultOf(what: string, cause: unknown): PerfTsError {
    const hint = 'the levels finished before it are unaffected; run again, with fewer workers if memory was short';
    return new PerfTsError('LOAD_FAILED', { what: `load worker ${this.index} ended by itself: ${what}`, hint }, cause);
  }
}

/** The error that a worker described: a fault of the user or the environment, or a bug with its own stack. */
function reviveFault(message: FromWorker & { kind: 'failed' }): Error {
  if (message.code !== undefined) return new PerfTsError(message.code, message.problems);
  const bug = new Error(`load worker: ${message.problems.map(({ what }) => what).join('; ')}`);
  if (message.stack !== undefined) bug.stack = message.stack;
  return bug;
}
