/** A pacer on a ManualClock: it wakes exactly when it is asked to, or later by what a test says. */
import type { CreatePacer } from '../../src/load/pacer.js';
import type { ManualClock } from './manual-clock.js';

export const manualPacer =
  (clock: ManualClock, lateNs: () => number = () => 0): CreatePacer =>
  (wake) => {
    let turn = 0;
    return {
      wakeAt(atNs) {
        const own = ++turn;
        clock.schedule(atNs - clock.now() + lateNs(), () => {
          if (own === turn) wake();
        });
      },
      close() {
        turn++;
      },
    };
  };
