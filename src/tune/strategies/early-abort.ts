/** When a running measurement may be given up: even at its best it would lose clearly to the best variant so far. */

/** Distance below the incumbent from which on nothing is lost: 20 %. */
const CLEARLY_BEHIND = 0.2;
/** Standard errors that the truth may lie above a running estimate. */
const OPTIMISM = 2;

/** A score while its measurement still runs, or the incumbent's. */
export interface RunningScore {
  /** As `TrialResult.score`: the logarithm of the objective, larger is better. */
  readonly score: number;
  readonly error: number;
}

/**
 * True when `running.score` + 2 standard errors is more than 20 % below the incumbent's score. Never true without a
 * usable error, because then nothing bounds what the rest of the measurement may show.
 */
export function isHopeless(running: RunningScore, incumbentScore: number): boolean {
  if (!Number.isFinite(running.score) || !Number.isFinite(running.error)) return false;
  return running.score + OPTIMISM * running.error < incumbentScore + Math.log(1 - CLEARLY_BEHIND);
}
