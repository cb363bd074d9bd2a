/** A clock that stands still until a test moves it. */
import type { Clock } from '../../src/common/clock.js';
import { type Instant, instant, type Nanos } from '../../src/common/units.js';

interface Waiter {
  readonly at: number;
  readonly order: number;
  readonly wake: () => void;
}

export class ManualClock implements Clock {
  #nowNs: number;
  #waiters: Waiter[] = [];
  #order = 0;

  constructor(startNs = 0) {
    this.#nowNs = startNs;
  }

  now(): Instant {
    return instant(this.#nowNs);
  }

  /** Resolves once the clock has been moved past `duration`, or when `signal` aborts. */
  sleep(duration: Nanos, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const cancel = (): void => {
        this.#waiters = this.#waiters.filter((other) => other !== waiter);
        resolve();
      };
      const waiter = this.#wait(duration, () => {
        signal?.removeEventListener('abort', cancel);
        resolve();
      });
      signal?.addEventListener('abort', cancel);
    });
  }

  /** Calls `task` when the clock has been moved by `durationNs`; tasks due at one instant run in the order they were set. */
  schedule(durationNs: number, task: () => void): void {
    this.#wait(durationNs, task);
  }

  /** Moves the clock, stopping at each instant for which something waits. */
  advance(durationNs: number): void {
    const end = this.#nowNs + durationNs;
    for (let due = this.#earliest(end); due !== undefined; due = this.#earliest(end)) this.#wake(due);
    this.#nowNs = end;
  }

  /** As `advance`, and lets code that awaits a sleep run before the clock moves on. */
  async advanceAsync(durationNs: number): Promise<void> {
    const end = this.#nowNs + durationNs;
    await settle();
    for (let due = this.#earliest(end); due !== undefined; due = this.#earliest(end)) {
      this.#wake(due);
      await settle();
    }
    this.#nowNs = end;
    await settle();
  }

  /** Sleeps and tasks that still wait. */
  get waiting(): number {
    return this.#waiters.length;
  }

  #wait(durationNs: number, wake: () => void): Waiter {
    const waiter = { at: this.#nowNs + Math.max(0, durationNs), order: this.#order++, wake };
    this.#waiters.push(waiter);
    return waiter;
  }

  #earliest(end: number): Waiter | undefined {
    const [first] = this.#waiters.toSorted((a, b) => a.at - b.at || a.order - b.order);
    return first !== undefined && first.at <= end ? first : undefined;
  }

  #wake(waiter: Waiter): void {
    this.#waiters = this.#waiters.filter((other) => other !== waiter);
    this.#nowNs = waiter.at;
    waiter.wake();
  }
}

/** Lets promise callbacks that are ready run. */
async function settle(): Promise<void> {
  for (let i = 0; i < 10; i++) await Promise.resolve();
}
