/** The models as front ends see them. The repository implements it. */
import type { ModelIndexEntry } from '../../src/kserve/admin-codec.js';
import type { LoadOverrides } from '../repository/load-overrides.js';
import type { ServedModel } from '../served-model.js';

export interface ModelSource {
  /** A model that is being served; an empty version means the highest one. */
  find(name: string, version: string): ServedModel | undefined;
  /** Whether there is or was such a model or version: it is being served, was unloaded, or could not be loaded. */
  knows(name: string, version?: string): boolean;
  /** Every served version, ordered by name and then by version number. */
  models(): readonly ServedModel[];
  /** What the repository holds, served or not. */
  index(onlyReady: boolean): readonly ModelIndexEntry[];
  /** Whether every model that was asked for is being served, and the engine is not shutting down. */
  isReady(): boolean;
  /** Loads or reloads a model. Throws ProtocolError; what was served before is then served on. */
  loadModel(name: string, overrides?: LoadOverrides): Promise<void>;
  /** Resolves when no new request finds the model; accepted ones may still be running. Throws ProtocolError. */
  unloadModel(name: string): Promise<void>;
}
