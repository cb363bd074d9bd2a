/** What a study optimises, and how a trial's number becomes the score a strategy compares. */
import type { LevelRecord } from '../record/run-record.js';
import { findMetric, type MeasuredTrial, type Metric } from './metric.js';

/** Metrics that say how well a variant serves; the others only bound it. */
const objectiveNames = ['throughput', 'latency_mean', 'latency_p50', 'latency_p90', 'latency_p95', 'latency_p99'];

export interface Objective {
  readonly metric: string;
  readonly direction: 'maximize' | 'minimize';
  /** In the metric's own unit; undefined, or not above 0, when nothing was measured. */
  read(trial: MeasuredTrial): number | undefined;
  /** A throughput objective is judged at the variant's own best load, a latency objective at one load for all. */
  readonly isLoadDependent: boolean;
  readonly definition: Metric;
}

/** `throughput`, `latency_p99`, ...; the direction follows. Throws an Error that lists what may be given. */
export function parseObjective(text: string): Objective {
  const definition = objectiveNames.includes(text) ? findMetric(text) : undefined;
  if (definition === undefined) throw new Error(`must be one of ${objectiveNames.join(', ')}, not '${text}'`);
  return {
    metric: definition.name,
    direction: definition.direction,
    read: definition.read,
    isLoadDependent: definition.unit === 'duration',
    definition,
  };
}

/** Larger is better and differences are relative: 0.1 more is about 10 % better in either direction. */
export function utilityOf(objective: Objective, value: number): number {
  return objective.direction === 'maximize' ? Math.log(value) : -Math.log(value);
}

/** Standard error of the utility from the level's 95 % interval; undefined where there is none. */
export function utilityError(objective: Objective, level: LevelRecord): number | undefined {
  const interval = objective.definition.interval?.(level);
  if (interval === undefined) return undefined;
  const [low, high] = interval;
  return low > 0 ? Math.log(high / low) / (2 * 1.96) : undefined;
}
