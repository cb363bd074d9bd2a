/** Searches the highest rate that a load generator sends on time. Pure of sockets: what a rate does is told by `probe`. */

/** What the generator did at one rate against a server that does nothing. */
export interface ProbeFigures {
  readonly sendLagP99Ns: number;
  readonly busyRatio: number;
  /** Answered within the probe, as a share of what was due. */
  readonly answeredRatio: number;
  readonly latencyP50Ns: number;
  readonly latencyP99Ns: number;
}

export type ProbeRate = (requestRatePerSec: number) => Promise<ProbeFigures>;

/** A generator at its limit is late by more than this, or busier than this. */
const MAX_SEND_LAG_NS = 1e6;
const MAX_BUSY_RATIO = 0.8;
const MIN_ANSWERED_RATIO = 0.98;
const START_PER_SEC = 1000;
const MAX_PER_SEC = 1e6;
const ATTEMPTS = 3;
/** The search ends when the highest pass and the lowest fail are as near as this. */
const WIDTH = 1.06;

export const isOnTime = (figures: ProbeFigures): boolean =>
  figures.sendLagP99Ns < MAX_SEND_LAG_NS &&
  figures.busyRatio < MAX_BUSY_RATIO &&
  figures.answeredRatio >= MIN_ANSWERED_RATIO;

/**
 * The highest rate found to pass: doubling from 1000/s, then halving the distance in proportion. A rate that fails is tried
 * twice more, because a stall of the host is not the generator's. Undefined where not even a rate of 10/s passes.
 */
export async function findCeiling(probe: ProbeRate): Promise<number | undefined> {
  const passes = async (rate: number): Promise<boolean> => {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) if (isOnTime(await probe(rate))) return true;
    return false;
  };
  let pass = START_PER_SEC;
  while (!(await passes(pass))) {
    pass /= 4;
    if (pass < 10) return undefined;
  }
  let fail = pass * 2;
  while (fail <= MAX_PER_SEC && (await passes(fail))) {
    pass = fail;
    fail *= 2;
  }
  while (fail / pass > WIDTH) {
    const middle = Math.round(Math.sqrt(pass * fail));
    if (await passes(middle)) pass = middle;
    else fail = middle;
  }
  return pass;
}
