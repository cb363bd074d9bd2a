/** What front ends answer from besides the models: one set for all of an engine's front ends. */
import { createSilentLog } from '../log/create-engine-log.js';
import type { EngineLog } from '../log/engine-log.js';
import type { SharedMemoryRegions } from '../shared-memory/shared-memory-regions.js';
import { TraceSettings } from './trace-settings.js';

export interface EngineServices {
  /** In the server's metadata. */
  readonly serverName: string;
  /** Undefined where clients may not use shared memory. */
  readonly sharedMemory: SharedMemoryRegions | undefined;
  readonly traceSettings: TraceSettings;
  readonly log: EngineLog;
}

/** Services of their own for a front end that stands alone: no shared memory, and a log that nobody reads. */
export const createServices = (parts: Partial<EngineServices> = {}): EngineServices => ({
  serverName: 'perf-ts',
  sharedMemory: undefined,
  traceSettings: new TraceSettings(),
  log: createSilentLog(),
  ...parts,
});
