/** A level's figures under perf_analyzer's terms, for its CSV and its console text alike. */
import type { LevelRecord } from '../../record/run-record.js';

export interface LevelFigures {
  /** Client send, or marshalling and waiting to be sent. */
  readonly sendNs: number;
  readonly receiveNs: number;
  /** From the last byte sent to the first byte received. */
  readonly responseWaitNs: number;
  /** Response wait less what the server's statistics account for. */
  readonly networkAndServerNs: number;
  /** Ascending by percentile: 50, 90, 95, 99 and the one that was judged. */
  readonly percentiles: readonly (readonly [percentile: number, valueNs: number])[];
}

/** Undefined for a level without an answered request. */
export function levelFigures(level: LevelRecord): LevelFigures | undefined {
  const { latencyNs, serviceNs, server, latencyParts, windowed } = level;
  if (latencyNs === null) return undefined;
  const sendNs = latencyParts?.sendNs ?? Math.max(0, latencyNs.mean - (serviceNs?.mean ?? latencyNs.mean));
  const receiveNs = latencyParts?.receiveNs ?? 0;
  const responseWaitNs = Math.max(0, latencyNs.mean - sendNs - receiveNs);
  const insideNs =
    server === null ? 0 : server.queueNs + server.computeInputNs + server.computeInferNs + server.computeOutputNs;
  const judged = windowed?.percentile;
  const percentiles = new Map<number, number>([
    [50, latencyNs.p50],
    [90, latencyNs.p90],
    [95, latencyNs.p95],
    [99, latencyNs.p99],
    ...(judged ? [[judged.percentile, judged.latencyNs] as const] : []),
  ]);
  return {
    sendNs,
    receiveNs,
    responseWaitNs,
    networkAndServerNs: Math.max(0, responseWaitNs - insideNs),
    percentiles: [...percentiles].sort(([a], [b]) => a - b),
  };
}

/** Levels that perf_analyzer would report: those that its windows call unstable end its run unreported. */
export const reportedLevels = (levels: readonly LevelRecord[]): LevelRecord[] =>
  levels.filter((level) => level.windowed?.isStable !== false);
