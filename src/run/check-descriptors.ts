/** Whether this process may open as many connections as the load will need, before any is sent. */
import { readdir, readFile } from 'node:fs/promises';
import { largestOf } from '../common/append-all.js';
import { PerfTsError } from '../common/errors.js';
import type { LoadPlan } from '../plan/load-plan.js';

/** For files, and for the pauses between closing a connection and being rid of it. */
const MARGIN = 40;

/** Connections that the load holds at once at its highest known level; the open loop's cap is no wish. */
export function connectionsNeeded({ client, load, sequence, workerCount }: LoadPlan): number {
  const isShared = client === 'grpc-wire' || client === 'grpc-js';
  if (isShared || load.kind !== 'closed') return workerCount;
  if (sequence.kind === 'stepped') return largestOf(sequence.values, 1);
  return 'end' in sequence && sequence.end !== undefined ? sequence.end : workerCount;
}

/** What this process may open and has open; undefined where the system does not tell. */
export async function readDescriptors(): Promise<{ readonly limit: number; readonly used: number } | undefined> {
  try {
    const limit = /^Max open files\s+(\d+)/m.exec(await readFile('/proc/self/limits', 'utf8'))?.[1];
    const used = (await readdir('/proc/self/fd')).length;
    return limit === undefined ? undefined : { limit: Number(limit), used };
  } catch {
    return undefined;
  }
}

/** Throws PerfTsError BAD_OPTION where the limit is lower than the load. */
export async function checkDescriptors(plan: LoadPlan, read = readDescriptors): Promise<void> {
  const found = await read();
  if (found === undefined) return;
  const needed = connectionsNeeded(plan);
  if (found.used + needed + MARGIN <= found.limit) return;
  const what = `needs ${needed} connections at once, and this process may have ${found.limit} files and connections open, of which ${found.used} are in use`;
  const hint = `raise the limit with ulimit -n ${found.used + needed + 2 * MARGIN}, or use -i grpc, which sends all requests over one connection a worker`;
  throw new PerfTsError('BAD_OPTION', { where: '--concurrency-range', what, hint });
}
