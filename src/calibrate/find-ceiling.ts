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

/** Late although a worker did this little: it waited for a CPU, and the rate is the host's of the moment. */
const IDLE_RATIO = 0.4;

const isHeldUp = ({ sendLagP99Ns, busyRatio }: ProbeFigures): boolean =>
  sendLagP99Ns >= MAX_SEND_LAG_NS && busyRatio < IDLE_RATIO;

export type CeilingSearch =
  | { readonly state: 'found'; readonly maxRatePerSec: number }
  /** Something else kept the CPUs busy, so that no rate tells of the generator. */
  | {
      readonly state: 'held-up';
      /** The highest rate that passed all the same; undefined where none did. */
      readonly passedPerSec: number | undefined;
      /** The rate that did not, and the least send lag p99 of its probes. */
      readonly failedPerSec: number;
      readonly sendLagP99Ns: number;
      readonly busyRatio: number;
    };

interface Attempts {
  readonly ratePerSec: number;
  readonly isPassed: boolean;
  readonly failures: readonly ProbeFigures[];
}

/**
 * The highest rate found to pass: doubling from 1000/s, then halving the distance in proportion. A rate that fails is tried
 * twice more, because a stall of the host is not the generator's; where all three were late although the workers had little
 * to do, the host is what was found, and the search ends with that. Likewise where not even a rate of 10/s passes.
 */
export async function findCeiling(probe: ProbeRate): Promise<CeilingSearch> {
  const attempt = async (ratePerSec: number): Promise<Attempts> => {
    const failures: ProbeFigures[] = [];
    while (failures.length < ATTEMPTS) {
      const figures = await probe(ratePerSec);
      if (isOnTime(figures)) return { ratePerSec, isPassed: true, failures };
      failures.push(figures);
    }
    return { ratePerSec, isPassed: false, failures };
  };
  let tried = await attempt(START_PER_SEC);
  while (!tried.isPassed) {
    if (tried.failures.every(isHeldUp) || tried.ratePerSec / 4 < 10) return heldUp(undefined, tried);
    tried = await attempt(tried.ratePerSec / 4);
  }
  let pass = tried.ratePerSec;
  let fail = pass * 2;
  let last: Attempts | undefined;
  while (fail <= MAX_PER_SEC) {
    tried = await attempt(fail);
    if (!tried.isPassed) {
      last = tried;
      break;
    }
    pass = fail;
    fail *= 2;
  }
  while (fail / pass > WIDTH) {
    const middle = Math.round(Math.sqrt(pass * fail));
    tried = await attempt(middle);
    if (tried.isPassed) pass = middle;
    else [fail, last] = [middle, tried];
  }
  return last?.failures.every(isHeldUp) === true ? heldUp(pass, last) : { state: 'found', maxRatePerSec: pass };
}

function heldUp(passedPerSec: number | undefined, { ratePerSec, failures }: Attempts): CeilingSearch {
  const best = failures.reduce((least, next) => (next.sendLagP99Ns < least.sendLagP99Ns ? next : least));
  const { sendLagP99Ns, busyRatio } = best;
  return { state: 'held-up', passedPerSec, failedPerSec: ratePerSec, sendLagP99Ns, busyRatio };
}
