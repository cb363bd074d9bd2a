/**
 * When the requests of an open-loop level are due: pure arithmetic from the level and its seed. Every worker computes the
 * whole schedule and takes every n-th arrival of it, so the workers together send exactly the plan's schedule.
 */
import { createRng } from '../common/random.js';
import { NANOS_PER_SEC } from '../common/units.js';
import { segmentCount } from '../plan/arrival-rate.js';
import type { OpenLevel, ProfileSegment } from '../plan/load-plan.js';

/** Gives the instants of one schedule in ascending order. */
export interface ArrivalSchedule {
  /** Nanoseconds from the level's begin to the next arrival; Infinity once there is none left. */
  next(): number;
}

/** The whole schedule of a level, with as many arrivals as it may send at most. */
export function createSchedule(level: Pick<OpenLevel, 'requestRatePerSec' | 'arrival' | 'seed'>): ArrivalSchedule {
  const { arrival, requestRatePerSec, seed } = level;
  const meanGapNs = NANOS_PER_SEC / requestRatePerSec;
  switch (arrival.kind) {
    case 'constant': {
      let index = 0;
      // A product and no running sum: nothing drifts however long the level is.
      return { next: () => index++ * meanGapNs };
    }
    case 'poisson': {
      const nextUnit = unitArrivals(seed);
      return { next: () => nextUnit() * meanGapNs };
    }
    case 'intervals':
      return loopIntervals(arrival.intervalsNs);
    case 'profile': {
      let index = 0;
      return followProfile(arrival.segments, arrival.isPoisson ? unitArrivals(seed) : () => index++);
    }
  }
}

/** One worker's part: its turn numbers (place in the whole schedule, from 0) and when they are due. */
export interface ScheduleShare {
  /** As ArrivalSchedule; Infinity too once the level's count of requests is reached. */
  next(): number;
  /** Place of the arrival that `next` gave last in the whole schedule. */
  readonly turn: number;
}

/** Every `workerCount`-th arrival from number `workerIndex` on. */
export function shareSchedule(level: OpenLevel, workerIndex: number, workerCount: number): ScheduleShare {
  const schedule = createSchedule(level);
  const { requestCount = Infinity } = level;
  let taken = 0;
  const share = {
    turn: -1,
    next(): number {
      share.turn = share.turn === -1 ? workerIndex : share.turn + workerCount;
      if (share.turn >= requestCount) return Infinity;
      for (; taken < share.turn; taken++) schedule.next();
      taken++;
      return schedule.next();
    },
  };
  return share;
}

/** Arrivals of a Poisson process with rate 1: sums of exponential gaps, by inversion. */
function unitArrivals(seed: number): () => number {
  const rng = createRng(seed);
  let at = 0;
  return () => {
    at -= Math.log(1 - rng.next());
    return at;
  };
}

function loopIntervals(intervalsNs: readonly number[]): ArrivalSchedule {
  let sum = 0;
  const ends = Float64Array.from(intervalsNs, (gap) => {
    sum += gap;
    return sum;
  });
  let index = 0;
  return {
    next() {
      const at = Math.floor(index / ends.length) * sum + ends[index % ends.length]!;
      index++;
      return at;
    },
  };
}

/**
 * The instants at which the profile's running count of arrivals reaches the values of `nextCount`. With 0, 1, 2 … the
 * arrivals are as even as the rate allows; with arrivals of rate 1 they are a Poisson process of that varying rate (time change).
 */
function followProfile(segments: readonly ProfileSegment[], nextCount: () => number): ArrivalSchedule {
  let segment = 0;
  let startNs = 0;
  let startCount = 0;
  return {
    next() {
      const count = nextCount();
      for (; segment < segments.length; segment++) {
        const current = segments[segment]!;
        // A count that a segment just reaches belongs to the next one, so that what it holds is [start, end).
        if (count < startCount + segmentCount(current) - 1e-9) return startNs + timeTo(current, count - startCount);
        startNs += current.duration;
        startCount += segmentCount(current);
      }
      return Infinity;
    },
  };
}

/** Nanoseconds into a segment after which `count` arrivals have come: the root of start·t + slope·t²/2 = count. */
function timeTo({ duration, startPerSec, endPerSec }: ProfileSegment, count: number): number {
  const slope = (endPerSec - startPerSec) / (duration / NANOS_PER_SEC);
  const root = Math.sqrt(Math.max(0, startPerSec * startPerSec + 2 * slope * Math.max(0, count)));
  // This form of the root stays exact where the slope is next to nothing.
  return count <= 0 ? 0 : ((2 * count) / (startPerSec + root)) * NANOS_PER_SEC;
}
