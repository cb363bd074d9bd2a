/**
 * Models as ONNX Runtime's optimizer leaves them for its CPU provider, kept in the user's cache folder like the engines
 * of other providers: a session made from one does not optimise again. What is kept is only valid for the library and
 * the processor it was made with, so both are part of the key.
 */
import { createHash } from 'node:crypto';
import { rename, rm, stat } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';
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

/** Never rejects but for a model file that cannot be read: a cache that cannot be used costs time, never the model. */
export async function keepOptimized(model: ModelToOptimize, options: OptimizeOptions = {}): Promise<OptimizedModel> {
  const { cacheRoot = engineCacheRoot(), cacheLimitBytes = ENGINE_CACHE_LIMIT_BYTES } = options;
  const { modelFile, ortLibrary, settings } = model;
  const { graphLevel = 'all', configEntries = {} } = settings;
  const key = await engineCacheKey({
    modelFile,
    library: `${ortLibrary} ${model.ortVersion}`,
    devices: [describeProcessor()],
    // Threads, arenas and modes change nothing of the graph, so variants that differ in those share it.
    settings: { optimized: graphLevel, configEntries },
  });
  const folder = await useCacheFolder(key, cacheRoot).catch(() => undefined);
  if (folder === undefined) return { state: 'unavailable', reason: `${cacheRoot} cannot be written` };
  const kept = join(folder, FILE);
  const ready = { state: 'ready', modelFile: kept, settings: { ...settings, graphLevel: 'disabled' } } as const;
  if (await isThere(kept)) return { ...ready, isKept: true, buildNs: undefined };
  const making = `${kept}.${process.pid}`;
  const proof = await proveSession(
    { ortLibrary, modelFile, settings: { graphLevel, configEntries, intraOpThreads: 1, optimizedModelFile: making } },
    options,
  );
  try {
    if (proof.state === 'refused') return { state: 'unavailable', reason: proof.reason };
    await rename(making, kept);
    await trimEngineCache(cacheLimitBytes, cacheRoot).catch(() => undefined);
    return { ...ready, isKept: false, buildNs: proof.createNs };
  } catch {
    return { state: 'unavailable', reason: `it could not be written to ${folder}` };
  } finally {
    await rm(making, { force: true });
  }
}

const isThere = (file: string): Promise<boolean> =>
  stat(file).then(
    (found) => found.size > 0,
    () => false,
  );

/** The layouts that the optimizer chooses depend on the instructions of the processor, not on its name alone. */
function describeProcessor(): string {
  const flags = createHash('sha256')
    .update((readCpuFlags() ?? []).join(' '))
    .digest('hex')
    .slice(0, 16);
  return `${process.arch} ${cpus()[0]?.model ?? ''} ${flags}`;
}
