/**
 * Writes the repository a variant is served from: its one model, or all that it serves together. Model files are hard links where the file system allows
 * and copies elsewhere, so a large model is not written again for every trial and the user's folder stays as it is.
 */
import { constants } from 'node:fs';
import { copyFile, link, mkdir, readdir, realpath, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { messageOf, PerfTsError } from '../../common/errors.js';
import { makeTemporaryFolder } from '../../common/temporary-folder.js';
import { convertFolder } from '../../onnx/convert/convert-folder.js';
import { type StudyModel, servedModels, type Variant } from './variants.js';

const CONFIG_FILE = 'config.pbtxt';

export interface VariantRepositories {
  /** The temporary folder that holds them all. */
  readonly root: string;
  /** Makes `<temporary>/<variant>/<model>/`, for each model of the variant, and returns the repository's path. */
  write(variant: Variant): Promise<string>;
  /** Removes one repository. */
  remove(repository: string): Promise<void>;
  /** Removes all of them; safe to call twice. */
  close(): Promise<void>;
}

/** Removes what killed sweeps left first. Throws PerfTsError OUTPUT_UNWRITABLE when the temporary folder cannot be made. */
export async function createVariantRepositories(model: StudyModel): Promise<VariantRepositories> {
  const root = await makeTemporaryFolder('perf-ts-sweep-').catch((cause: unknown) => {
    throw unwritable(tmpdir(), cause);
  });
  const sources = new Map<string, ModelSource>();
  let serial = 0;
  const sourceOf = (served: StudyModel): ModelSource => {
    const known = sources.get(served.name);
    const source = known ?? createModelSource(served, join(root, `files-${sources.size}`));
    sources.set(served.name, source);
    return source;
  };
  return {
    root,
    async write(variant) {
      const repository = join(root, `${++serial}-${variant.id}`);
      try {
        for (const { model: served, variant: own } of servedModels(model, variant)) {
          const folder = join(repository, served.name);
          await sourceOf(served).put(folder, own.precision === 'fp16');
          if (own.configPbtxt !== undefined) await writeFile(join(folder, CONFIG_FILE), own.configPbtxt);
        }
        return repository;
      } catch (cause) {
        await rm(repository, { recursive: true, force: true });
        throw cause instanceof PerfTsError ? cause : unwritable(repository, cause);
      }
    },
    remove: (repository) => rm(repository, { recursive: true, force: true }),
    close: () => rm(root, { recursive: true, force: true }),
  };
}

/** The files of one model, but for its config. */
interface ModelSource {
  put(folder: string, isHalf: boolean): Promise<void>;
}

/** `own` is a folder for what has to be kept of it. */
function createModelSource({ folder: original, name }: StudyModel, own: string): ModelSource {
  /** Where the files are linked from: the user's folder, or our one copy when that lies on another file system. */
  let source = original;
  /** The model in half precision, made when the first variant asks for it. */
  let half: Promise<string> | undefined;
  const halfFolder = (): Promise<string> => {
    half ??= convertFolder({ source: original, toRepository: `${own}-fp16`, name }).then(({ folder }) => folder);
    return half;
  };
  return {
    async put(folder, isHalf) {
      const linked = await linkFolder(isHalf ? await halfFolder() : source, folder);
      if (linked || isHalf || source !== original) return;
      // The first copy serves as the source of all later links.
      source = own;
      await linkFolder(folder, own);
    },
  };
}

const unwritable = (where: string, cause: unknown): PerfTsError =>
  new PerfTsError(
    'OUTPUT_UNWRITABLE',
    {
      what: `cannot write the variant's model repository: ${messageOf(cause)}`,
      where,
      hint: 'set TMPDIR to a writable folder with room for the model',
    },
    cause,
  );

/** Everything but the config. True when every file could be linked. */
async function linkFolder(from: string, to: string): Promise<boolean> {
  await mkdir(to, { recursive: true });
  let isLinked = true;
  for (const name of await readdir(from)) {
    if (name === CONFIG_FILE) continue;
    // A link that leads nowhere is in no server's way.
    const source = await realpath(join(from, name)).catch(() => undefined);
    if (source === undefined) continue;
    const target = join(to, name);
    const kind = await stat(source);
    if (kind.isDirectory()) isLinked = (await linkFolder(source, target)) && isLinked;
    else if (kind.isFile()) isLinked = (await linkOrCopy(source, target)) && isLinked;
  }
  return isLinked;
}

async function linkOrCopy(source: string, target: string): Promise<boolean> {
  try {
    await link(source, target);
    return true;
  } catch {
    // Another file system, no right to link, or none such here: a copy is as good.
    await copyFile(source, target, constants.COPYFILE_FICLONE);
    return false;
  }
}
