/**
 * Finds the models in model repositories: NAME/config.pbtxt (may be missing) and NAME/VERSION/. Looks at names only;
 * what is in the files is the business of `prepare-model.ts`.
 */
import { readdirSync, statSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { messageOf, PerfTsError, type Problem, systemCodeOf } from '../../src/common/errors.js';
import { listVersions } from '../../src/onnx/model-location.js';

export interface ModelFolder {
  readonly name: string;
  /** Absolute path. */
  readonly folder: string;
  /** Version folders in rising order. */
  readonly versions: readonly string[];
}

const isHidden = (name: string): boolean => name.startsWith('.');

const isFolder = async (path: string): Promise<boolean> =>
  stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );

/** Names of the folders in `folder`, links to folders included, hidden ones left out. */
async function listFolders(folder: string): Promise<string[]> {
  const names = (await readdir(folder)).filter((name) => !isHidden(name)).sort();
  const areFolders = await Promise.all(names.map((name) => isFolder(join(folder, name))));
  return names.filter((_, index) => areFolders[index]);
}

function unreadable(repository: string, thrown: unknown): Problem {
  const code = systemCodeOf(thrown);
  const what =
    code === 'ENOENT'
      ? `there is no folder ${repository}`
      : code === 'ENOTDIR'
        ? `${repository} is not a folder`
        : `cannot read ${repository}: ${messageOf(thrown)}`;
  return { where: '--model-repository', what, hint: 'give a folder that holds NAME/1/model.onnx' };
}

const readModelFolder = async (name: string, folder: string): Promise<ModelFolder> => ({
  name,
  folder,
  versions: await listVersions(folder),
});

async function scanOne(repository: string): Promise<ModelFolder[]> {
  const root = resolve(repository);
  return Promise.all((await listFolders(root)).map((name) => readModelFolder(name, join(root, name))));
}

const heldTwice = (name: string, one: string, other: string): Problem => ({
  where: '--model-repository',
  what: `model '${name}' is in two repositories: ${one} and ${other}`,
  hint: 'rename or remove one of the folders',
});

/**
 * All models of all repositories, ordered by name.
 * Throws PerfTsError BAD_OPTION for repositories that cannot be read and for a name that two of them hold.
 */
export async function scanRepositories(repositories: readonly string[]): Promise<readonly ModelFolder[]> {
  const scans = await Promise.allSettled(repositories.map(scanOne));
  const problems: Problem[] = [];
  const found = new Map<string, ModelFolder>();
  for (const [index, scan] of scans.entries()) {
    if (scan.status === 'rejected') {
      problems.push(unreadable(repositories[index]!, scan.reason));
      continue;
    }
    for (const model of scan.value) {
      const other = found.get(model.name);
      if (other === undefined) found.set(model.name, model);
      else problems.push(heldTwice(model.name, other.folder, model.folder));
    }
  }
  if (problems.length > 0) throw new PerfTsError('BAD_OPTION', problems);
  return [...found.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

/**
 * The folder of one model, or undefined. The name is compared with what a repository lists and never made into a path
 * before, so that no name leads out of the repositories.
 * Throws PerfTsError BAD_FILE for repositories that cannot be read and for a name that two of them hold.
 */
export async function findModelFolder(repositories: readonly string[], name: string): Promise<ModelFolder | undefined> {
  const folders: string[] = [];
  for (const repository of repositories) {
    const root = resolve(repository);
    try {
      if (!isHidden(name) && (await readdir(root)).includes(name) && (await isFolder(join(root, name)))) {
        folders.push(join(root, name));
      }
    } catch (thrown) {
      throw new PerfTsError('BAD_FILE', unreadable(repository, thrown), thrown);
    }
  }
  if (folders.length > 1) throw new PerfTsError('BAD_FILE', heldTwice(name, folders[0]!, folders[1]!));
  return folders[0] === undefined ? undefined : readModelFolder(name, folders[0]);
}

/** The names of all models there are now; a repository that cannot be read has none. Synchronous: an index is rare and short. */
export function listModelNames(repositories: readonly string[]): readonly string[] {
  const names = repositories.flatMap((repository) => {
    const root = resolve(repository);
    try {
      return readdirSync(root).filter(
        (name) => !isHidden(name) && statSync(join(root, name), { throwIfNoEntry: false })?.isDirectory() === true,
      );
    } catch {
      return [];
    }
  });
  return [...new Set(names)].sort();
}
