/**
 * What a study optimises, and how a trial's number becomes the score a strategy compares. Several objectives are
 * searched as one, the weighted geometric mean of their gains; which trade-offs there are is pareto.ts's question.
 */
import { NANOS_PER_SEC } from '../../common/units.js';
import type { LevelRecord } from '../../record/run-record.js';
import { findMetric, type MeasuredTrial, type Metric } from './metric.js';

/** Metrics that say how well a variant serves; the others only bound it. */
export const objectiveNames = [
  'throughput',
  'latency_mean',
  'latency_p50',
  'latency_p90',
  'latency_p95',
  'latency_p99',
  'memory_rss',
  'gpu_memory',
  'energy_per_inference',
  'cost_per_million',
] as const;

export interface Objective {
  readonly metric: string;
  readonly direction: 'maximize' | 'minimize';
  /** In the metric's own unit; undefined, or not above 0, when nothing was measured. */
  read(trial: MeasuredTrial): number | undefined;
  /** A throughput objective is judged at the variant's own best load, a latency objective at one load for all. */
  readonly isLoadDependent: boolean;
  readonly definition: Metric;
  /** The parts of a combined objective. */
  readonly parts?: readonly WeightedObjective[];
}

export interface WeightedObjective {
  readonly objective: Objective;
  /** Above 0; only ratios of weights matter. */
  readonly weight: number;
}

/** `throughput`, `latency_p99`, ...; the direction follows. Throws an Error that lists what may be given. */
export function parseObjective(text: string): Objective {
  const names: readonly string[] = objectiveNames;
  const definition = names.includes(text) ? findMetric(text) : undefined;
  if (definition === undefined) throw new Error(`must be one of ${objectiveNames.join(', ')}, not '${text}'`);
  return {
    metric: definition.name,
    direction: definition.direction,
    read: (trial) => definition.read(trial),
    isLoadDependent: definition.unit === 'duration',
    definition,
  };
}

/** The same objective, told what the host costs. */
export function atPrice(objective: Objective, pricePerHour: number | undefined): Objective {
  if (pricePerHour === undefined) return objective;
  const { parts } = objective;
  if (parts !== undefined) {
    return combineObjectives(parts.map((part) => ({ ...part, objective: atPrice(part.objective, pricePerHour) })));
  }
  return { ...objective, read: (trial) => objective.read({ ...trial, pricePerHour }) };
}

/**
 * One objective out of several: its value is the product of the values, each to the power of its share of the weights
 * and inverted where it is to fall, so that a ratio of two values is the weighted geometric mean of the gains. The first
 * is judged in its own right when it stands alone. All are read at the same load, each variant's own unless every part
 * is a latency.
 */
export function combineObjectives(parts: readonly WeightedObjective[]): Objective {
  const [first] = parts;
  if (first === undefined) throw new Error('an objective has at least one part');
  if (parts.length === 1) return first.objective;
  const total = parts.reduce((sum, { weight }) => sum + weight, 0);
  return {
    metric: parts.map(({ objective }) => objective.metric).join(' and '),
    direction: 'maximize',
    read(trial) {
      let utility = 0;
      for (const { objective, weight } of parts) {
        const value = objective.read(trial);
        if (value === undefined || value <= 0) return undefined;
        utility += (weight / total) * utilityOf(objective, value / readableUnit(objective));
      }
      return Math.exp(utility);
    },
    isLoadDependent: parts.every(({ objective }) => objective.isLoadDependent),
    definition: first.objective.definition,
    parts,
  };
}

/** Durations in seconds and sizes in GiB, so that the product is a number a person can read. */
function readableUnit({ definition: { unit } }: Objective): number {
  return unit === 'duration' ? NANOS_PER_SEC : unit === 'bytes' ? 2 ** 30 : 1;
}

/** Each objective by itself. */
export const partsOf = (objective: Objective): readonly Objective[] =>
  objective.parts?.map((part) => part.objective) ?? [objective];

/** Larger is better and differences are relative: 0.1 more is about 10 % better in either direction. */
export function utilityOf(objective: Objective, value: number): number {
  return objective.direction === 'maximize' ? Math.log(value) : -Math.log(value);
}

/** Standard error of the utility from the level's 95 % interval; undefined where there is none. */
export function utilityError(objective: Objective, level: LevelRecord): number | undefined {
  const { parts } = objective;
  if (parts !== undefined) return combinedError(parts, level);
  const interval = objective.definition.interval?.(level);
  if (interval === undefined) return undefined;
  const [low, high] = interval;
  return low > 0 ? Math.log(high / low) / (2 * 1.96) : undefined;
}

/** As of independent parts; undefined where no part has an error. */
function combinedError(parts: readonly WeightedObjective[], level: LevelRecord): number | undefined {
  const total = parts.reduce((sum, { weight }) => sum + weight, 0);
  const errors = parts.flatMap(({ objective, weight }) => {
    const error = utilityError(objective, level);
    return error === undefined ? [] : [(weight / total) * error];
  });
  return errors.length === 0 ? undefined : Math.hypot(...errors);
}
