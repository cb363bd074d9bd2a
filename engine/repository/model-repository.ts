/** Loads models out of model repositories and holds the ones being served. Knows no transport. */
import pLimit from 'p-limit';
import { describeProblem, messageOf, PerfTsError, type Problem } from '../../src/common/errors.js';
import type { ModelIndexEntry } from '../../src/kserve/admin-codec.js';
import { ProtocolError } from '../../src/kserve/protocol-error.js';
import type { ModelSource } from '../frontend/model-source.js';
import type { ServedModel, ServedModelOptions } from '../served-model.js';
import { printModel } from './content-print.js';
import { checkModelName, checkOverrides, type LoadOverrides, writeOverrides } from './load-overrides.js';
import { mergeFailures } from './merge-failures.js';
import { BadModel, LoadFailure, ModelLife, type PreparedModel } from './model-life.js';
import { prepareModel, UnreadableConfig } from './prepare-model.js';
import type { PrepareRules } from './repository-settings.js';
import { findModelFolder, listModelNames, type ModelFolder, scanRepositories } from './scan-repository.js';

export type LoadModel = (options: ServedModelOptions) => Promise<ServedModel>;

export interface ModelRepositoryOptions {
  readonly repositories: readonly string[];
  /** Names of the models to load; undefined loads all. */
  readonly modelNames: readonly string[] | undefined;
  /** True where names that are not there do not keep the others from being loaded. */
  readonly loadsOthers?: boolean;
  /** True where clients may load and unload models. */
  readonly allowsControl?: boolean;
  /** False says ready while models are missing. */
  readonly isReadinessStrict?: boolean;
  readonly rules?: PrepareRules;
  /** Versions loaded at the same time; tritonserver's default is 4. */
  readonly parallelLoads?: number;
  readonly retryCount?: number;
  readonly loadModel: LoadModel;
  /** One line for the log. */
  readonly log: (line: string) => void;
}

const PARALLEL_LOADS = 4;

export class ModelRepository implements ModelSource {
  readonly #options: ModelRepositoryOptions;
  readonly #lives = new Map<string, ModelLife>();
  readonly #limit: ReturnType<typeof pLimit>;
  /** What each model's folder looked like when it was last loaded from, for `poll`. */
  readonly #prints = new Map<string, string>();
  #state: 'starting' | 'serving' | 'ending' = 'starting';

  constructor(options: ModelRepositoryOptions) {
    this.#options = options;
    this.#limit = pLimit(options.parallelLoads ?? PARALLEL_LOADS);
  }

