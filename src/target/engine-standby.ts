/**
 * Engine processes that have loaded all but the model before they are needed, one ahead: whoever serves variant after
 * variant, each in a fresh process, then waits for its model only.
 */
import type { ChildProcess } from 'node:child_process';
import { standbyEntry } from '../common/package-root.js';
import type { StandbyMessage, StandbyOrder } from './engine-message.js';
import { spawnEngine, stopChild } from './engine-process.js';

interface Standby {
  readonly child: ChildProcess;
  /** False when it ended before it stood by. */
  readonly isReady: Promise<boolean>;
}

export class EngineStandby {
  #next: Standby | undefined;
  #isClosed = false;

  /** Of the process that nobody took yet. */
  get processId(): number | undefined {
    return this.#next?.child.pid;
  }

  /** Starts the next process, unless it is there. */
  prepare(): void {
    if (this.#isClosed || this.#next !== undefined) return;
    const child = spawnEngine([standbyEntry]);
    const isReady = new Promise<boolean>((resolve) => {
      child.once('message', ({ kind }: StandbyMessage) => resolve(kind === 'standing-by'));
      child.once('error', () => resolve(false));
      child.once('exit', () => resolve(false));
    });
    this.#next = { child, isReady };
  }

  /** Resolves when no process is starting: from then on it takes no CPU time. */
  async settled(): Promise<void> {
    await this.#next?.isReady;
  }

  /** A process that was told to serve with these arguments; undefined where none stands by, or it ended before its time. */
  async take(serveArguments: readonly string[]): Promise<ChildProcess | undefined> {
    const next = this.#next;
    this.#next = undefined;
    if (next === undefined || !(await next.isReady) || !next.child.connected) return undefined;
    next.child.send({ argv: serveArguments } satisfies StandbyOrder);
    return next.child;
  }

  /** Ends the process that nobody took. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const next = this.#next;
    this.#next = undefined;
    if (next !== undefined) await stopChild(next.child);
  }
}
