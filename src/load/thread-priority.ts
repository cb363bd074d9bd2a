/**
 * A load worker's claim to the CPU while it keeps a schedule: on a host with other work to do, an ordinary thread waits for
 * milliseconds before it may send. Asked for once a level and given back with it; not being permitted is no fault.
 */
import { type SystemCalls, systemCalls } from './system-calls.js';

/** How the thread that sends is scheduled: by real-time round robin, ahead of ordinary ones by niceness, or as one of them. */
export const schedulings = ['real-time', 'raised', 'ordinary'] as const;
export type Scheduling = (typeof schedulings)[number];

/** The lowest real-time priority is above everything that is not real time. */
const PRIORITY = 1;
const NICENESS = -10;

export class ThreadPriority {
  readonly #calls: SystemCalls | null;
  #scheduling: Scheduling = 'ordinary';

  /** `calls` is for tests; null is a system that has none. */
  constructor(calls: SystemCalls | null = systemCalls() ?? null) {
    this.#calls = calls;
  }

  /** The calling thread's, as far as it was changed here. */
  get scheduling(): Scheduling {
    return this.#scheduling;
  }

  /** As far up as is permitted. A thread that somebody gave a priority of its own keeps that: it was meant. */
  raise(): void {
    const calls = this.#calls;
    if (calls === null || this.#scheduling !== 'ordinary' || !calls.isOrdinary()) return;
    if (calls.setRoundRobin(PRIORITY)) this.#scheduling = 'real-time';
    else if (calls.setNiceness(NICENESS)) this.#scheduling = 'raised';
  }

  /** Does nothing to a thread that was not raised. */
  lower(): void {
    if (this.#scheduling === 'ordinary') return;
    const isLowered = this.#scheduling === 'real-time' ? this.#calls?.setOrdinary() : this.#calls?.setNiceness(0);
    if (isLowered === true) this.#scheduling = 'ordinary';
  }
}
