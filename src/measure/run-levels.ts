/** The levels that a plan stands for, and what measuring one of them is to a sequence or a search. */
import { deriveSeed } from '../common/random.js';
import type { LoadLevel, LoadPlan, OpenLevel, StopRule } from '../plan/load-plan.js';
import type { LevelRecord } from '../record/run-record.js';

/** A level and what its sequence judges it by. */
export interface MeasuredLevel {
  readonly level: LevelRecord;
  /** What the plan's latency limit speaks of; undefined when no request succeeded. */
  readonly latencyNs: number | undefined;
}

export interface MeasureOneOptions {
  /** Levels known to come, this one included; for the progress. */
  readonly levelCount: number;
  /** Instead of the plan's. */
  readonly rule?: StopRule;
  /** False for a level that only prepares others: the listener is not told, and it is not part of the result. */
  readonly isKept?: boolean;
}

/** Measures one level of the run, or resolves to undefined when the run is interrupted. */
export type MeasureOne = (level: LoadLevel, options: MeasureOneOptions) => Promise<MeasuredLevel | undefined>;

/** What levels of one curve share. */
export type LevelBase = Pick<LoadLevel, 'batchSize' | 'shapeIndex' | 'shapes' | 'requestCount' | 'warmupRequestCount'>;

/** One for each shape and batch size, in this order. */
export function levelBases(plan: LoadPlan): LevelBase[] {
  const variants = plan.models[0]?.shapeVariants ?? [];
  const { requestCount, warmupRequestCount } = plan;
  return (variants.length === 0 ? [[]] : variants).flatMap((_, shapeIndex) =>
    plan.batchSizes.map((batchSize) => ({
      batchSize,
      ...(variants.length > 1 && { shapeIndex, shapes: describeShapes(plan, shapeIndex) }),
      ...(requestCount !== undefined && { requestCount }),
      ...(warmupRequestCount !== undefined && { warmupRequestCount }),
    })),
  );
}

/** `input:1,32,100;other:4`: the inputs whose shape is not the same in every variant. */
function describeShapes({ models }: LoadPlan, shapeIndex: number): string {
  const texts = models.flatMap(({ shapeVariants }) => {
    const textOf = (variant: number, input: number): string => {
      const { name, shape } = shapeVariants[variant]![input]!;
      return `${name}:${shape.join(',')}`;
    };
    const inputs = shapeVariants[shapeIndex]!.keys();
    return [...inputs]
      .filter((input) => shapeVariants.some((_, variant) => textOf(variant, input) !== textOf(shapeIndex, input)))
      .map((input) => textOf(shapeIndex, input));
  });
  return [...new Set(texts)].join(';');
}

/** An open level of the plan at `requestRatePerSec`; levels and runs with one seed have the same gaps. */
export function openLevel(plan: LoadPlan, base: LevelBase, requestRatePerSec: number, seedIndex = 0): OpenLevel {
  if (plan.load.kind !== 'open') throw new Error('only an open loop has a request rate');
  return { ...plan.load, requestRatePerSec, seed: deriveSeed(plan.seed, seedIndex), ...base };
}
