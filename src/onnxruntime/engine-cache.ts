/**
 * What providers have built for a model (TensorRT engines, OpenVINO blobs) and what was found out by building it, in
 * the user's cache folder: one folder for each model, library, device and set of options. The least recently used ones
 * go when the whole grows beyond its limit.
 */
import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { cacheFolder } from '../common/user-folders.js';

export interface CacheIdentity {
  readonly modelFile: string;
  /** Path and version of ONNX Runtime. */
  readonly library: string;
  /** Names of the devices. */
  readonly devices: readonly string[];
  /** Everything else that decides what is built. */
  readonly settings: unknown;
}

export const engineCacheRoot = (): string => cacheFolder('engines');
/** 8 GiB: some hundred engines of a vision model. */
export const ENGINE_CACHE_LIMIT_BYTES = 8 * 2 ** 30;

const PROOF_FILE = 'proof.json';

/** The same for the same inputs; another model, weights, library, device or option gives another. */
export async function engineCacheKey({ modelFile, library, devices, settings }: CacheIdentity): Promise<string> {
  const identity = createHash('sha256').update(await hashFile(modelFile));
  await printFiles(dirname(modelFile), '', modelFile, identity, 0);
  identity.update(JSON.stringify([library, devices, settings]));
  return identity.digest('hex').slice(0, 32);
}

/** Deeper folders hold no weights; it also ends a ring of links. */
const DEEPEST = 8;
/** Of larger files size and time stand for the contents. */
const HASHED_BYTES = 16 << 20;

/** Weights may lie in files beside the model and in folders there; a link is what it leads to, if anything. */
async function printFiles(
  folder: string,
  prefix: string,
  modelFile: string,
  identity: Hash,
  depth: number,
): Promise<void> {
  for (const name of (await readdir(folder)).sort()) {
    const path = join(folder, name);
    if (path === modelFile) continue;
    const found = await stat(path).catch(() => undefined);
    if (found === undefined) identity.update(`\0${prefix}${name}\0gone`);
    else if (found.isDirectory()) {
      if (depth < DEEPEST) await printFiles(path, `${prefix}${name}/`, modelFile, identity, depth + 1);
    } else {
      const content = found.isFile() && found.size <= HASHED_BYTES ? await hashFile(path) : found.mtimeMs;
      identity.update(`\0${prefix}${name}\0${found.size}\0${content}`);
    }
  }
}

async function hashFile(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}

/** The folder for a key, made when it is not there, and marked as just used. */
export async function useCacheFolder(key: string, root: string = engineCacheRoot()): Promise<string> {
  const folder = join(root, key);
  await mkdir(folder, { recursive: true });
  const now = new Date();
  await utimes(folder, now, now);
  return folder;
}

/** What was kept by `keepProof`; undefined when there is nothing readable. */
export async function readKeptProof(folder: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(join(folder, PROOF_FILE), 'utf8')) as unknown;
  } catch {
    return undefined;
  }
}

export async function keepProof(folder: string, proof: unknown): Promise<void> {
  const temporary = join(folder, `${PROOF_FILE}.${process.pid}`);
  await writeFile(temporary, JSON.stringify(proof));
  await rename(temporary, join(folder, PROOF_FILE));
}

/** Removes the least recently used folders until the rest fits; the one just used stays, however large it is. */
export async function trimEngineCache(limitBytes: number, root: string = engineCacheRoot()): Promise<void> {
  const names = await readdir(root).catch(() => []);
  // One entry that is no folder, or that another engine just removed, must not keep the rest from being trimmed.
  const found = await Promise.all(names.map((name) => describeFolder(join(root, name)).catch(() => undefined)));
  const folders = found.filter((folder) => folder !== undefined);
  folders.sort((a, b) => b.usedMs - a.usedMs);
  let total = 0;
  for (const [index, { folder, byteSize }] of folders.entries()) {
    total += byteSize;
    if (index > 0 && total > limitBytes) await rm(folder, { recursive: true, force: true });
  }
}

async function describeFolder(folder: string): Promise<{ folder: string; usedMs: number; byteSize: number }> {
  const usedMs = (await stat(folder)).mtimeMs;
  return { folder, usedMs, byteSize: await sizeOf(folder) };
}

async function sizeOf(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const sizes = await Promise.all(
    entries
      .filter((entry) => entry.isFile())
      .map(async (entry) => (await stat(join(entry.parentPath, entry.name))).size),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}
