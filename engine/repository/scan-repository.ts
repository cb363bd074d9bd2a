/**
 * Finds the models in model repositories: NAME/config.pbtxt (may be missing) and NAME/VERSION/. Looks at names only;
 * what is in the files is the business of `prepare-model.ts`.
 */
import { readdir, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { messageOf, PerfTsError, type Problem, systemCodeOf } from '../../src/common/errors.js';

export interface ModelFolder {
  readonly name: string;
  /** Absolute path. */
  readonly folder: string;
  /** Version folders, as numbers in rising order. */
  readonly versions: readonly number[];
}

/** A version is a folder named by a whole number above 0, without leading zeros. */
const versionName = /^[1-9]\d{0,14}$/;

const isFolder = async (path: string): Promise<boolean> =>
  stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );

/** Names of the folders in `folder`, links to folders included, hidden ones left out. */
async function listFolders(folder: string): Promise<string[]> {
  const names = (await readdir(folder)).filter((name) => !name.startsWith('.')).sort();
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

async function scanOne(repository: string): Promise<ModelFolder[]> {
  const root = resolve(repository);
  const names = await listFolders(root);
  return Promise.all(
    names.map(async (name): Promise<ModelFolder> => {
      const folder = join(root, name);
      const versions = (await listFolders(folder)).filter((entry) => versionName.test(entry)).map(Number);
      return { name, folder, versions: versions.sort((a, b) => a - b) };
    }),
  );
}

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
      else {
        const what = `model '${model.name}' is in two repositories: ${other.folder} and ${model.folder}`;
        problems.push({ where: '--model-repository', what, hint: 'rename or remove one of the folders' });
      }
    }
  }
  if (problems.length > 0) throw new PerfTsError('BAD_OPTION', problems);
  return [...found.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}
