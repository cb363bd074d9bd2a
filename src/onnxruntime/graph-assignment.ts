/** Which provider took how many nodes of a model's graph, as ONNX Runtime recorded it when the session was created. */
import koffi from 'koffi';
import type { Pointer } from './api-functions.js';
import type { OrtLibrary } from './library.js';
import { checkStatus } from './ort-error.js';
import { nameOfProvider } from './provider-table.js';

/** Session configuration that makes ONNX Runtime (1.24 and later) record it; older ones ignore it. */
export const recordAssignment = { 'session.record_ep_graph_assignment_info': '1' } as const;

/** By provider, in perf-ts's names. */
export type NodeCounts = Readonly<Record<string, number>>;

/**
 * Nodes after the optimisations that come before providers choose: what a provider fuses counts as the nodes it was.
 * Undefined where the library is too old to tell.
 */
export function readAssignment({ api }: OrtLibrary, session: Pointer): NodeCounts | undefined {
  const getSubgraphs = api.Session_GetEpGraphAssignmentInfo;
  const getName = api.EpAssignedSubgraph_GetEpName;
  const getNodes = api.EpAssignedSubgraph_GetNodes;
  if (getSubgraphs === undefined || getName === undefined || getNodes === undefined) return undefined;
  const place = new BigUint64Array(1);
  const count = new BigUint64Array(1);
  checkStatus(api, getSubgraphs(session, place, count));
  const subgraphs = place[0]!;
  const counts: Record<string, number> = {};
  for (let index = 0; index < Number(count[0]); index++) {
    const subgraph = koffi.decode(subgraphs, index * 8, 'void *') as Pointer;
    checkStatus(api, getName(subgraph, place));
    const name = nameOfProvider(koffi.decode.string(place[0]!));
    const nodes = new BigUint64Array(1);
    checkStatus(api, getNodes(subgraph, place, nodes));
    counts[name] = (counts[name] ?? 0) + Number(nodes[0]);
  }
  return counts;
}
