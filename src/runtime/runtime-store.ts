/**
 * The builds installed in the user's data folder: one folder each, with a manifest. A folder appears whole or not at
 * all, because it is filled under another name and then renamed.
 */
import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { PerfTsError, systemCodeOf } from '../common/errors.js';
import { dataFolder } from '../common/user-folders.js';
import { unwritableData } from './data-fault.js';
import { takeLock } from './process-lock.js';

const manifestSchema = z.object({
  schema: z.literal('perf-ts/runtime@1'),
  name: z.string(),
  version: z.string(),
  apiVersion: z.number(),
  /** File name of the library in the folder. */
  library: z.string(),
  providers: z.array(z.string()),
  /** Where it came from: a wheel's file name or a path. */
  origin: z.string(),
  installedAt: z.string(),
  packages: z.array(z.object({ project: z.string(), version: z.string() })),
  /** Libraries of the system that the folder links to. */
  linked: z.array(z.object({ file: z.string(), path: z.string() })),
});

export type RuntimeManifest = z.infer<typeof manifestSchema>;

/** A build of ONNX Runtime that can be named. */
export interface Runtime {
  /** Such as `bundled` or `openvino-1.24.1`. */
  readonly name: string;
  /** Of ONNX Runtime, such as `1.24.1`; undefined where the library has not been asked yet. */
  readonly version: string | undefined;
  readonly apiVersion: number | undefined;
  readonly libraryPath: string;
  readonly folder: string;
  /** Compiled in, by perf-ts's names; that says nothing about whether they can be used. */
  readonly providers: readonly string[] | undefined;
}

export interface InstalledRuntime extends Runtime {
  readonly version: string;
  readonly apiVersion: number;
  readonly providers: readonly string[];
  readonly origin: string;
  readonly installedAt: string;
  readonly sizeBytes: number;
}

/** A folder that should hold a build and does not. */
export interface DamagedRuntime {
  readonly name: string;
  readonly folder: string;
  readonly reason: string;
}

const MANIFEST = 'runtime.json';
const STAGING = '.new-';

export const runtimesFolder = (): string => dataFolder('runtimes');
/** Parts of downloads that were cut short. */
export const partsFolder = (): string => dataFolder('downloads');

/** Every installed build, by name; what is damaged is told apart. */
export function readInstalled(folder = runtimesFolder()): {
  readonly runtimes: readonly InstalledRuntime[];
  readonly damaged: readonly DamagedRuntime[];
} {
  const runtimes: InstalledRuntime[] = [];
  const damaged: DamagedRuntime[] = [];
  for (const name of folderNames(folder)) {
    const place = join(folder, name);
    try {
      runtimes.push(readRuntime(place));
    } catch (cause) {
      const reason = systemCodeOf(cause) === 'ENOENT' ? 'a file of it is missing' : 'its manifest cannot be read';
      damaged.push({ name, folder: place, reason });
    }
  }
  return { runtimes, damaged };
}

function folderNames(folder: string): string[] {
  try {
    const entries = readdirSync(folder, { withFileTypes: true });
    return entries.flatMap((entry) => (entry.isDirectory() && !entry.name.startsWith('.') ? [entry.name] : [])).sort();
  } catch (cause) {
    if (['ENOENT', 'ENOTDIR'].includes(systemCodeOf(cause) ?? '')) return [];
    throw unwritableData(folder, cause);
  }
}

function readRuntime(folder: string): InstalledRuntime {
  const manifest = manifestSchema.parse(JSON.parse(readFileSync(join(folder, MANIFEST), 'utf8')));
  const { name, version, apiVersion, library, providers, origin, installedAt } = manifest;
  const libraryPath = join(folder, library);
  statSync(libraryPath);
  return { name, version, apiVersion, libraryPath, folder, providers, origin, installedAt, sizeBytes: sizeOf(folder) };
}

/** Bytes of the files in a folder, links not followed. */
function sizeOf(folder: string): number {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((total, { name }) => total + statSync(join(folder, name)).size, 0);
}

/** Runs `work` while no other process installs or removes a build. */
export async function withStoreLocked<T>(what: string, work: () => Promise<T>): Promise<T> {
  const giveBack = await takeLock(join(runtimesFolder(), '.lock'), what);
  try {
    return await work();
  } finally {
    await giveBack();
  }
}

export interface Staging {
  readonly folder: string;
  /** Gives the folder its name; from then on it is installed. */
  commit(manifest: RuntimeManifest): Promise<InstalledRuntime>;
  /** Removes the folder unless it was committed. */
  discard(): Promise<void>;
}

/** A folder to fill; call it with the store locked. Removes what an install that was killed has left. */
export async function startStaging(): Promise<Staging> {
  const parent = runtimesFolder();
  const folder = join(parent, `${STAGING}${randomBytes(4).toString('hex')}`);
  try {
    for (const name of await readdir(parent)) {
      if (name.startsWith(STAGING)) await rm(join(parent, name), { recursive: true, force: true });
    }
    await mkdir(folder, { recursive: true });
  } catch (cause) {
    throw unwritableData(folder, cause);
  }
  return {
    folder,
    discard: () => rm(folder, { recursive: true, force: true }),
    async commit(manifest) {
      const place = join(parent, manifest.name);
      try {
        const file = await open(join(folder, MANIFEST), 'wx');
        await file.writeFile(`${JSON.stringify(manifest, null, 2)}\n`);
        await file.sync();
        await file.close();
        // A damaged build of that name may be in the way; a whole one was found before any work.
        await rm(place, { recursive: true, force: true });
        await rename(folder, place);
      } catch (cause) {
        throw unwritableData(place, cause);
      }
      return readRuntime(place);
    },
  };
}

/**
 * Removes an installed or damaged build; call it with the store locked. Processes that have it loaded keep it.
 * @throws PerfTsError OUTPUT_UNWRITABLE.
 */
export async function deleteRuntime(name: string): Promise<void> {
  const place = join(runtimesFolder(), name);
  // Renamed first, so that a removal that is cut short leaves nothing that looks installed.
  const aside = join(runtimesFolder(), `${STAGING}${randomBytes(4).toString('hex')}`);
  try {
    await rename(place, aside);
    await rm(aside, { recursive: true, force: true });
  } catch (cause) {
    throw cause instanceof PerfTsError ? cause : unwritableData(place, cause);
  }
}
