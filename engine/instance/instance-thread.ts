/** The worker thread of one instance as the model's thread sees it: starts it, waits for its session, ends it. */
import { Worker } from 'node:worker_threads';
import { messageOf } from '../../src/common/errors.js';
import { compiledEntry } from '../../src/common/package-root.js';
import type { InstanceOrder, InstanceReport, InstanceWorkerData } from './instance-messages.js';

export type ReadyReport = Extract<InstanceReport, { kind: 'ready' }>;

export class InstanceThread {
  /** Rejects with Error when the session cannot be made or the thread ends before. */
  readonly ready: Promise<ReadyReport>;
  readonly #worker: Worker;
  readonly #exited: Promise<void>;
  #lastError: unknown;

  constructor(index: number, workerData: InstanceWorkerData) {
    this.#worker = new Worker(compiledEntry('engine/instance/instance-worker'), {
      workerData,
      name: `instance-${index}`,
    });
    this.#worker.on('error', (error) => {
      this.#lastError = error;
    });
    this.#exited = new Promise((resolve) => {
      this.#worker.once('exit', () => resolve());
    });
    this.ready = new Promise((resolve, reject) => {
      this.#worker.once('message', (report: InstanceReport) => {
        if (report.kind === 'ready') resolve(report);
        else reject(new Error(report.message));
      });
      this.#worker.once('exit', () => reject(new Error(`while it loaded the model, ${this.#describeEnd()}`)));
    });
    // The first of several failures rejects the whole start; the others must not count as unhandled.
    this.ready.catch(() => undefined);
  }

  /** Calls back with the reason when the thread ends, for whatever cause. */
  onExit(callback: (reason: string) => void): void {
    this.#worker.once('exit', () => callback(this.#describeEnd()));
  }

  post(order: InstanceOrder): void {
    this.#worker.postMessage(order, order.kind === 'serve' ? [order.port] : []);
  }

  /** Resolves once the thread has ended; it has been told to. */
  ended(): Promise<void> {
    return this.#exited;
  }

  #describeEnd(): string {
    const cause = this.#lastError === undefined ? '' : `: ${messageOf(this.#lastError)}`;
    return `a model instance's thread ended unexpectedly${cause}`;
  }
}
