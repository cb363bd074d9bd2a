/** Tells whether files have changed since they were last looked at, by size, time and inode; contents are not read. */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isVersionName } from '../../src/model-config/version-policy.js';

/** Deeper folders are no part of any model; it also ends a ring of links. */
const DEEPEST = 8;

/** A text that differs whenever a file in `folder` was added, removed or written; `skips` leaves out top-level entries. */
async function printFolder(folder: string, skips: (name: string) => boolean, depth = 0): Promise<string> {
  const names = (await readdir(folder).catch((): string[] => [])).filter((name) => !skips(name)).sort();
  const prints = await Promise.all(
    names.map(async (name) => {
      const path = join(folder, name);
      const found = await stat(path).catch(() => undefined);
      if (found === undefined) return `${name} gone`;
      if (!found.isDirectory()) return `${name} ${found.size} ${found.mtimeMs} ${found.ino}`;
      return depth >= DEEPEST ? name : `${name} (${await printFolder(path, () => false, depth + 1)})`;
    }),
  );
  return prints.join('\n');
}

/** Of everything in a model's folder. */
export const printModel = (folder: string): Promise<string> => printFolder(folder, () => false);

/** Of what one version is loaded from, the configuration left out: that is compared by its meaning. */
export async function printVersion(folder: string, version: string): Promise<string> {
  const shared = printFolder(folder, (name) => isVersionName(name) || name === 'config.pbtxt' || name === 'configs');
  const own = printFolder(join(folder, version), () => false);
  return (await Promise.all([shared, own])).join('\n--\n');
}
