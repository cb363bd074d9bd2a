/**
 * Installs a build of ONNX Runtime into the user's data folder: from a known recipe, a wheel or a build on disk. Under
 * a lock, into a folder that gets its name only when all is there and the library has said its version.
 */
import { existsSync } from 'node:fs';
import { symlink } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { closestWord } from '../common/closest-word.js';
import { PerfTsError } from '../common/errors.js';
import type { ByteSource } from './byte-source.js';
import { copyBuild } from './copy-build.js';
import { unwritableData } from './data-fault.js';
import { forgetPart } from './extract-member.js';
import { type FillProgress, fillFolder, type PlannedFile, requireRoom } from './fill-folder.js';
import { createHttpFetch, type HttpFetch } from './http-fetch.js';
import type { LibraryFacts } from './library-facts.js';
import { type IndexOverrides, type IndexSettings, readIndexSettings } from './pip-settings.js';
import { type InstallPlan, planFromRecipe, planFromWheel } from './plan-install.js';
import { describeLibrary } from './probe.js';
import { runtimeRecipes } from './recipes.js';
import {
  deleteRuntime,
  type InstalledRuntime,
  partsFolder,
  readInstalled,
  runtimesFolder,
  type Staging,
  startStaging,
  withStoreLocked,
} from './runtime-store.js';

export interface InstallRequest {
  /** A recipe's name, a wheel, a library or a folder. */
  readonly what: string;
  /** Exactly this version of ONNX Runtime. */
  readonly version?: string | undefined;
  /** What to call a build from disk. */
  readonly name?: string | undefined;
  /** Folder of TensorRT's libraries. */
  readonly tensorRtFolder?: string | undefined;
  readonly overrides: IndexOverrides;
}

export interface InstallListener {
  /** One sentence on what is being done. */
  say(sentence: string): void;
  progress(progress: FillProgress): void;
}

export interface InstallOptions {
  readonly signal?: AbortSignal;
  /** Instead of pip's settings. */
  readonly settings?: IndexSettings;
  readonly retryDelaysMs?: readonly number[];
}

export interface InstallOutcome {
  readonly runtime: InstalledRuntime;
  /** False when it was there already. */
  readonly isNew: boolean;
  /** Received over the network for it. */
  readonly fetchedBytes: number;
}

/**
 * @throws PerfTsError BAD_OPTION for a word that means nothing, BAD_FILE for a broken or foreign build,
 * RUNTIME_UNUSABLE when it cannot be fetched, is locked or does not load, OUTPUT_UNWRITABLE when the disk refuses it.
 * Whatever is thrown, nothing is half-installed.
 */
export async function installRuntime(
  request: InstallRequest,
  listener: InstallListener,
  options: InstallOptions = {},
): Promise<InstallOutcome> {
  requireSupported(request);
  return withStoreLocked(`cannot install '${request.what}' now`, async () => {
    const settings = options.settings ?? (await readIndexSettings(request.overrides));
    const { signal, retryDelaysMs } = options;
    const http = createHttpFetch({
      certFile: settings.certFile,
      signal,
      onWait: (sentence) => listener.say(sentence),
      ...(retryDelaysMs && { retryDelaysMs }),
    });
    const staging = await startStaging();
    try {
      if (isBuildOnDisk(request.what)) return await installCopy(request, staging, options);
      return await installPlan(request, { settings, http, listener, staging, signal });
    } finally {
      await staging.discard();
      await http.close();
    }
  });
}

const isWheel = (what: string): boolean => what.endsWith('.whl');
const isBuildOnDisk = (what: string): boolean => !isWheel(what) && runtimeRecipes.every(({ name }) => name !== what);

function requireSupported({ what, version, name }: InstallRequest): void {
  const names = runtimeRecipes.map((recipe) => recipe.name);
  const isRecipe = names.includes(what);
  if (process.platform !== 'linux') {
    throw new PerfTsError('RUNTIME_UNUSABLE', {
      what: `'perf-ts runtime install' knows only builds for Linux, not for ${process.platform}`,
      hint: 'name a library of your own with --ort-library FILE',
    });
  }
  if (!isRecipe && !existsSync(what)) {
    // The build for the current CUDA has no number in its name.
    const near = what === 'cuda13' ? 'cuda' : closestWord(what, names);
    const hint =
      near === undefined
        ? `give ${names.join(', ')}, or the path of a wheel, library or folder`
        : `did you mean '${near}'?`;
    throw new PerfTsError('BAD_OPTION', { where: what, what: 'is neither a known build nor a file', hint });
  }
  if (!isRecipe && version !== undefined) {
    throw new PerfTsError('BAD_OPTION', { where: '--release', what: `means nothing for a file`, hint: 'leave it out' });
  }
  if (isRecipe && name !== undefined) {
    throw new PerfTsError('BAD_OPTION', { where: '--name', what: `is for builds from disk`, hint: 'leave it out' });
  }
}

interface PlanContext {
  readonly settings: IndexSettings;
  readonly http: HttpFetch;
  readonly listener: InstallListener;
  readonly staging: Staging;
  readonly signal: AbortSignal | undefined;
}

