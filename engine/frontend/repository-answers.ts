/**
 * The calls that change what is served, the same for every transport: what their parameters mean, and what is refused.
 * Refusals are ProtocolErrors in Triton's words.
 */
import { closestWord } from '../../src/common/closest-word.js';
import type { ModelIndexEntry, RepositoryModelRequest, RepositoryParameter } from '../../src/kserve/admin-codec.js';
import { ProtocolError } from '../../src/kserve/protocol-error.js';
import type { LoadOverrides } from '../repository/load-overrides.js';
import type { ModelSource } from './model-source.js';

const FILE_PREFIX = 'file:';

export function repositoryIndex(
  source: ModelSource,
  repository: string,
  onlyReady: boolean,
): readonly ModelIndexEntry[] {
  refuseRepository(repository);
  return source.index(onlyReady);
}

/** Resolves when the model is served as asked. Throws ProtocolError, and the model is then what it was. */
export async function loadByRequest(source: ModelSource, request: RepositoryModelRequest): Promise<void> {
  refuseRepository(request.repository_name);
  await source.loadModel(request.model_name, readOverrides(request.parameters));
}

/**
 * Resolves when no new request finds the model. `unload_dependents` has nothing to do here, as there are no models
 * made of others. Throws ProtocolError.
 */
export async function unloadByRequest(source: ModelSource, request: RepositoryModelRequest): Promise<void> {
  refuseRepository(request.repository_name);
  for (const [name, value] of Object.entries(request.parameters)) {
    // Triton passes over others.
    if (name !== 'unload_dependents') continue;
    if (value.bool_param === undefined) {
      throw new ProtocolError("invalid value type for 'unload_dependents' parameter, expected bool_param.");
    }
  }
  await source.unloadModel(request.model_name);
}

function refuseRepository(repository: string): void {
  if (repository === '') return;
  throw new ProtocolError("'repository_name' specification is not supported", 'UNIMPLEMENTED');
}

function readOverrides(parameters: Readonly<Record<string, RepositoryParameter>>): LoadOverrides {
  let config: string | undefined;
  const files = new Map<string, Uint8Array>();
  for (const [name, value] of Object.entries(parameters)) {
    if (name === 'config') {
      if (value.string_param === undefined) throw mistyped(name, 'string_param');
      config = value.string_param;
    } else if (name.startsWith(FILE_PREFIX)) {
      if (value.bytes_param === undefined) throw mistyped(name, 'bytes_param');
      files.set(name.slice(FILE_PREFIX.length), value.bytes_param);
    } else throw unknownParameter(name);
  }
  return config === undefined ? { files } : { config, files };
}

const mistyped = (name: string, expected: string): ProtocolError =>
  new ProtocolError(`invalid value type for load parameter '${name}', expected ${expected}.`);

function unknownParameter(name: string): ProtocolError {
  const near = closestWord(name, ['config']);
  const hint = near === undefined ? '' : ` Did you mean '${near}'?`;
  return new ProtocolError(`unrecognized load parameter '${name.slice(0, 80)}'.${hint}`);
}
