/** The mean rate of arrivals that bring their own: lists of intervals, and profiles. */
import { NANOS_PER_SEC } from '../common/units.js';
import type { Arrival, ProfileSegment } from './load-plan.js';

/** Arrivals that a segment holds: the area under its rate. */
export const segmentCount = ({ duration, startPerSec, endPerSec }: ProfileSegment): number =>
  ((startPerSec + endPerSec) / 2) * (duration / NANOS_PER_SEC);

/** Requests a second; undefined where the level says it. */
export function ownRate(arrival: Arrival): number | undefined {
  if (arrival.kind === 'intervals') {
    const totalNs = arrival.intervalsNs.reduce((sum, gap) => sum + gap, 0);
    return (arrival.intervalsNs.length * NANOS_PER_SEC) / totalNs;
  }
  if (arrival.kind !== 'profile') return undefined;
  const totalNs = arrival.segments.reduce((sum, { duration }) => sum + duration, 0);
  return (arrival.segments.reduce((sum, segment) => sum + segmentCount(segment), 0) * NANOS_PER_SEC) / totalNs;
}