  /**
   * Loads what was asked for. A model that fails does not stop the others; it is listed as unavailable with the reason,
   * and its problems are returned. Throws PerfTsError BAD_OPTION for folders that cannot be read, and for unknown names
   * unless the others are to be loaded all the same.
   */
  async load(): Promise<PerfTsError | undefined> {
    const { chosen, absent } = this.#choose(await scanRepositories(this.#options.repositories));
    if (absent !== undefined && this.#options.loadsOthers !== true) throw absent;
    const results = await Promise.allSettled(
      chosen.map(async (folder) => {
        this.#prints.set(folder.name, await printModel(folder.folder));
        await this.#loadFolder(folder);
      }),
    );
    const failed = results.flatMap((result): unknown[] => (result.status === 'rejected' ? [result.reason] : []));
    const failures = absent === undefined ? failed : [absent, ...failed];
    if (this.#state === 'starting') this.#state = 'serving';
    return failures.length === 0 ? undefined : mergeFailures(failures.map(causeOf));
  }

  find(name: string, version: string): ServedModel | undefined {
    const versions = this.#lives.get(name)?.models;
    return version === '' ? versions?.at(-1) : versions?.find((model) => model.version === version);
  }

  knows(name: string, version = ''): boolean {
    const life = this.#lives.get(name);
    return life !== undefined && (version === '' || life.index().some((entry) => entry.version === version));
  }

  models(): readonly ServedModel[] {
    return this.#sortedLives().flatMap((life) => life.models);
  }

  index(onlyReady: boolean): readonly ModelIndexEntry[] {
    const entries = this.#sortedLives().flatMap((life) => life.index());
    if (onlyReady) return entries.filter((entry) => entry.state === 'READY');
    const idle = listModelNames(this.#options.repositories)
      .filter((name) => !entries.some((entry) => entry.name === name))
      .map((name) => ({ name, version: '', state: '', reason: '' }));
    return [...entries, ...idle].sort(byName);
  }

  isReady(): boolean {
    if (this.#state === 'ending') return false;
    if (this.#options.isReadinessStrict === false) return true;
    return this.#state === 'serving' && [...this.#lives.values()].every((life) => life.isReady);
  }

  /** Loads or reloads a model. Throws ProtocolError; what was served before is then served on. */
  async loadModel(name: string, overrides: LoadOverrides = {}): Promise<void> {
    this.#checkControl();
    checkModelName(name);
    checkOverrides(overrides);
    try {
      await this.#load(name, () => this.#prepareRequested(name, overrides));
    } catch (thrown) {
      throw asProtocolError(name, thrown);
    }
  }

  /**
   * Takes no more requests for the model, and returns while accepted ones are still being finished. A model that is not
   * loaded is no error, as with Triton. Throws ProtocolError where clients may not do this.
   */
  async unloadModel(name: string): Promise<void> {
    this.#checkControl();
    checkModelName(name);
    await this.#lives.get(name)?.unload();
  }

  /**
   * Makes what is served what the repositories hold now: new models are loaded, changed ones reloaded, removed ones
   * unloaded. Returns a sentence for each thing that failed; it is not tried again before it changes.
   */
  async poll(): Promise<readonly string[]> {
    let folders: readonly ModelFolder[];
    try {
      folders = await scanRepositories(this.#options.repositories);
    } catch (thrown) {
      return [messageOf(thrown)];
    }
    const gone = [...this.#lives.keys()].filter((name) => !folders.some((folder) => folder.name === name));
    await Promise.all(
      gone.map((name) => {
        this.#prints.delete(name);
        return this.#lives.get(name)?.unload();
      }),
    );
    const outcomes = await Promise.all(folders.map((folder) => this.#pollFolder(folder)));
    return outcomes.filter((outcome) => outcome !== undefined);
  }

  /** Says not ready from now on, while requests are still answered. */
  beginShutdown(): void {
    this.#state = 'ending';
  }

  /** Closes every model; accepted requests are finished first, new ones are refused. */
  async close(): Promise<void> {
    this.beginShutdown();
    await Promise.all([...this.#lives.values()].map((life) => life.close()));
  }

  #sortedLives(): ModelLife[] {
    return [...this.#lives.values()].sort(byName);
  }

  #lifeOf(name: string): ModelLife {
    let life = this.#lives.get(name);
    if (life === undefined) {
      life = new ModelLife({ name, log: this.#options.log, loadVersion: (options) => this.#loadVersion(options) });
      this.#lives.set(name, life);
    }
    return life;
  }

  #loadFolder(folder: ModelFolder): Promise<void> {
    return this.#load(folder.name, () => this.#prepareFolder(folder));
  }

  /** A model of which nothing came is as one that was never asked for. */
  async #load(name: string, prepare: () => Promise<PreparedModel>): Promise<void> {
    const life = this.#lifeOf(name);
    try {
      await life.load(prepare);
    } catch (thrown) {
      if (life.isBlank) this.#lives.delete(name);
      throw thrown;
    }
  }

  async #prepareFolder(folder: ModelFolder, config?: string): Promise<PreparedModel> {
    try {
      return { versions: await prepareModel(folder, this.#options.rules, config) };
    } catch (thrown) {
      if (thrown instanceof UnreadableConfig) throw thrown;
      throw new BadModel(folder.versions.at(-1) ?? '', thrown);
    }
  }

  async #prepareRequested(name: string, { config, files }: LoadOverrides): Promise<PreparedModel> {
    if (files === undefined || files.size === 0) {
      const folder = await findModelFolder(this.#options.repositories, name);
      if (folder !== undefined) return this.#prepareFolder(folder, config);
      throw new ProtocolError(describeLoad(name, 'there is no such model in the repository'), 'INTERNAL');
    }
    const written = await writeOverrides(name, files);
    try {
      const versions = await prepareModel(written, this.#options.rules, config);
      return { versions, release: written.remove };
    } catch (thrown) {
      await written.remove();
      throw thrown;
    }
  }

  #loadVersion(options: ServedModelOptions): Promise<ServedModel> {
    const { loadModel, retryCount = 0, log } = this.#options;
    return this.#limit(async () => {
      for (let attempt = 0; ; attempt++) {
        try {
          return await loadModel(options);
        } catch (thrown) {
          if (attempt >= retryCount || this.#state === 'ending') throw thrown;
          log(`loading model '${options.name}' version ${options.version} again: ${messageOf(thrown)}`);
        }
      }
    });
  }

  async #pollFolder(folder: ModelFolder): Promise<string | undefined> {
    const print = await printModel(folder.folder);
    if (this.#prints.get(folder.name) === print || this.#state === 'ending') return undefined;
    this.#prints.set(folder.name, print);
    try {
      await this.#loadFolder(folder);
      return undefined;
    } catch (thrown) {
      const cause = causeOf(thrown);
      const text = cause instanceof PerfTsError ? cause.problems.map(describeProblem).join('; ') : messageOf(cause);
      return `model '${folder.name}' stays as it was: ${text}`;
    }
  }

  #checkControl(): void {
    if (this.#state === 'ending') throw new ProtocolError('Server is stopping', 'UNAVAILABLE');
    if (this.#options.allowsControl === true) return;
    throw new ProtocolError(
      'explicit model load / unload is not allowed: start the server with --model-control-mode=explicit',
      'UNAVAILABLE',
    );
  }

  #choose(folders: readonly ModelFolder[]): { chosen: readonly ModelFolder[]; absent: PerfTsError | undefined } {
    const { modelNames, repositories } = this.#options;
    if (modelNames === undefined) return { chosen: folders, absent: undefined };
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
    return {
      chosen: folders.filter((folder) => modelNames.includes(folder.name)),
      absent: problems.length === 0 ? undefined : new PerfTsError('BAD_OPTION', problems),
    };
  }
}

const byName = (a: { readonly name: string }, b: { readonly name: string }): number =>
  a.name < b.name ? -1 : a.name > b.name ? 1 : 0;

const causeOf = (thrown: unknown): unknown => (thrown instanceof LoadFailure ? thrown.cause : thrown);

/** Triton's words for a model that it could not read, with the reason that it leaves to its log. */
const describeLoad = (name: string, reason: string): string =>
  `failed to load '${name}', failed to poll from model repository: ${reason}`;

function asProtocolError(name: string, thrown: unknown): ProtocolError {
  const cause = causeOf(thrown);
  if (cause instanceof ProtocolError) return cause;
  if (cause instanceof UnreadableConfig) return new ProtocolError(describeLoad(name, messageOf(cause)), 'INTERNAL');
  return new ProtocolError(`load failed for model '${name}': ${messageOf(cause)}`);
}
