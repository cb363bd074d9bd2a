/** Where a request's time goes inside the server: the difference of two statistics snapshots of one model version. */
import { formatCount } from '../../common/format.js';
import type { ModelStatistics, StatisticDuration } from '../../kserve/metadata.js';
import type { ServerTimes, Warning } from '../../record/run-record.js';

/** `doubt` says why the statistics cannot be those of this level; neither where nothing was told. */
export interface ServerFinding {
  readonly times?: ServerTimes;
  readonly doubt?: Warning;
}

/** Whether a warning leaves the server's times out. */
export const isDoubt = ({ code }: Warning): boolean => doubts.has(code);

const doubts: ReadonlySet<string> = new Set(
  ['OTHER_VERSION', 'NONSENSE', 'RESET', 'OTHER_CLIENTS', 'MISCOUNTED'].map((code) => `STATISTICS_${code}`),
);

/** Successful requests that the server can have counted between two snapshots. */
export interface PossibleCount {
  readonly least: number;
  readonly most: number;
}

const parts = ['queue', 'compute_input', 'compute_infer', 'compute_output'] as const;
/** Unsigned counters that went below zero are just under 2^64. */
const UNDERFLOW = 2 ** 63;

/**
 * Averages a successful request between two snapshots, and the counts between them. `longestNs` bounds what a request can
 * have taken. What a server counts of failed requests too is divided by all that it counted.
 */
export function serverTimesBetween(
  before: ModelStatistics | undefined,
  after: ModelStatistics | undefined,
  possible?: PossibleCount,
  longestNs = Infinity,
): ServerFinding {
  if (before === undefined || after === undefined) return {};
  if (before.name !== after.name || before.version !== after.version) {
    return doubt('OTHER_VERSION', `are of ${nameOf(before)} first and of ${nameOf(after)} later`);
  }
  const earlier = before.inference_stats;
  const later = after.inference_stats;
  const wrong = [before, after].flatMap(countersOf).find(([, value]) => !(value >= 0 && value < UNDERFLOW));
  if (wrong !== undefined) return doubt('NONSENSE', `hold ${wrong[1]} as ${wrong[0]}`);
  const requests = later.success.count - earlier.success.count;
  const inferenceCount = after.inference_count - before.inference_count;
  const executionCount = after.execution_count - before.execution_count;
  if (Math.min(requests, inferenceCount, executionCount) < 0) {
    return doubt('RESET', 'were set back while the level ran, as by loading the model again or a restart');
  }
  const totals = parts.map((part) => later[part].ns - earlier[part].ns);
  const back = parts.find((_, index) => totals[index]! < 0);
  if (back !== undefined) return doubt('NONSENSE', `let the ${nameOfPart(back)} time run backwards`);
  const miscounted = possible && judgeCount(requests, possible);
  if (miscounted !== undefined) return { doubt: miscounted };
  if (requests === 0) return {};
  const means = parts.map((part, index) =>
    Math.round(totals[index]! / Math.max(requests, later[part].count - earlier[part].count)),
  );
  const longest = parts.find((_, index) => means[index]! > longestNs);
  if (longest !== undefined) {
    return doubt('NONSENSE', `claim a ${nameOfPart(longest)} time longer than the level lasted`);
  }
  const [queueNs, computeInputNs, computeInferNs, computeOutputNs] = means as [number, number, number, number];
  const requestNs = Math.max(0, Math.round(durationBetween(earlier.success, later.success) / requests));
  const times = { queueNs, computeInputNs, computeInferNs, computeOutputNs };
  return { times: { ...times, inferenceCount, executionCount, requestNs, successCount: requests } };
}

const durationBetween = (before: StatisticDuration, after: StatisticDuration): number => after.ns - before.ns;

const nameOf = ({ name, version }: ModelStatistics): string => `${name}, version ${version}`;

const nameOfPart = (part: (typeof parts)[number]): string => part.replace('_', ' ');

const countersOf = (statistics: ModelStatistics): (readonly [string, number])[] => [
  ['inferences', statistics.inference_count],
  ['executions', statistics.execution_count],
  ['successful requests', statistics.inference_stats.success.count],
  ...parts.map((part) => [`the ${nameOfPart(part)} time in nanoseconds`, statistics.inference_stats[part].ns] as const),
];

/** Averages over requests of others, or over some of ours, are not those of this level. */
function judgeCount(requests: number, { least, most }: PossibleCount): Warning | undefined {
  if (requests > most) {
    const what = `count ${formatCount(requests)} requests where perf-ts sent at most ${formatCount(most)}: other clients used the model too, and their times are not told apart`;
    return doubt('OTHER_CLIENTS', what).doubt;
  }
  if (requests < least) {
    const what = `count ${formatCount(requests)} requests where at least ${formatCount(least)} were answered, as when several servers answer by turns`;
    return doubt('MISCOUNTED', what).doubt;
  }
  return undefined;
}

const doubt = (code: string, what: string): { readonly doubt: Warning } => ({
  doubt: {
    code: `STATISTICS_${code}`,
    message: `The server's statistics ${what}, so its queue and compute times are left out.`,
  },
});
