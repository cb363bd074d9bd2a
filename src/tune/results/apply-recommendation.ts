/** Puts a recommended model folder's files into the user's own, after a copy of what they replace. */
import { constants } from 'node:fs';
import { copyFile, readdir, readFile, stat, unlink, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { messageOf, PerfTsError, systemCodeOf } from '../../common/errors.js';
import { writeFileAtomically } from '../../record/atomic-file.js';

export interface Applied {
  /** Files of the user's folder that were replaced or added, relative to it. */
  readonly changed: readonly string[];
  /** Copies of what was replaced, beside their originals, relative to the folder. */
  readonly backups: readonly string[];
}

/** Proves before a study that its result could be put there. Throws PerfTsError OUTPUT_UNWRITABLE. */
export async function checkApplicable(modelFolder: string): Promise<void> {
  const probe = join(modelFolder, `.perf-ts-probe-${process.pid}`);
  try {
    await writeFile(probe, 'writable?');
    await unlink(probe);
  } catch (cause) {
    throw notApplicable('cannot be written, so nothing could be applied', modelFolder, cause);
  }
}

function notApplicable(what: string, where: string, cause: unknown): PerfTsError {
  const reason = cause instanceof PerfTsError ? (cause.problems[0]?.what ?? cause.message) : messageOf(cause);
  const hint = 'leave --apply out: the recommended folder is in the results, to be copied by someone who may';
  return new PerfTsError('OUTPUT_UNWRITABLE', { where, what: `${what}: ${reason}`, hint }, cause);
}

/**
 * Replaces what differs; nothing is removed. Every backup is on disk before the first file is replaced. Throws
 * PerfTsError OUTPUT_UNWRITABLE, after which the backups tell what was there.
 */
export async function applyRecommendation(recommended: string, modelFolder: string, now: Date): Promise<Applied> {
  const differing: string[] = [];
  for (const file of await filesIn(recommended)) {
    if (!(await isSame(join(recommended, file), join(modelFolder, file)))) differing.push(file);
  }
  const suffix = `.before-${now.toISOString().replace(/[-:]/g, '').slice(0, 15)}`;
  const backups: string[] = [];
  for (const file of differing) {
    const path = join(modelFolder, file);
    const isThere = await stat(path).then(
      () => true,
      () => false,
    );
    if (!isThere) continue;
    try {
      await copyFile(path, `${path}${suffix}`, constants.COPYFILE_EXCL);
    } catch (cause) {
      if (systemCodeOf(cause) !== 'EEXIST') throw notApplicable('cannot keep a copy of the file', path, cause);
    }
    backups.push(`${file}${suffix}`);
  }
  for (const file of differing) {
    const content = await readFile(join(recommended, file));
    await writeFileAtomically(join(modelFolder, file), content).catch((cause: unknown) => {
      const kept = backups.length === 0 ? '' : ` (what was there is kept in ${backups.join(', ')})`;
      throw notApplicable(`cannot be replaced${kept}`, join(modelFolder, file), cause);
    });
  }
  return { changed: differing, backups };
}

/** Relative to `folder`, in the order of their names. */
async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath ?? dirname(folder), entry.name)))
    .toSorted();
}

async function isSame(a: string, b: string): Promise<boolean> {
  try {
    const [left, right] = await Promise.all([stat(a), stat(b)]);
    if (left.size !== right.size) return false;
    return (await readFile(a)).equals(await readFile(b));
  } catch (thrown) {
    if (systemCodeOf(thrown) === 'ENOENT') return false;
    throw thrown;
  }
}
