/**
 * Where this package lies on disk, and where the compiled entry of a worker or child process is. Works the same from
 * `dist/` and, under vitest, from the TypeScript sources (workers then still run the compiled entry).
 */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

function findRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package.json'))) {
    const parent = dirname(folder);
    if (parent === folder) throw new Error('perf-ts: package.json not found above the running code');
    folder = parent;
  }
  return folder;
}

/** Absolute path of the package's folder. */
export const packageRoot: string = findRoot();

/** The package's version as in package.json. */
export const packageVersion: string = (
  JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')) as { version: string }
).version;

/** URL of a compiled module, given as its source path without extension, for example `src/load/load-worker`. */
export const compiledEntry = (modulePath: string): URL => pathToFileURL(join(packageRoot, 'dist', `${modulePath}.js`));

/** The command's entry file, to start perf-ts again as a child process. */
export const commandEntry: string = join(packageRoot, 'bin', 'perf-ts.js');

/** The entry file of an engine that stands by until it is told what to serve. */
export const standbyEntry: string = join(packageRoot, 'bin', 'standby.js');
