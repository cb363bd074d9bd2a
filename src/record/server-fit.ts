/**
 * One rule for the server's times beside a latency: they are averages over the requests between two looks at the server's
 * statistics, the latency is that of the measured window, so they may claim more than there was. Then they are scaled to fit,
 * once, for every table and file; the record says by how much.
 */
import type { ServerTimes } from './run-record.js';

const parts = ['queueNs', 'computeInputNs', 'computeInferNs', 'computeOutputNs'] as const;

/** What the server accounts for of a request. */
export const insideNs = (server: Pick<ServerTimes, (typeof parts)[number]>): number =>
  parts.reduce((sum, part) => sum + server[part], 0);

/** `server` itself where it claims no more than `availableNs`. */
export function fitServerTimes(server: ServerTimes, availableNs: number): ServerTimes {
  const claimed = insideNs(server);
  if (claimed <= Math.max(0, availableNs)) return server;
  const fit = Math.max(0, availableNs) / claimed;
  const scaled = Object.fromEntries(parts.map((part) => [part, Math.floor(server[part] * fit)]));
  const requestNs = server.requestNs === undefined ? {} : { requestNs: Math.round(server.requestNs * fit) };
  return { ...server, ...scaled, ...requestNs, scaledBy: fit * (server.scaledBy ?? 1) };
}

/** What the server itself said, but for rounding. */
export function rawServerTimes({ scaledBy, ...server }: ServerTimes): ServerTimes {
  // Nothing was left for the server, so nothing of it is left.
  if (scaledBy === undefined || scaledBy === 0) return server;
  const raw = Object.fromEntries(parts.map((part) => [part, Math.round(server[part] / scaledBy)]));
  const requestNs = server.requestNs === undefined ? {} : { requestNs: Math.round(server.requestNs / scaledBy) };
  return { ...server, ...raw, ...requestNs };
}

type MaybeLevel = Readonly<Record<string, unknown>>;

/** The times in a record of before they were scaled there; whatever else stands in it is not looked at. */
export function olderFit(level: MaybeLevel): { readonly server?: ServerTimes } {
  const server = level.server as ServerTimes | null | undefined;
  const account = level.latencyParts as (ServerTimes & { readonly totalNs: number }) | null | undefined;
  const latency = level.latencyNs as { readonly mean: number } | null | undefined;
  if (typeof server !== 'object' || server === null || server.scaledBy !== undefined) return {};
  const available = account ? insideNs(account) : latency?.mean;
  // Each of the parts was rounded down.
  if (available === undefined || !(insideNs(server) > available + parts.length)) return {};
  return { server: fitServerTimes(server, available) };
}
