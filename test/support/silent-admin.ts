/** A ServerAdmin that is ready and answers statistics as scripted. */
import type { ServerAdmin } from '../../src/client/server-admin.js';
import type { ModelStatistics } from '../../src/kserve/metadata.js';

/** `statistics` is asked at each call; by default the server offers none. */
export function createSilentAdmin(
  statistics: () => ModelStatistics | undefined | Promise<ModelStatistics | undefined> = () => undefined,
): ServerAdmin {
  return {
    protocol: 'grpc',
    endpoint: '127.0.0.1:1',
    isServerReady: () => Promise.resolve(true),
    isModelReady: () => Promise.resolve(true),
    serverMetadata: () => Promise.resolve({ name: 'scripted', version: '0', extensions: [] }),
    modelMetadata: (name) => Promise.resolve({ name, versions: ['1'], platform: '', inputs: [], outputs: [] }),
    modelConfig: () => Promise.resolve(undefined),
    modelStatistics: async () => await statistics(),
    loadModel: () => Promise.resolve(),
    unloadModel: () => Promise.resolve(),
    repositoryIndex: () => Promise.resolve([]),
    registerSharedMemory: () => Promise.resolve(),
    unregisterSharedMemory: () => Promise.resolve(),
    sharedMemoryNames: () => Promise.resolve([]),
    close: () => Promise.resolve(),
  };
}
