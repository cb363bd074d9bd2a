/** Keeps the best variant so far and the races of others against it; says which measurement would decide one. */

import { MAX_RACE_EFFORT, nextRaceStep, raceWorth, type Standing } from './race.js';
import type { Proposal } from './strategy.js';
import { isComplete, type VariantResult, type VariantResults } from './variant-results.js';

/** Variants tried since the incumbent was last measured after which it is measured again: the host may have drifted. */
const INCUMBENT_AGE = 15;

/** Starting and stopping a server costs about as much as this many search levels. */
const START_EFFORT = 1.5;

type Measured = VariantResult & { readonly standing: Standing };

export interface IncumbentRace {
  /** The variant that won every race so far; the best single score where none was run. */
  incumbent(): Measured | undefined;
  /** To be called after every result. */
  note(result: VariantResult): void;
  /**
   * The next measurement that a race needs, or the incumbent's own; undefined when none is due, or when a new variant
   * that promises `promise` is the better use of the time.
   */
  next(isPending: (key: string) => boolean, promise: number): Proposal | undefined;
}

export function createIncumbentRace(results: VariantResults): IncumbentRace {
  const challengers = new Set<string>();
  let champion: string | undefined;
  let tellsSinceMeasured = 0;
  let isRacing = false;

  const measured = (key: string | undefined): Measured | undefined => {
    const found = key === undefined ? undefined : results.get(key);
    return found !== undefined && isComplete(found) ? found : undefined;
  };
  const incumbent = (): Measured | undefined => {
    const best = isRacing ? measured(champion) : undefined;
    return (
      best ??
      results
        .complete()
        .reduce<Measured | undefined>(
          (a, b) => (a === undefined || b.standing.score > a.standing.score ? b : a),
          undefined,
        )
    );
  };

  /** Undefined when no race is open or all wait for results. */
  function runRaces(isPending: (key: string) => boolean, promise: number): Proposal | undefined {
    for (const key of challengers) {
      const best = incumbent();
      const challenger = measured(key);
      if (best === undefined || challenger === undefined || key === best.key) {
        challengers.delete(key);
        continue;
      }
      if (isPending(key) || isPending(best.key)) continue;
      const step = nextRaceStep(challenger.standing, best.standing);
      if (step.kind === 'measure') {
        const isBehind = challenger.standing.score <= best.standing.score;
        const cost = (START_EFFORT + step.effort) / (START_EFFORT + 1);
        if (isBehind && raceWorth(challenger.standing, best.standing) < promise * cost) continue;
        return { parameters: (step.who === 'incumbent' ? best : challenger).parameters, effort: step.effort };
      }
      challengers.delete(key);
      if (step.kind === 'replace') champion = key;
    }
    return undefined;
  }

  /** The incumbent may have been lucky: once it fell behind others that lost to it, they race again. */
  function reopen(best: Measured): void {
    for (const { key, standing } of results.complete()) {
      if (key !== best.key && standing.score > best.standing.score && standing.effort < MAX_RACE_EFFORT)
        challengers.add(key);
    }
  }

  return {
    incumbent,
    note({ key, state }) {
      if (key === incumbent()?.key) tellsSinceMeasured = 0;
      else tellsSinceMeasured++;
      if (state === 'complete') challengers.add(key);
      else challengers.delete(key);
    },
    next(isPending, promise) {
      champion = incumbent()?.key;
      isRacing = true;
      const step = runRaces(isPending, promise);
      const best = incumbent();
      champion = best?.key;
      if (step !== undefined || best === undefined || isPending(best.key)) return step;
      if (tellsSinceMeasured >= INCUMBENT_AGE) return { parameters: best.parameters, effort: 1 };
      reopen(best);
      return runRaces(isPending, promise);
    },
  };
}
