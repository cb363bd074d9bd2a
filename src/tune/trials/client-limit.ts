/**
 * Whether a level's score is only a lower bound because of the load generator. Its record says so, with
 * one exception: late sends alone (SEND_LAG), as they are normal where client and server share few CPUs, do not hold a
 * closed loop back as long as the server still has requests waiting.
 */
import type { LevelRecord } from '../../record/run-record.js';
import type { Objective } from '../objectives/objective.js';

/** Requests at the server, on average, over what keeps every instance busy; below this it may have run dry. */
const MIN_QUEUE_FACTOR = 1.5;
/** Share of the objective's own number that late sends may make up where the server is not known to be saturated. */
const MAX_LAG_SHARE = 0.05;
/** The same for latencies, which late sends lengthen for every variant alike. */
const MAX_LATENCY_LAG_SHARE = 0.1;

const verdictCodes = { busy: 'CLIENT_BUSY', lag: 'SEND_LAG' };

/** `busyInFlight`: requests that keep every instance of the variant busy with a full batch. */
export function isHeldBackByClient(level: LevelRecord, objective: Objective, busyInFlight: number): boolean {
  if (!level.isClientLimited) return false;
  const codes = level.warnings.map(({ code }) => code);
  const share = lagShare(level, objective);
  if (codes.includes(verdictCodes.busy) || !codes.includes(verdictCodes.lag) || share === undefined) return true;
  if (objective.isLoadDependent) return share > MAX_LATENCY_LAG_SHARE;
  if (level.load.kind === 'open') return true;
  const atServer = level.load.concurrency * (1 - share);
  return share > MAX_LAG_SHARE && atServer < MIN_QUEUE_FACTOR * busyInFlight;
}

/** Part of a request's time that passed before it was sent: of the mean for throughput, else of the objective's latency. */
function lagShare({ latencyNs, serviceNs }: LevelRecord, { metric }: Objective): number | undefined {
  if (latencyNs === null || serviceNs === null) return undefined;
  const statistic = metric.startsWith('latency_') ? metric.slice('latency_'.length) : 'mean';
  const [whole, atServer] = [latencyNs, serviceNs].map((summary) => summary[statistic as keyof typeof summary]);
  return whole !== undefined && atServer !== undefined && whole > 0 ? 1 - atServer / whole : undefined;
}
