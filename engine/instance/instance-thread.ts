/** The worker thread of one instance as the model's thread sees it: starts it, waits for its session, ends it. */
import type { Worker } from 'node:worker_threads';
import { messageOf } from '../../src/common/errors.js';
import type {
  InstanceOrder,
  InstanceReport,
  InstanceWorkerData,
  ModelSessionPlan,
  TimeOrder,
  TimingReport,
} from './instance-messages.js';
import type { InstancePlan } from './instance-plan.js';
import type { SlotLayout } from './slot-layout.js';
import { takeWorker } from './spare-workers.js';

export type ReadyReport = Extract<InstanceReport, { kind: 'ready' }>;

export class InstanceThread {
  readonly plan: InstancePlan;
  /** Rejects with Error when the session cannot be made or the thread ends before. */
  readonly ready: Promise<ReadyReport>;
  readonly #worker: Worker;
  readonly #exited: Promise<void>;
  #lastError: unknown;

  constructor(plan: InstancePlan, sessionPlan: ModelSessionPlan) {
    this.plan = plan;
    const { name: _, ...place } = plan;
    const workerData: InstanceWorkerData = { ...sessionPlan, ...place };
    this.#worker = takeWorker(plan.name);
    this.#worker.postMessage(workerData);
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

  /** What the largest batch takes on this thread, nanoseconds; undefined when that is long. It must not serve yet. */
  timeLargestBatch(layout: SlotLayout): Promise<number | undefined> {
    return new Promise((resolve) => {
      this.#worker.once('message', ({ runNs }: TimingReport) => resolve(runNs));
      this.#worker.once('exit', () => resolve(undefined));
      this.#worker.postMessage({ kind: 'time', layout } satisfies TimeOrder);
    });
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
    return `the thread of model instance '${this.plan.name}' ended unexpectedly${cause}`;
  }
}

/**
 * Starts a thread for each plan and waits for their sessions.
 * @throws Error when one cannot be made; the others have ended by then.
 */
export async function startThreads(
  plans: readonly InstancePlan[],
  sessionPlan: ModelSessionPlan,
): Promise<readonly InstanceThread[]> {
  const threads = plans.map((plan) => new InstanceThread(plan, sessionPlan));
  const results = await Promise.allSettled(threads.map((thread) => thread.ready));
  const failed = results.find((result) => result.status === 'rejected');
  if (failed === undefined) return threads;
  await discardThreads(threads);
  throw failed.reason;
}

/** Ends threads that were never told to serve. */
export async function discardThreads(threads: readonly InstanceThread[]): Promise<void> {
  for (const thread of threads) thread.post({ kind: 'end' });
  await Promise.all(threads.map((thread) => thread.ended()));
}
