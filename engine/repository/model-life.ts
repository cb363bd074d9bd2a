/**
 * One model's life: its versions are loaded, replaced, unloaded. What is served changes in one step and only when
 * everything new is ready; what is replaced finishes the requests it has accepted. Steps of one model come one by one.
 */
import { messageOf } from '../../src/common/errors.js';
import type { ModelIndexEntry } from '../../src/kserve/admin-codec.js';
import { compareVersions } from '../../src/model-config/version-policy.js';
import type { ServedModel, ServedModelOptions } from '../served-model.js';
import { areSameConfigs, differInChangeable } from './compare-configs.js';
import { printVersion } from './content-print.js';
import { mergeFailures } from './merge-failures.js';

/** What a model is to become. */
export interface PreparedModel {
  readonly versions: readonly ServedModelOptions[];
  /** Called once, when nothing is served from the files any more. */
  readonly release?: () => Promise<void>;
}

export interface LifeOptions {
  readonly name: string;
  readonly loadVersion: (options: ServedModelOptions) => Promise<ServedModel>;
  readonly log: (line: string) => void;
}

/** Why a load came to nothing; the model is what it was before. */
export class LoadFailure extends Error {
  override readonly name = 'LoadFailure';
  /** `prepare`: config or files are wrong; `load`: the instances could not be started. */
  readonly stage: 'prepare' | 'load';
  override readonly cause: unknown;

  constructor(stage: 'prepare' | 'load', cause: unknown) {
    super(messageOf(cause));
    this.stage = stage;
    this.cause = cause;
  }
}

/** Thrown by `prepare` for a model that is there, but not as it should be: it is listed as unavailable from then on. */
export class BadModel extends Error {
  /** The version that is to blame, or the highest. */
  readonly version: string;
  override readonly cause: unknown;

  constructor(version: string, cause: unknown) {
    super(messageOf(cause));
    this.version = version;
    this.cause = cause;
  }
}

/** Files that several versions may be loaded from, let go with the last of them. */
class SharedFiles {
  readonly #release: (() => Promise<void>) | undefined;
  #users = 1;

  constructor(release: (() => Promise<void>) | undefined) {
    this.#release = release;
  }

  take(): void {
    this.#users++;
  }

  async leave(): Promise<void> {
    if (--this.#users === 0) await this.#release?.();
  }
}

interface LoadedVersion {
  readonly model: ServedModel;
  readonly options: ServedModelOptions;
  readonly print: string;
  readonly files: SharedFiles;
}

type IdleState = Pick<ModelIndexEntry, 'state' | 'reason'>;

const UNLOADED: IdleState = { state: 'UNAVAILABLE', reason: 'unloaded' };
const byVersion = (a: { version: string }, b: { version: string }): number => compareVersions(a.version, b.version);

export class ModelLife {
  readonly name: string;
  readonly #options: LifeOptions;
  #serving: readonly LoadedVersion[] = [];
  /** Versions that are not served, by number; '' where a failure belongs to no version. */
  readonly #idle = new Map<string, IdleState>();
  readonly #draining = new Set<Promise<void>>();
  #lastStep: Promise<unknown> = Promise.resolve();
  #stepCount = 0;
  #isClosed = false;

  constructor(options: LifeOptions) {
    this.name = options.name;
    this.#options = options;
  }

  /** In rising order of version. */
  get models(): readonly ServedModel[] {
    return this.#serving.map(({ model }) => model);
  }

  /** True unless a version is being loaded for the first time or could not be loaded. */
  get isReady(): boolean {
    return [...this.#idle.values()].every(({ state, reason }) => state === 'UNLOADING' || reason === UNLOADED.reason);
  }

  /** True when nothing is known of the model and nothing is about to be. */
  get isBlank(): boolean {
    return this.#stepCount + this.#serving.length + this.#idle.size + this.#draining.size === 0;
  }

  index(): readonly ModelIndexEntry[] {
    const state = this.#isClosed ? 'UNLOADING' : 'READY';
    const ready = this.models.map(({ version }) => ({ name: this.name, version, state, reason: '' }));
    const idle = [...this.#idle].map(([version, state]) => ({ name: this.name, version, ...state }));
    return [...ready, ...idle].sort(byVersion);
  }

  /**
   * Makes the model what `prepare` says. Versions whose files and config are the same stay as they are; a change of the
   * instance groups alone is made in place. On any failure what was served before is served on.
   * Throws LoadFailure.
   */
  load(prepare: () => Promise<PreparedModel>): Promise<void> {
    return this.#inTurn(async () => {
      let prepared: PreparedModel;
      try {
        prepared = await prepare();
      } catch (thrown) {
        const isListed = thrown instanceof BadModel && this.#serving.length === 0;
        if (isListed) this.#tellFailure([thrown.version], thrown);
        throw new LoadFailure('prepare', thrown instanceof BadModel ? thrown.cause : thrown);
      }
      const files = new SharedFiles(prepared.release);
      try {
        await this.#become(prepared.versions, files);
      } finally {
        await files.leave();
      }
    });
  }

  /** Takes no more requests and returns; those accepted are finished in the background. */
  unload(): Promise<void> {
    return this.#inTurn(async () => {
      const old = this.#serving;
      this.#serving = [];
      for (const version of this.#idle.keys()) if (version !== '') this.#idle.set(version, UNLOADED);
      this.#idle.delete('');
      for (const loaded of old) this.#drain(loaded);
      if (old.length > 0) this.#options.log(`unloading model '${this.name}'`);
    });
  }

