/** Ends connections that have become old, so that clients connect anew: to another server, or with a renewed certificate. */

/** gRPC spreads the ages of connections by a tenth up and down, so that clients that came together do not leave together. */
const SPREAD = 0.1;
const MAX_TIMER_MS = 0x7fff_ffff;

export interface AgeLimits {
  readonly maxConnectionAgeMs: number | undefined;
  readonly maxConnectionAgeGraceMs: number | undefined;
}

export class ConnectionAge {
  private timer: NodeJS.Timeout | undefined;

  /** `drain` is called at the end of the age, `cutOff` at the end of the grace after it. `random` gives numbers from 0 to 1. */
  constructor(limits: AgeLimits, drain: () => void, cutOff: () => void, random: () => number = Math.random) {
    const { maxConnectionAgeMs, maxConnectionAgeGraceMs } = limits;
    if (maxConnectionAgeMs === undefined) return;
    this.wait(maxConnectionAgeMs * (1 - SPREAD + 2 * SPREAD * random()), () => {
      drain();
      if (maxConnectionAgeGraceMs !== undefined) this.wait(maxConnectionAgeGraceMs, cutOff);
    });
  }

  stop(): void {
    clearTimeout(this.timer);
  }

  private wait(delayMs: number, then: () => void): void {
    if (delayMs > MAX_TIMER_MS) return;
    this.timer = setTimeout(then, delayMs);
    this.timer.unref();
  }
}
