/** The answers to administrative calls, the same for every transport. Refusals are ProtocolErrors in Triton's words. */
import { packageVersion } from '../../src/common/package-root.js';
import { fullModelConfig, type ModelConfigDocument } from '../../src/kserve/admin-codec.js';
import type { ModelMetadata, ModelStatistics, ServerMetadata } from '../../src/kserve/metadata.js';
import { ProtocolError } from '../../src/kserve/protocol-error.js';
import type { ServedModel } from '../served-model.js';
import type { EngineServices } from './engine-services.js';
import type { ModelSource } from './model-source.js';

/** With Triton's names of the protocol extensions that this engine has. */
export const serverMetadata = ({ serverName, sharedMemory }: EngineServices): ServerMetadata => ({
  name: serverName,
  version: packageVersion,
  extensions: [
    'classification',
    'model_repository',
    'schedule_policy',
    'model_configuration',
    ...(sharedMemory === undefined ? [] : ['system_shared_memory']),
    'binary_tensor_data',
    'parameters',
    'statistics',
    'trace',
    'logging',
  ],
});

/** Throws ProtocolError INVALID_ARGUMENT unless the version is empty or a whole number above 0. */
function checkVersion(version: string): void {
  if (version === '' || /^[1-9]\d*$/.test(version)) return;
  throw new ProtocolError(`'${version}' is no model version: it must be a whole number above 0`);
}

/** The served model; throws ProtocolError NOT_FOUND for an unknown one. */
export function requireModel(source: ModelSource, name: string, version: string): ServedModel {
  checkVersion(version);
  const model = source.find(name, version);
  if (model !== undefined) return model;
  const which = version === '' ? `'${name}'` : `'${name}' version ${version}`;
  throw new ProtocolError(`Request for unknown model: ${which} is not found`, 'NOT_FOUND');
}

export function isModelReady(source: ModelSource, name: string, version: string): boolean {
  checkVersion(version);
  return source.find(name, version) !== undefined;
}

/** Metadata with every version of the model that is being served. */
export function modelMetadata(source: ModelSource, name: string, version: string): ModelMetadata {
  const model = requireModel(source, name, version);
  const versions = source
    .models()
    .filter((served) => served.name === name)
    .map((served) => served.version);
  return { ...model.metadata, versions };
}

/** The completed configuration, with absent plain fields at their zero values. */
export const modelConfig = (source: ModelSource, name: string, version: string): ModelConfigDocument =>
  fullModelConfig(requireModel(source, name, version).config);

/** Statistics of one version, of every served version of a model, or, for an empty name, of all models. */
export function modelStatistics(source: ModelSource, name: string, version: string): readonly ModelStatistics[] {
  checkVersion(version);
  const chosen = source
    .models()
    .filter((model) => (name === '' || model.name === name) && (version === '' || model.version === version));
  if (chosen.length === 0 && name !== '') throw new ProtocolError(`requested model '${name}' is not available`);
  return chosen.map(describeStatistics);
}

/** There are no response statistics, because those are of decoupled models. */
const describeStatistics = (model: ServedModel): ModelStatistics => ({
  ...model.statistics(),
  response_stats: {},
  memory_usage: model.gauges().memoryUsage.map(({ type, id, byteSize }) => ({ type, id, byte_size: byteSize })),
});
