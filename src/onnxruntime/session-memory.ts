/** How much memory a session's CPU arena holds, as its allocator tells. */
import type { Pointer } from './api-functions.js';
import type { OrtLibrary } from './library.js';
import { checkStatus } from './ort-error.js';

/** Bytes that the arena has taken from the system; undefined without an arena or where the library cannot tell. */
export function readArenaBytes({ api, cpuMemory }: OrtLibrary, session: Pointer): number | undefined {
  const { AllocatorGetStats, GetKeyValue, ReleaseKeyValuePairs } = api;
  if (AllocatorGetStats === undefined || GetKeyValue === undefined || ReleaseKeyValuePairs === undefined) {
    return undefined;
  }
  const place = new BigUint64Array(1);
  checkStatus(api, api.CreateAllocator(session, cpuMemory, place));
  const allocator = place[0]!;
  try {
    checkStatus(api, AllocatorGetStats(allocator, place));
    const stats = place[0]!;
    const text = GetKeyValue(stats, 'TotalAllocated');
    ReleaseKeyValuePairs(stats);
    return text === null ? undefined : Number(text);
  } finally {
    api.ReleaseAllocator(allocator);
  }
}
