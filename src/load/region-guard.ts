/**
 * Sees to it that no shared memory of a run outlives it, whatever became of the worker that made it: all of it has a
 * prefix that no other process uses, and only what has that prefix is ever touched.
 */
import { randomBytes } from 'node:crypto';
import { admins } from '../client/connect-admin.js';
import { removeSharedObjects } from '../client/shared-memory/shared-object.js';
import type { LoadPlan } from '../plan/load-plan.js';

/** A server that has died must not hold up the end of a run. */
const RELEASE_LIMIT_MS = 2000;

export interface RegionGuard {
  readonly prefix: string;
  /** Takes away what is left here and at the server; never rejects. Safe to call twice. */
  release(): Promise<void>;
}

export function guardRegions(plan: LoadPlan): RegionGuard {
  const prefix = `perf-ts-${process.pid}-${randomBytes(6).toString('hex')}`;
  const remove = (): void => removeSharedObjects(prefix);
  process.once('exit', remove);
  let released: Promise<void> | undefined;
  return {
    prefix,
    release() {
      released ??= unregisterLeftovers(plan, prefix).finally(() => {
        remove();
        process.off('exit', remove);
      });
      return released;
    },
  };
}

/** A worker unregisters its own regions; those of one that died are still there. */
async function unregisterLeftovers({ protocol, endpoint, tls, headers }: LoadPlan, prefix: string): Promise<void> {
  const limit = new AbortController();
  const timer = setTimeout(() => limit.abort(), RELEASE_LIMIT_MS);
  const late = new Promise<void>((resolve) => limit.signal.addEventListener('abort', () => resolve()));
  try {
    const admin = admins[protocol](endpoint, { tls, headers });
    const unregister = async (): Promise<void> => {
      const names = await admin.sharedMemoryNames();
      for (const name of names) if (name.startsWith(prefix)) await admin.unregisterSharedMemory(name);
    };
    await Promise.race([unregister().catch(() => undefined), late]);
    await admin.close();
  } finally {
    clearTimeout(timer);
  }
}
