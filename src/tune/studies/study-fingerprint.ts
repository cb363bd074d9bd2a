/** What a study's numbers depend on beside its question: the model's files, the engine's library, the host. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { packageVersion } from '../../common/package-root.js';
import { bundledLibraryPath } from '../../onnxruntime/library-path.js';
import type { StudyRecord } from '../../record/study-record.js';
import type { ModelPlace } from '../together/member.js';

export interface FingerprintSource {
  /** Undefined where the files are a server's own. */
  readonly modelFolder: string | undefined;
  /** Instead of that, where several models are tuned at once. */
  readonly together?: readonly ModelPlace[] | undefined;
  readonly host: StudyRecord['host'];
  /** Build of ONNX Runtime, where it is not the bundled one. */
  readonly ortLibrary?: string | undefined;
  /** Other builds that are tried, by name. */
  readonly runtimes?: Readonly<Record<string, string>> | undefined;
}

/** Plain data for the journal's header; file contents as SHA-256. */
export async function takeFingerprint(source: FingerprintSource): Promise<Readonly<Record<string, unknown>>> {
  const { modelFolder, together, host, ortLibrary = bundledLibraryPath(), runtimes = {} } = source;
  const builds = await Promise.all(
    Object.entries({ ...runtimes, 'ONNX Runtime': ortLibrary }).map(
      async ([name, path]) => [name, await hashFile(path)] as const,
    ),
  );
  return {
    ...(modelFolder !== undefined && {
      modelFiles: together === undefined ? await hashFolder(modelFolder) : await hashAll(together),
    }),
    engine: { 'perf-ts': packageVersion, ...Object.fromEntries(builds) },
    host,
  };
}

/** By path below the model repository. */
async function hashAll(places: readonly ModelPlace[]): Promise<Record<string, string>> {
  const hashes = await Promise.all(
    places.map(async ({ name, folder }) =>
      Object.entries(await hashFolder(folder)).map(([file, hash]) => [`${name}/${file}`, hash] as const),
    ),
  );
  return Object.fromEntries(hashes.flat());
}

/** By path below the folder. config.pbtxt is compared by itself, and copies that `--apply` made are not served. */
async function hashFolder(folder: string): Promise<Record<string, string>> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true });
  const files = entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .filter((file) => !file.startsWith('config.pbtxt'))
    .toSorted();
  const hashes: Record<string, string> = {};
  for (const file of files) hashes[file] = await hashFile(join(folder, file));
  return hashes;
}

/** Something that cannot be read is told apart from all that can. */
async function hashFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  try {
    await pipeline(createReadStream(path), hash);
    return hash.digest('hex');
  } catch {
    return 'unreadable';
  }
}
