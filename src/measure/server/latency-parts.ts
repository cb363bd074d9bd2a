/**
 * Where the mean latency of a request went, so that the parts add up to all of it: what the client saw before and after,
 * what the server says of itself, and the rest between them.
 */
import { formatDuration } from '../../common/format.js';
import type { LatencyParts, LevelRecord, ServerTimes, Warning } from '../../record/run-record.js';
import { fitServerTimes, insideNs, rawServerTimes } from '../../record/server-fit.js';

/** Means over the measured window. */
export interface SeenByClient {
  readonly totalNs: number;
  /** Intended start to the hand-over of the last byte. */
  readonly sendNs: number;
  /** From an answer's first byte to its last; null where the client takes no instant for it, which then counts as network. */
  readonly receiveNs: number | null;
}

export type LatencyAccount = Pick<LevelRecord, 'server' | 'latencyParts'> & { readonly warnings: readonly Warning[] };

/** Averages over slightly different requests differ by less than this; beyond it they are of other requests. */
const MAX_CLAIM = 2;
/** Scaled by less, nobody needs to be told. */
const TOLD_FIT = 0.99;

/** No parts without an answer or without the server's statistics; neither, and why, where those cannot be of these requests. */
export function accountForLatency(server: ServerTimes | null, seen: SeenByClient | null): LatencyAccount {
  if (server === null || seen === null) return { server, latencyParts: null, warnings: [] };
  const totalNs = Math.round(Math.max(0, seen.totalNs));
  const sendNs = Math.min(totalNs, Math.round(Math.max(0, seen.sendNs)));
  const receiveNs = seen.receiveNs === null ? null : Math.min(totalNs - sendNs, Math.round(seen.receiveNs));
  const availableNs = totalNs - sendNs - (receiveNs ?? 0);
  const raw = rawServerTimes(server);
  if (insideNs(raw) > totalNs * MAX_CLAIM) {
    return { server: null, latencyParts: null, warnings: [tooLong(insideNs(raw), totalNs)] };
  }
  const fitted = fitServerTimes(raw, availableNs);
  const { queueNs, computeInputNs, computeInferNs, computeOutputNs } = fitted;
  const inside = { queueNs, computeInputNs, computeInferNs, computeOutputNs };
  const latencyParts: LatencyParts = {
    totalNs,
    sendNs,
    networkAndFrontEndNs: availableNs - insideNs(fitted),
    ...inside,
    receiveNs,
  };
  const isTold = fitted.scaledBy !== undefined && fitted.scaledBy < TOLD_FIT;
  return { server: fitted, latencyParts, warnings: isTold ? [scaled(raw, fitted.scaledBy!, availableNs)] : [] };
}

/** The same account held against another mean latency. */
export function accountAnew(
  level: LevelRecord,
  totalNs: number,
): Pick<LevelRecord, 'server' | 'latencyParts' | 'warnings'> {
  const { latencyParts: known } = level;
  const others = level.warnings.filter(({ code }) => code !== 'STATISTICS_SCALED');
  if (known === null) return { server: level.server, latencyParts: null, warnings: others };
  const { warnings, ...account } = accountForLatency(level.server, { ...known, totalNs });
  return { ...account, warnings: [...others, ...warnings] };
}

const scaled = (raw: ServerTimes, fit: number, availableNs: number): Warning => ({
  code: 'STATISTICS_SCALED',
  message: `The server's own averages come to ${formatDuration(insideNs(raw))} a request, more than the ${formatDuration(availableNs)} that it can have taken of the measured latency, because they also cover requests outside of the measured window; its queue and compute times are scaled by ${fit.toPrecision(2)} to fit, in all tables and files.`,
});

const tooLong = (claimedNs: number, totalNs: number): Warning => ({
  code: 'STATISTICS_NONSENSE',
  message: `The server's statistics claim ${formatDuration(claimedNs)} in queue and compute for requests that took ${formatDuration(totalNs)} in all, so they are of other requests or wrong, and its times are left out.`,
});
