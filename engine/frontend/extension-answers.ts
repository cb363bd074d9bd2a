/** The answers to the shared memory, trace and logging calls, the same for every transport. */
import type { CudaRegion, SystemRegion } from '../../src/kserve/extension-codec.js';
import { ProtocolError } from '../../src/kserve/protocol-error.js';
import type { LogSettings } from '../log/engine-log.js';
import type { EngineServices } from './engine-services.js';
import { changeLogSettings } from './log-settings.js';
import type { ModelSource } from './model-source.js';
import { allowed } from './tensor-placement.js';
import type { TraceChanges, TraceValues } from './trace-settings.js';

/** One region, or all for an empty name; none at all where shared memory is not allowed. */
export function systemRegions({ sharedMemory }: EngineServices, name: string): readonly SystemRegion[] {
  return name === '' && sharedMemory === undefined ? [] : allowed(sharedMemory).status(name);
}

export const registerSystemRegion = ({ sharedMemory }: EngineServices, region: SystemRegion): void =>
  allowed(sharedMemory).register(region);

/** An empty name unregisters all. */
export function unregisterSystemRegion({ sharedMemory }: EngineServices, name: string): void {
  if (name === '') sharedMemory?.unregisterAll();
  else sharedMemory?.unregister(name);
}

/** There are none, because this engine has no CUDA. */
export function cudaRegions(name: string): readonly CudaRegion[] {
  if (name === '') return [];
  throw new ProtocolError(`Unable to find cuda shared memory region: '${name}'`, 'NOT_FOUND');
}

export function refuseCudaRegion(name: string): never {
  throw new ProtocolError(
    `failed to register CUDA shared memory region '${name}': this engine has no CUDA shared memory`,
    'UNIMPLEMENTED',
  );
}

/** Changes trace settings, if there is anything to change, and gives those that then apply. */
export function answerTraceSettings(
  source: ModelSource,
  { traceSettings }: EngineServices,
  modelName: string,
  changes: TraceChanges,
): TraceValues {
  if (modelName !== '' && source.find(modelName, '') === undefined) {
    throw new ProtocolError(`Request for unknown model : ${modelName}`);
  }
  traceSettings.change(modelName, changes);
  return traceSettings.read(modelName);
}

/** Changes log settings, if there is anything to change, and gives those that then apply. */
export function answerLogSettings({ log }: EngineServices, changes: Readonly<Record<string, unknown>>): LogSettings {
  if (Object.keys(changes).length > 0) changeLogSettings(log, changes);
  return log.settings();
}
