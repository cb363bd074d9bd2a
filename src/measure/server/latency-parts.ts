/**
 * Where the mean latency of a request went, so that the parts add up to all of it: what the client saw before and after,
 * what the server says of itself, and the rest between them.
 */
import type { LatencyParts, ServerTimes } from '../../record/run-record.js';
import { meanOf } from '../statistics/percentile.js';
import type { MeasuredWindow } from '../windows/measured-window.js';

/**
 * `receiveNs` is the mean from an answer's first byte to its last; null where the client takes no instant for it, which
 * then counts as network. Null without an answer or without the server's statistics. Server and client average over slightly
 * different requests; `handOverNs` is the mean from the send instant to the hand-over of the last byte; where the server claims more than the client saw, its parts are scaled to fit and nothing is left between.
 */
export function latencyPartsOf(
  window: MeasuredWindow,
  server: ServerTimes | null,
  receiveNs: number | null,
  handOverNs = 0,
): LatencyParts | null {
  if (server === null || window.latenciesNs.length === 0) return null;
  const totalNs = Math.round(Math.max(0, meanOf(window.latenciesNs)));
  const sendNs = Math.min(totalNs, Math.round(Math.max(0, meanOf(window.sendLagsNs)) + handOverNs));
  const received = receiveNs === null ? null : Math.min(totalNs - sendNs, Math.round(receiveNs));
  const available = totalNs - sendNs - (received ?? 0);
  const claimed = server.queueNs + server.computeInputNs + server.computeInferNs + server.computeOutputNs;
  const fit = claimed > available ? available / claimed : 1;
  const scaled = (partNs: number): number => Math.floor(partNs * fit);
  const inside = {
    queueNs: scaled(server.queueNs),
    computeInputNs: scaled(server.computeInputNs),
    computeInferNs: scaled(server.computeInferNs),
    computeOutputNs: scaled(server.computeOutputNs),
  };
  const insideNs = inside.queueNs + inside.computeInputNs + inside.computeInferNs + inside.computeOutputNs;
  return { totalNs, sendNs, networkAndFrontEndNs: available - insideNs, ...inside, receiveNs: received };
}
