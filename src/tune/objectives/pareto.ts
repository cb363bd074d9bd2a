/**
 * The trade-offs of a study: the variants that no other beats in everything. One variant dominates another only where
 * the measurements tell them apart, so noise alone never drops a variant from the set.
 */
import type { MeasuredTrial } from './metric.js';
import { type Objective, utilityError, utilityOf } from './objective.js';

/** Utilities closer than this are equal where no error is known: about 2 %. */
const DEFAULT_MARGIN = 0.02;
/** Of a normal distribution: 95 % within. */
const SURE = 1.96;

export interface ParetoTrial extends MeasuredTrial {
  readonly variantId: string;
}

export interface ParetoPoint {
  readonly variantId: string;
  /** By metric, in its own unit; the geometric mean of the variant's trials. */
  readonly values: Readonly<Record<string, number>>;
  readonly isOnFront: boolean;
}

interface Estimate {
  readonly utility: number;
  readonly error: number | undefined;
}

interface Candidate {
  readonly variantId: string;
  readonly estimates: readonly Estimate[];
}

/**
 * One point a variant that has a number for every objective, in the order in which they were first measured. `trials`
 * are those that kept the constraints.
 */
export function findParetoSet(trials: readonly ParetoTrial[], objectives: readonly Objective[]): ParetoPoint[] {
  const variantIds = [...new Set(trials.map(({ variantId }) => variantId))];
  const candidates = variantIds.flatMap((variantId): Candidate[] => {
    const own = trials.filter((trial) => trial.variantId === variantId);
    const estimates = objectives.map((objective) => estimate(own, objective));
    return estimates.every((found) => found !== undefined) ? [{ variantId, estimates }] : [];
  });
  return candidates.map((candidate) => ({
    variantId: candidate.variantId,
    values: Object.fromEntries(
      objectives.map((objective, index) => [
        objective.metric,
        ofUtility(objective, candidate.estimates[index]!.utility),
      ]),
    ),
    isOnFront: !candidates.some((other) => dominates(other.estimates, candidate.estimates)),
  }));
}

/** Not surely worse in anything, and surely better in something. */
function dominates(a: readonly Estimate[], b: readonly Estimate[]): boolean {
  const leads = a.map((own, index) => own.utility - b[index]!.utility);
  const margins = a.map((own, index) => marginOf(own, b[index]!));
  return leads.every((lead, index) => lead >= -margins[index]!) && leads.some((lead, index) => lead > margins[index]!);
}

const marginOf = (a: Estimate, b: Estimate): number =>
  a.error === undefined || b.error === undefined ? DEFAULT_MARGIN : SURE * Math.hypot(a.error, b.error);

function estimate(trials: readonly ParetoTrial[], objective: Objective): Estimate | undefined {
  const values = trials.flatMap((trial) => {
    const value = objective.read(trial);
    return value !== undefined && value > 0 ? [utilityOf(objective, value)] : [];
  });
  if (values.length === 0) return undefined;
  const errors = trials.flatMap(({ level }) => utilityError(objective, level) ?? []);
  const isKnown = errors.length === trials.length;
  return {
    utility: values.reduce((sum, value) => sum + value, 0) / values.length,
    error: isKnown ? Math.hypot(...errors) / errors.length : undefined,
  };
}

const ofUtility = ({ direction }: Objective, utility: number): number =>
  Math.exp(direction === 'maximize' ? utility : -utility);
