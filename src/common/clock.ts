/**
 * The monotonic clock. Code that measures or waits takes a `Clock`, so tests script time instead of waiting for it.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { type Instant, type Nanos, toMillis } from './units.js';

export interface Clock {
  /** Current instant, comparable between threads and processes of one host. */
  now(): Instant;
  /** Resolves after `duration`; resolves early, without throwing, when `signal` aborts. */
  sleep(duration: Nanos, signal?: AbortSignal): Promise<void>;
}

/**
 * The tightest of several pairs of readings: the first calls run uncompiled code and take most of a millisecond, by which
 * the clocks of two threads would differ and one would wake the other too late.
 */
function learnOriginNs(): number {
  let tightestMs = Infinity;
  let originNs = 0;
  for (let attempt = 0; attempt < 100; attempt++) {
    const beforeMs = performance.now();
    const hostNs = Number(process.hrtime.bigint());
    const spanMs = performance.now() - beforeMs;
    if (spanMs >= tightestMs) continue;
    tightestMs = spanMs;
    originNs = hostNs - Math.round((beforeMs + spanMs / 2) * 1e6);
  }
  return originNs;
}

// performance.now() costs half of process.hrtime() but counts from the start of its own thread, so each thread
// learns once how far its origin lies from the host-wide one.
const originNs = learnOriginNs();

/** Host-wide monotonic time in integer nanoseconds. The hot path calls this directly; it allocates nothing. */
export const nowNs = (): Instant => (originNs + Math.round(performance.now() * 1e6)) as Instant;

export const systemClock: Clock = {
  now: nowNs,
  async sleep(duration, signal) {
    if (signal?.aborted) return;
    await delay(Math.max(0, toMillis(duration)), undefined, signal ? { signal } : undefined).catch((cause: unknown) => {
      if (!signal?.aborted) throw cause;
    });
  },
};
