/**
 * Ends calls that are not answered in time. All calls of the load have the same time to live, so the one that began
 * first is the next to expire, and one timer serves all of them.
 */
import { nowNs } from '../../common/clock.js';
import { NANOS_PER_MILLI } from '../../common/units.js';
import type { CallSlots } from './call-slots.js';

export class Deadlines {
  readonly #slots: CallSlots;
  readonly #timeoutNs: number;
  readonly #onExpired: (slot: number, nowNs: number) => void;
  #timer: NodeJS.Timeout | undefined;

  /** `onExpired` is to take the call out of `slots.inOrder`. */
  constructor(slots: CallSlots, timeoutMs: number, onExpired: (slot: number, nowNs: number) => void) {
    this.#slots = slots;
    this.#timeoutNs = timeoutMs * NANOS_PER_MILLI;
    this.#onExpired = onExpired;
  }

  /** To be called when a call has begun. */
  watch(): void {
    if (this.#timer === undefined) this.#arm(this.#timeoutNs);
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #arm(delayNs: number): void {
    this.#timer = setTimeout(this.#expire, Math.ceil(delayNs / NANOS_PER_MILLI));
  }

  readonly #expire = (): void => {
    const now = nowNs();
    const { inOrder } = this.#slots;
    // What an expired call makes the load send joins the end of the list; the timer that has fired stays in its place
    // meanwhile, so that `watch` does not set one that is too late for the rest.
    for (let slot = inOrder.first; slot >= 0; slot = inOrder.first) {
      const leftNs = this.#slots.startedNs[slot]! + this.#timeoutNs - now;
      if (leftNs > 0) {
        this.#arm(leftNs);
        return;
      }
      this.#onExpired(slot, now);
    }
    this.#timer = undefined;
  };
}
