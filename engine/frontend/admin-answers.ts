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

const LARGEST_VERSION = 2n ** 63n - 1n;

/**
 * The version as the repository names it, empty for an empty one: spaces before it and zeros in front mean nothing, as for
 * C's `stol`. Throws ProtocolError INVALID_ARGUMENT for what is no version.
 */
function readVersion(version: string): string {
  if (version === '') return '';
  const [, sign, digits] = /^\s*([+-]?)(\d+)/.exec(version) ?? [];
  if (digits === undefined || BigInt(digits) > LARGEST_VERSION) {
    throw new ProtocolError(
      `failed to get model version from specified version string '${version}' (details: stol), version should be an ` +
        'integral value > 0',
    );
  }
  if (sign === '-' && BigInt(digits) > 0n) {
    throw new ProtocolError(`invalid model version specified '${version}' , version should be an integral value > 0`);
  }
  return String(BigInt(digits));
}

/** The served model; throws ProtocolError NOT_FOUND for an unknown one, UNAVAILABLE for a version that is not served. */
export function requireModel(source: ModelSource, name: string, version: string): ServedModel {
  const wanted = readVersion(version);
  const model = source.find(name, wanted);
  if (model !== undefined) return model;
  const isKnown = source.knows(name);
  if (wanted !== '' && source.knows(name, wanted)) {
    throw new ProtocolError(
      `Request for unknown model: '${name}' version ${wanted} is not at ready state`,
      'UNAVAILABLE',
    );
  }
  const which = wanted === '' || !isKnown ? `'${name}'` : `'${name}' version ${wanted}`;
  const why = isKnown && wanted === '' ? 'has no available versions' : 'is not found';
  throw new ProtocolError(`Request for unknown model: ${which} ${why}`, 'NOT_FOUND');
}

export function isModelReady(source: ModelSource, name: string, version: string): boolean {
  return source.find(name, readVersion(version)) !== undefined;
}

/** Metadata of a version, or, for an empty one, with every version of the model that is being served. */
export function modelMetadata(source: ModelSource, name: string, version: string): ModelMetadata {
  const model = requireModel(source, name, version);
  const versions = source
    .models()
    .filter((served) => served.name === name && (version === '' || served === model))
    .map((served) => served.version);
  return { ...model.metadata, versions };
}

/** The completed configuration, with absent plain fields at their zero values. */
export const modelConfig = (source: ModelSource, name: string, version: string): ModelConfigDocument =>
  fullModelConfig(requireModel(source, name, version).config);

/** Statistics of one version, of every served version of a model, or, for an empty name, of all models. */
export function modelStatistics(source: ModelSource, name: string, version: string): readonly ModelStatistics[] {
  const wanted = readVersion(version);
  const ofName = source.models().filter((model) => name === '' || model.name === name);
  if (ofName.length === 0 && name !== '') throw new ProtocolError(`requested model '${name}' is not available`);
  const chosen = ofName.filter((model) => wanted === '' || model.version === wanted);
  if (chosen.length === 0 && name !== '') {
    throw new ProtocolError(`requested model version is not available for model '${name}'`);
  }
  return chosen.map(describeStatistics);
}

/** There are no response statistics, because those are of decoupled models. */
const describeStatistics = (model: ServedModel): ModelStatistics => {
  const { batch_stats, ...statistics } = model.statistics();
  return {
    ...statistics,
    response_stats: {},
    batch_stats,
    memory_usage: model.gauges().memoryUsage.map(({ type, id, byteSize }) => ({ type, id, byte_size: byteSize })),
  };
};
