/** What of a server can be watched from this host, known before anything runs. */
import { findListener } from './find-listener.js';
import { openGpus } from './nvml.js';
import { placeOf } from './server-place.js';

export interface Visible {
  /** The memory of its process. */
  readonly memory: boolean;
  readonly gpus: boolean;
  /** Some GPU counts the energy that it takes. */
  readonly energy: boolean;
}

const hostOf = (endpoint: string): string => endpoint.slice(0, endpoint.lastIndexOf(':'));

/** `endpoint` of a server that was started elsewhere; left out for one that perf-ts starts. */
export async function whatIsVisible(endpoint?: string): Promise<Visible> {
  const isLocal = endpoint === undefined || (await placeOf(hostOf(endpoint))) === 'here';
  const gpus = isLocal ? openGpus() : [];
  const port = Number(endpoint?.slice(endpoint.lastIndexOf(':') + 1));
  const hasProcess = endpoint === undefined || (isLocal && findListener(port) !== undefined);
  return {
    memory: hasProcess && process.platform === 'linux',
    gpus: gpus.length > 0,
    energy: gpus.some((gpu) => gpu.read().energyJoules !== null),
  };
}
