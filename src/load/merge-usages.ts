/** What the workers used over several runs of one level, as if they had been one. */
import type { WorkerUsage } from './load-session.js';

export interface UsageOfRun {
  readonly usage: WorkerUsage;
  readonly elapsedNs: number;
  readonly responseCount: number;
}

/** Shares are weighed by time, means by responses, and pauses add up. `parts` has at least one. */
export function mergeUsages(parts: readonly UsageOfRun[]): WorkerUsage {
  const [first] = parts;
  if (first === undefined) throw new Error('no usage to merge');
  if (parts.length === 1) return first.usage;
  const mean = (
    pick: (usage: WorkerUsage) => number | undefined,
    weigh: (part: UsageOfRun) => number,
  ): number | undefined => {
    const known = parts.filter((part) => pick(part.usage) !== undefined && weigh(part) > 0);
    const weights = known.reduce((sum, part) => sum + weigh(part), 0);
    return weights === 0 ? undefined : known.reduce((sum, part) => sum + pick(part.usage)! * weigh(part), 0) / weights;
  };
  const byTime = ({ elapsedNs }: UsageOfRun): number => elapsedNs;
  const byResponses = ({ responseCount }: UsageOfRun): number => responseCount;
  const receiveMeanNs = mean((usage) => usage.receiveMeanNs, byResponses);
  const handOverMeanNs = mean((usage) => usage.handOverMeanNs, byResponses);
  const generators = parts.flatMap(({ usage }) => (usage.generator === undefined ? [] : [usage.generator]));
  const last = generators.at(-1);
  return {
    cpuNs: parts.reduce((sum, { usage }) => sum + usage.cpuNs, 0),
    maxBusyRatio: mean((usage) => usage.maxBusyRatio, byTime) ?? 0,
    generator: last && {
      ...last,
      busyRatio: mean((usage) => usage.generator?.busyRatio, byTime) ?? 0,
      busySliceRatio: mean((usage) => usage.generator?.busySliceRatio, byTime) ?? 0,
      gcPauseNs: generators.reduce((sum, { gcPauseNs }) => sum + gcPauseNs, 0),
      gcMaxPauseNs: Math.max(...generators.map(({ gcMaxPauseNs }) => gcMaxPauseNs)),
      timestampUncertaintyNs: Math.max(...generators.map(({ timestampUncertaintyNs }) => timestampUncertaintyNs)),
    },
    ...(receiveMeanNs !== undefined && { receiveMeanNs }),
    ...(handOverMeanNs !== undefined && { handOverMeanNs }),
  };
}
