/** Wakes the scheduler at an instant: to a small fraction of a millisecond, or cheaply. */
import type { Clock } from '../../src/common/clock.js';
import { elapsed, type Instant, NANOS_PER_MILLI } from '../../src/common/units.js';

export interface QueueTimer {
  /** Replaces an earlier call that has not fired. */
  wakeAt(at: Instant): void;
  cancel(): void;
}

export type CreateQueueTimer = (onWake: () => void) => QueueTimer;

/** Timers fire up to a millisecond late, so the last stretch is waited out turn by turn of the event loop. */
const SPIN_MS = 1.5;

export function createQueueTimer(clock: Clock, onWake: () => void): QueueTimer {
  let due: Instant | undefined;
  let timeout: NodeJS.Timeout | undefined;
  let immediate: NodeJS.Immediate | undefined;
  const look = (): void => {
    timeout = undefined;
    immediate = undefined;
    if (due === undefined) return;
    const leftMs = elapsed(clock.now(), due) / NANOS_PER_MILLI;
    if (leftMs <= 0) {
      due = undefined;
      onWake();
    } else if (leftMs > SPIN_MS) timeout = setTimeout(look, leftMs - SPIN_MS);
    else immediate = setImmediate(look);
  };
  return {
    wakeAt(at) {
      if (due === at) return;
      due = at;
      if (timeout !== undefined) clearTimeout(timeout);
      timeout = undefined;
      // Never within this call: the caller is in the middle of something.
      immediate ??= setImmediate(look);
    },
    cancel() {
      due = undefined;
      if (timeout !== undefined) clearTimeout(timeout);
      if (immediate !== undefined) clearImmediate(immediate);
      timeout = undefined;
      immediate = undefined;
    },
  };
}

/** Wakes up to a few milliseconds late, and costs nothing meanwhile. It does not keep the process alive. */
export function createCoarseTimer(clock: Clock, onWake: () => void): QueueTimer {
  let timeout: NodeJS.Timeout | undefined;
  const cancel = (): void => {
    if (timeout !== undefined) clearTimeout(timeout);
    timeout = undefined;
  };
  return {
    wakeAt(at) {
      cancel();
      const leftMs = elapsed(clock.now(), at) / NANOS_PER_MILLI;
      timeout = setTimeout(onWake, Math.max(0, Math.ceil(leftMs))).unref();
    },
    cancel,
  };
}