  /**
   * Refuses new requests at once and resolves when everything accepted is answered and everything is freed. The closed
   * versions stay where requests find them, since they know best why they refuse.
   */
  async close(): Promise<void> {
    this.#isClosed = true;
    // Before the wait for a load under way: accepted requests have only until the exit timeout.
    const closing = this.#serving.map(({ model }) => model.close());
    await this.#inTurn(async () => {
      for (const loaded of this.#serving) this.#drain(loaded);
    });
    await Promise.all([...closing, ...this.#draining]);
  }

  #inTurn<T>(step: () => Promise<T>): Promise<T> {
    this.#stepCount++;
    const turn = this.#lastStep.then(step).finally(() => {
      this.#stepCount--;
    });
    this.#lastStep = turn.catch(() => undefined);
    return turn;
  }

  async #become(wanted: readonly ServedModelOptions[], files: SharedFiles): Promise<void> {
    const places = await Promise.all(wanted.map((options) => this.#placeOf(options)));
    const fresh = places.filter(({ kept }) => kept === undefined);
    const loaded = await this.#loadAll(fresh, files);
    try {
      for (const { kept, options } of places) await kept?.model.reconfigure?.(options.config);
      if (this.#isClosed) throw new Error('the engine is ending');
    } catch (thrown) {
      await Promise.all(loaded.map(discard));
      throw new LoadFailure('load', thrown);
    }
    const next = places.map(({ options, kept }) =>
      kept === undefined ? loaded.find((one) => one.options === options)! : { ...kept, options },
    );
    const replaced = this.#serving.filter((old) => !next.some(({ model }) => model === old.model));
    // The one step in which what requests find changes.
    this.#serving = next.sort((a, b) => byVersion(a.options, b.options));
    for (const version of ['', ...wanted.map((one) => one.version)]) this.#idle.delete(version);
    for (const old of replaced) this.#drain(old);
    this.#tellLoaded(places, loaded);
  }

  #tellLoaded(places: readonly { kept: LoadedVersion | undefined }[], loaded: readonly LoadedVersion[]): void {
    const { log } = this.#options;
    for (const { model } of loaded) log(`loaded model '${model.name}' version ${model.version}`);
    for (const { kept } of places) if (kept) log(`kept model '${this.name}' version ${kept.model.version} in place`);
  }

  /** With the served version that can take the wanted one's place without being loaded anew. */
  async #placeOf(options: ServedModelOptions) {
    const print = await printVersion(options.modelFolder ?? '', options.version);
    const old = this.#serving.find(({ model }) => model.version === options.version);
    const isSame =
      old !== undefined &&
      old.model.failure === undefined &&
      old.print === print &&
      old.options.modelFile === options.modelFile &&
      differInChangeable(old.options.config, options.config);
    const canStay =
      isSame && (old.model.reconfigure !== undefined || areSameConfigs(old.options.config, options.config));
    return { options, print, kept: canStay ? old : undefined };
  }

  /** All or, with LoadFailure, none. */
  async #loadAll(
    places: readonly { readonly options: ServedModelOptions; readonly print: string }[],
    files: SharedFiles,
  ): Promise<readonly LoadedVersion[]> {
    const isServed = (version: string): boolean => this.#serving.some(({ model }) => model.version === version);
    const unserved = places.map(({ options }) => options.version).filter((version) => !isServed(version));
    for (const version of unserved) this.#idle.set(version, { state: 'LOADING', reason: '' });
    const results = await Promise.allSettled(
      places.map(async ({ options, print }): Promise<LoadedVersion> => {
        const model = await this.#options.loadVersion(options);
        files.take();
        return { model, options, print, files };
      }),
    );
    const loaded = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    const failures = results.flatMap((result): unknown[] => (result.status === 'rejected' ? [result.reason] : []));
    if (failures.length === 0) return loaded;
    await Promise.all(loaded.map(discard));
    for (const version of unserved) this.#idle.delete(version);
    const failed = places.filter((_, index) => results[index]?.status === 'rejected');
    const failure = failures.length === 1 ? failures[0] : mergeFailures(failures);
    this.#tellFailure(
      failed.map(({ options }) => options.version).filter((version) => !isServed(version)),
      failure,
    );
    throw new LoadFailure('load', failure);
  }

  #tellFailure(versions: readonly string[], cause: unknown): void {
    for (const version of versions) this.#idle.set(version, { state: 'UNAVAILABLE', reason: messageOf(cause) });
  }

  #drain(loaded: LoadedVersion): void {
    const { version } = loaded.model;
    const isServed = (): boolean => this.#serving.some(({ model }) => model.version === version);
    if (!isServed()) this.#idle.set(version, { state: 'UNLOADING', reason: '' });
    const draining = discard(loaded)
      .catch((thrown: unknown) =>
        this.#options.log(`model '${this.name}' version ${version} did not end well: ${messageOf(thrown)}`),
      )
      .then(() => {
        this.#draining.delete(draining);
        if (this.#idle.get(version)?.state === 'UNLOADING') this.#idle.set(version, UNLOADED);
      });
    this.#draining.add(draining);
  }
}

/** Ends a version and lets go of its files. */
async function discard({ model, files }: LoadedVersion): Promise<void> {
  await model.close();
  await files.leave();
}
