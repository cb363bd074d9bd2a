/**
 * Models as ONNX Runtime's optimizer leaves them for its CPU provider, kept in the user's cache folder like the engines
 * of other providers: a session made from one does not optimise again. What is kept is only valid for the library and
 * the processor it was made with, so both are part of the key.
 */
import { createHash } from 'node:crypto';
import { readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { dirname, join } from 'node:path';
import { messageOf } from '../common/errors.js';
import { readCpuFlags } from './cpu-precision.js';
import {
  ENGINE_CACHE_LIMIT_BYTES,
  engineCacheKey,
  engineCacheRoot,
  trimEngineCache,
  useCacheFolder,
} from './engine-cache.js';
import { type ProofOptions, proveSession } from './session-proof.js';
import type { SessionSettings } from './session-settings.js';

export interface ModelToOptimize {
  readonly modelFile: string;
  readonly ortLibrary: string;
  readonly ortVersion: string;
  readonly settings: SessionSettings;
}

export interface OptimizeOptions extends ProofOptions {
  readonly cacheRoot?: string;
  readonly cacheLimitBytes?: number;
}

export type OptimizedModel =
  | {
      readonly state: 'ready';
      readonly modelFile: string;
      /** The given ones, with nothing left to optimise. */
      readonly settings: SessionSettings;
      /** True when it was there from before. */
      readonly isKept: boolean;
      /** Time of the session that made it; undefined when it was there. */
      readonly buildNs: number | undefined;
    }
  /** The model runs as it is; why it cannot be kept. */
  | { readonly state: 'unavailable'; readonly reason: string };

const FILE = 'model.onnx';

/** Other providers choose nodes before the optimizer has seen all of the graph, and keep what they build themselves. */
export const isOptimizable = ({ providers = [], graphLevel = 'all' }: SessionSettings): boolean =>
  providers.length === 0 && graphLevel !== 'disabled';

/** Never rejects: a cache that cannot be used costs time, never the model. */
export async function keepOptimized(model: ModelToOptimize, options: OptimizeOptions = {}): Promise<OptimizedModel> {
  const { cacheRoot = engineCacheRoot() } = options;
  let folder: string;
  try {
    folder = await useCacheFolder(await keyOf(model), cacheRoot);
  } catch (thrown) {
    return { state: 'unavailable', reason: `${cacheRoot} or the model cannot be read: ${messageOf(thrown)}` };
  }
  const note = await readNote(folder);
  const kept = join(folder, FILE);
  if (note?.reason !== undefined) return { state: 'unavailable', reason: note.reason };
  const settings: SessionSettings = { ...model.settings, graphLevel: 'disabled' };
  if (note?.byteSize !== undefined && note.byteSize === (await sizeOf(kept))) {
    return { state: 'ready', modelFile: kept, settings, isKept: true, buildNs: undefined };
  }
  try {
    const made = await makeOptimized(model, folder, options);
    if ('reason' in made) {
      // What came of time or memory may go another way next time.
      if (made.isLasting) await writeNote(folder, { reason: made.reason });
      return { state: 'unavailable', reason: made.reason };
    }
    await writeNote(folder, { byteSize: (await sizeOf(kept)) ?? 0 });
    await trimEngineCache(options.cacheLimitBytes ?? ENGINE_CACHE_LIMIT_BYTES, cacheRoot).catch(() => undefined);
    return { state: 'ready', modelFile: kept, settings, isKept: false, buildNs: made.buildNs };
  } catch (thrown) {
    return { state: 'unavailable', reason: `it could not be written to ${folder}: ${messageOf(thrown)}` };
  }
}

/** Takes what is kept of a model away, because no session could be made of it. */
export const dropOptimized = (modelFile: string): Promise<void> =>
  rm(dirname(modelFile), { recursive: true, force: true }).catch(() => undefined);

function keyOf({ modelFile, ortLibrary, ortVersion, settings }: ModelToOptimize): Promise<string> {
  const { graphLevel = 'all', configEntries = {} } = settings;
  return engineCacheKey({
    modelFile,
    library: `${ortLibrary} ${ortVersion}`,
    devices: [describeProcessor()],
    // Threads, arenas and modes change nothing of the graph, so variants that differ in those share it.
    settings: { optimized: graphLevel, configEntries },
  });
}

/** A model with weights in files of their own, for one, is written without them: what is kept must load from where it is. */
async function makeOptimized(
  { modelFile, ortLibrary, settings: { graphLevel = 'all', configEntries = {} } }: ModelToOptimize,
  folder: string,
  options: OptimizeOptions,
): Promise<{ readonly buildNs: number } | { readonly reason: string; readonly isLasting: boolean }> {
  const making = join(folder, `${FILE}.${process.pid}`);
  const settings = { graphLevel, configEntries, intraOpThreads: 1 };
  try {
    const session = { ortLibrary, modelFile, settings: { ...settings, optimizedModelFile: making } };
    const made = await proveSession(session, options);
    if (made.state === 'refused') return { reason: made.reason, isLasting: false };
    const again = { ...settings, graphLevel: 'disabled' as const };
    const proof = await proveSession({ ortLibrary, modelFile: making, settings: again, isQuiet: true }, options);
    if (proof.state === 'refused')
      return { reason: `it does not load as it was written: ${proof.reason}`, isLasting: true };
    await rename(making, join(folder, FILE));
    return { buildNs: made.createNs };
  } finally {
    await rm(making, { force: true });
  }
}

/** What is known of an entry, so that a cut one is not used and one that cannot be is not made again and again. */
interface Note {
  readonly byteSize?: number;
  readonly reason?: string;
}

const NOTE = 'optimized.json';

async function readNote(folder: string): Promise<Note | undefined> {
  try {
    return JSON.parse(await readFile(join(folder, NOTE), 'utf8')) as Note;
  } catch {
    return undefined;
  }
}

const writeNote = (folder: string, note: Note): Promise<void> => writeFile(join(folder, NOTE), JSON.stringify(note));

const sizeOf = (file: string): Promise<number | undefined> =>
  stat(file).then(
    ({ size }) => size,
    () => undefined,
  );

/** The layouts that the optimizer chooses depend on the instructions of the processor, not on its name alone. */
function describeProcessor(): string {
  const flags = createHash('sha256')
    .update((readCpuFlags() ?? []).join(' '))
    .digest('hex')
    .slice(0, 16);
  return `${process.arch} ${cpus()[0]?.model ?? ''} ${flags}`;
}
