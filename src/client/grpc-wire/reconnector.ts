/**
 * Keeps one connection for new calls: opens the next one when the last is lost or takes no more, at once after success
 * and with growing pauses after failures.
 */
import { nowNs } from '../../common/clock.js';
import { NANOS_PER_MILLI } from '../../common/units.js';

const FIRST_PAUSE_MS = 20;
const LONGEST_PAUSE_MS = 500;

export class Reconnector {
  readonly #connect: () => void;
  #failures = 0;
  #notBeforeNs = 0;
  #timer: NodeJS.Timeout | undefined;

  /** `connect` begins an attempt. */
  constructor(connect: () => void) {
    this.#connect = connect;
  }

  /** Begins an attempt as soon as the pause after the last failure is over. While one is under way, do not call this. */
  request(): void {
    if (this.#timer !== undefined) return;
    const pauseNs = this.#notBeforeNs - nowNs();
    if (pauseNs <= 0) {
      this.#connect();
      return;
    }
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined;
        this.#connect();
      },
      Math.ceil(pauseNs / NANOS_PER_MILLI),
    );
  }

  /** A connection ended; `wasUseful` when calls were answered on it. */
  noteEnd(wasUseful: boolean): void {
    this.#failures = wasUseful ? 0 : this.#failures + 1;
    const pauseMs = wasUseful ? 0 : Math.min(FIRST_PAUSE_MS * 2 ** (this.#failures - 1), LONGEST_PAUSE_MS);
    this.#notBeforeNs = nowNs() + pauseMs * NANOS_PER_MILLI;
  }

  close(): void {
    clearTimeout(this.#timer);
  }
}
