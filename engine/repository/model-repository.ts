/** Loads models out of model repositories and holds the ones being served. Knows no transport. */
import pLimit from 'p-limit';
import { messageOf, PerfTsError, type Problem } from '../../src/common/errors.js';
import type { ModelIndexEntry } from '../../src/kserve/admin-codec.js';
import type { ModelSource } from '../frontend/model-source.js';
import type { ServedModel, ServedModelOptions } from '../served-model.js';
import { prepareModel } from './prepare-model.js';
import { type ModelFolder, scanRepositories } from './scan-repository.js';

export type LoadModel = (options: ServedModelOptions) => Promise<ServedModel>;

export interface ModelRepositoryOptions {
  readonly repositories: readonly string[];
  /** Names of the models to load; undefined loads all. */
  readonly modelNames: readonly string[] | undefined;
  readonly ortLibrary: string | undefined;
  readonly loadModel: LoadModel;
  /** One line for the log. */
  readonly log: (line: string) => void;
}

/** tritonserver's default number of threads that load models. */
const PARALLEL_LOADS = 4;

/** What became of a model that was to be loaded. */
interface LoadResult {
  readonly folder: ModelFolder;
  readonly models: readonly ServedModel[];
  /** Why the model, or versions of it, could not be loaded. */
  readonly failures: readonly unknown[];
}

export class ModelRepository implements ModelSource {
  private readonly options: ModelRepositoryOptions;
  private readonly served = new Map<string, readonly ServedModel[]>();
  private entries: readonly ModelIndexEntry[] = [];
  private isComplete = false;

  constructor(options: ModelRepositoryOptions) {
    this.options = options;
  }

  /**
   * Loads what was asked for. A model that fails does not stop the others; it is listed as unavailable with the reason,
   * and its problems are returned. Throws PerfTsError BAD_OPTION for folders that cannot be read and unknown names.
   */
  async load(): Promise<PerfTsError | undefined> {
    const folders = await scanRepositories(this.options.repositories);
    const chosen = this.choose(folders);
    const limit = pLimit(PARALLEL_LOADS);
    const results = await Promise.all(chosen.map((folder) => limit(() => this.loadFolder(folder))));
    for (const { folder, models } of results) if (models.length > 0) this.served.set(folder.name, models);
    const idle = folders.filter((folder) => !chosen.includes(folder));
    this.entries = [
      ...results.flatMap(indexEntriesOf),
      ...idle.map((folder) => ({ name: folder.name, version: '', state: '', reason: '' })),
    ].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : Number(a.version) - Number(b.version)));
    const failures = results.flatMap((result) => result.failures);
    this.isComplete = failures.length === 0;
    return failures.length === 0 ? undefined : mergeFailures(failures);
  }

  find(name: string, version: string): ServedModel | undefined {
    const versions = this.served.get(name);
    return version === '' ? versions?.at(-1) : versions?.find((model) => model.version === version);
  }

  models(): readonly ServedModel[] {
    return [...this.served.values()].flat();
  }

  index(onlyReady: boolean): readonly ModelIndexEntry[] {
    return onlyReady ? this.entries.filter((entry) => entry.state === 'READY') : this.entries;
  }

  isReady(): boolean {
    return this.isComplete;
  }

  /** Says not ready from now on, while requests are still answered. */
  beginShutdown(): void {
    this.isComplete = false;
  }

  /** Closes every model; accepted requests are finished first. */
  async close(): Promise<void> {
    this.beginShutdown();
    await Promise.all(this.models().map((model) => model.close()));
    this.served.clear();
  }

  private choose(folders: readonly ModelFolder[]): readonly ModelFolder[] {
    const { modelNames, repositories } = this.options;
    if (modelNames === undefined) return folders;
    const known = folders.map((folder) => folder.name);
    const problems = modelNames
      .filter((name) => !known.includes(name))
      .map(
        (name): Problem => ({
          where: '--load-model',
          what: `there is no model '${name}' in ${repositories.join(' or ')}`,
          hint: known.length === 0 ? 'there are no models at all' : `there are: ${known.join(', ')}`,
        }),
      );
    if (problems.length > 0) throw new PerfTsError('BAD_OPTION', problems);
    return folders.filter((folder) => modelNames.includes(folder.name));
  }

  private async loadFolder(folder: ModelFolder): Promise<LoadResult> {
    const { loadModel, log, ortLibrary } = this.options;
    let prepared: readonly ServedModelOptions[];
    try {
      prepared = await prepareModel(folder, ortLibrary);
    } catch (failure) {
      return { folder, models: [], failures: [failure] };
    }
    const loads = await Promise.allSettled(prepared.map(loadModel));
    const models = loads.flatMap((load) => (load.status === 'fulfilled' ? [load.value] : []));
    for (const model of models) log(`loaded model '${model.name}' version ${model.version}`);
    const failures = loads.flatMap((load): unknown[] => (load.status === 'rejected' ? [load.reason] : []));
    return { folder, models, failures };
  }
}

function indexEntriesOf({ folder, models, failures }: LoadResult): ModelIndexEntry[] {
  const ready = models.map(({ name, version }) => ({ name, version, state: 'READY', reason: '' }));
  if (failures.length === 0) return ready;
  const { name, versions } = folder;
  const isServed = (version: number): boolean => models.some((model) => model.version === String(version));
  const failed = versions.filter((version) => !isServed(version)).at(-1);
  const version = failed === undefined ? '' : String(failed);
  return [...ready, { name, version, state: 'UNAVAILABLE', reason: failures.map(messageOf).join('; ') }];
}

/** One error that carries every problem. Anything but a PerfTsError is a fault of the engine and passes through. */
function mergeFailures(failures: readonly unknown[]): PerfTsError {
  const known = failures.filter((failure) => failure instanceof PerfTsError);
  const fault = failures.find((failure) => !(failure instanceof PerfTsError));
  if (fault !== undefined) throw fault;
  const codes = new Set(known.map((failure) => failure.code));
  const code = codes.size === 1 ? known[0]!.code : 'BAD_FILE';
  return new PerfTsError(
    code,
    known.flatMap((failure) => failure.problems),
    known[0],
  );
}
