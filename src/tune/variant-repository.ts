/**
 * Writes the one-model repository a variant is served from. Model files are hard links where the file system allows
 * and copies elsewhere, so a large model is not written again for every trial and the user's folder stays as it is.
 */
import { constants } from 'node:fs';
import { copyFile, link, mkdir, mkdtemp, readdir, realpath, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { messageOf, PerfTsError } from '../common/errors.js';
import { convertFolder } from '../onnx/convert/convert-folder.js';
import type { StudyModel, Variant } from './variants.js';

const CONFIG_FILE = 'config.pbtxt';

export interface VariantRepositories {
  /** Makes `<temporary>/<variant>/<model>/` and returns the repository's path. */
  write(variant: Variant): Promise<string>;
  /** Removes one repository. */
  remove(repository: string): Promise<void>;
  /** Removes all of them; safe to call twice. */
  close(): Promise<void>;
}

/** Throws PerfTsError OUTPUT_UNWRITABLE when the temporary folder cannot be made. */
export async function createVariantRepositories(model: StudyModel): Promise<VariantRepositories> {
  const root = await mkdtemp(join(tmpdir(), 'perf-ts-sweep-')).catch((cause: unknown) => {
    throw unwritable(tmpdir(), cause);
  });
  /** Where the files are linked from: the user's folder, or our one copy when that lies on another file system. */
  let source = model.folder;
  let serial = 0;
  /** The model in half precision, made when the first variant asks for it. */
  let half: Promise<string> | undefined;
  const halfFolder = (): Promise<string> => {
    half ??= convertFolder({ source: model.folder, toRepository: join(root, 'fp16'), name: model.name }).then(
      ({ folder }) => folder,
    );
    return half;
  };
  return {
    async write(variant) {
      const repository = join(root, `${++serial}-${variant.id}`);
      const folder = join(repository, model.name);
      const isHalf = variant.precision === 'fp16';
      const from = isHalf ? await halfFolder() : source;
      try {
        const linked = await linkFolder(from, folder);
        // The first copy serves as the source of all later links.
        if (!linked && !isHalf && source === model.folder) {
          source = join(root, 'files');
          await linkFolder(folder, source);
        }
        if (variant.configPbtxt !== undefined) await writeFile(join(folder, CONFIG_FILE), variant.configPbtxt);
        return repository;
      } catch (cause) {
        await rm(repository, { recursive: true, force: true });
        throw unwritable(repository, cause);
      }
    },
    remove: (repository) => rm(repository, { recursive: true, force: true }),
    close: () => rm(root, { recursive: true, force: true }),
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
    const source = await realpath(join(from, name));
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