async function installPlan(request: InstallRequest, context: PlanContext): Promise<InstallOutcome> {
  const { http, listener, staging, signal } = context;
  const known = readInstalled();
  const opened: ByteSource[] = [];
  const isInstalled = (name: string): boolean => known.runtimes.some((runtime) => runtime.name === name);
  const planning = { ...context, isInstalled, opened };
  try {
    const plan = await (isWheel(request.what) ? planFromWheel(request, planning) : planFromRecipe(request, planning));
    if (plan.isInstalled) {
      const runtime = known.runtimes.find(({ name }) => name === plan.name)!;
      return { runtime, isNew: false, fetchedBytes: http.receivedBytes };
    }
    await requireRoom(runtimesFolder(), plan.files);
    await fillFolder(staging.folder, plan.files, partsFolder(), (progress) => listener.progress(progress));
    for (const { file, path } of plan.linked) {
      await symlink(path, join(staging.folder, file)).catch((cause: unknown) => {
        throw unwritableData(join(staging.folder, file), cause);
      });
    }
    const library = libraryOf(plan.files);
    const facts = await requireUsable(join(staging.folder, library), plan.origin, signal);
    const runtime = await staging.commit({ ...manifestOf(plan, facts), library });
    for (const { source, member } of plan.files) await forgetPart(partsFolder(), source, member);
    for (const source of opened) await source.forget?.();
    return { runtime, isNew: true, fetchedBytes: http.receivedBytes };
  } catch (thrown) {
    // What is bad, or fills a disk, is of no use to a later run.
    if (thrown instanceof PerfTsError && !resumableCodes.has(thrown.code)) {
      for (const source of opened) await source.forget?.();
    }
    throw thrown;
  } finally {
    for (const source of opened) await source.close();
  }
}

/** After these the same command may go on with what was fetched. */
const resumableCodes: ReadonlySet<string> = new Set(['RUNTIME_UNUSABLE', 'INTERRUPTED']);

function libraryOf(files: readonly PlannedFile[]): string {
  const names = files.map(({ fileName }) => fileName).filter((name) => /^libonnxruntime\.so(\.\d+)*$/.test(name));
  return names.sort((a, b) => b.length - a.length)[0]!;
}

const manifestOf = ({ name, origin, packages, linked }: InstallPlan, facts: LibraryFacts) => ({
  schema: 'perf-ts/runtime@1' as const,
  name,
  version: facts.version,
  apiVersion: facts.apiVersion,
  providers: [...facts.providers],
  origin,
  installedAt: new Date().toISOString(),
  packages: [...packages],
  linked: [...linked],
});

async function installCopy(
  request: InstallRequest,
  staging: Staging,
  { signal }: InstallOptions,
): Promise<InstallOutcome> {
  const library = await copyBuild(resolve(request.what), staging.folder);
  const facts = await requireUsable(join(staging.folder, library), request.what, signal);
  const name = `${request.name ?? 'custom'}-${facts.version}`;
  const present = readInstalled().runtimes.find((runtime) => runtime.name === name);
  if (present !== undefined) {
    throw new PerfTsError('BAD_OPTION', {
      where: request.what,
      what: `a runtime '${name}' is installed already, from ${present.origin}`,
      hint: `give this one another --name, or 'perf-ts runtime remove ${name}' first`,
    });
  }
  const origin = resolve(request.what);
  const runtime = await staging.commit({
    ...manifestOf({ name, origin, packages: [], linked: [], files: [], isInstalled: false }, facts),
    library,
  });
  return { runtime, isNew: true, fetchedBytes: 0 };
}

async function requireUsable(path: string, origin: string, signal: AbortSignal | undefined): Promise<LibraryFacts> {
  const outcome = await describeLibrary(path, signal);
  if (outcome.state === 'ok') return outcome.value;
  if (signal?.aborted) throw new PerfTsError('INTERRUPTED', { what: 'stopped while the library was tried' });
  throw new PerfTsError('RUNTIME_UNUSABLE', {
    where: origin,
    // The library was tried under a name that will not be there any more.
    what: `its library cannot be used: ${outcome.reason.replaceAll(path, basename(path))}`,
    hint: 'nothing was installed',
  });
}

/**
 * Removes an installed build by its full name and answers how many bytes that was.
 * @throws PerfTsError BAD_OPTION when there is none of that name.
 */
export async function removeRuntime(name: string): Promise<number> {
  return withStoreLocked(`cannot remove '${name}' now`, async () => {
    const { runtimes, damaged } = readInstalled();
    const found = runtimes.find((runtime) => runtime.name === name);
    if (found === undefined && !damaged.some((wreck) => wreck.name === name)) {
      const names = [...runtimes, ...damaged].map((one) => one.name);
      const near = closestWord(name, names) ?? names.find((other) => other.startsWith(`${name}-`));
      const hint =
        near !== undefined
          ? `did you mean '${near}'?`
          : names.length === 0
            ? 'none is'
            : `installed: ${names.join(', ')}`;
      throw new PerfTsError('BAD_OPTION', { where: name, what: 'is not installed', hint });
    }
    await deleteRuntime(name);
    return found?.sizeBytes ?? 0;
  });
}
