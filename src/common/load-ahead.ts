/**
 * Loads compiled modules in one go. Node's own way takes several turns of the event loop and calls of other threads for
 * each module, which is most of the time that a command with some hundred modules takes to start.
 */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { Worker, type WorkerOptions } from 'node:worker_threads';
import { compiledEntry, packageRoot } from './package-root.js';

/** From these versions on, Node says nothing when a module is loaded so. */
const isQuiet = (version: string): boolean => {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major === 22 ? minor >= 13 : major === 23 ? minor >= 5 : true;
};

const canLoad =
  Reflect.get(process.features, 'require_module') === true &&
  isQuiet(process.versions.node) &&
  // Sources that a test runner compiles are not those of the build.
  import.meta.url.startsWith(pathToFileURL(join(packageRoot, 'dist')).href);

/**
 * Loads a module, named as for `compiledEntry`, and all that it imports at once, so that the `import()` that follows
 * finds everything there. Not while another `import()` is under way: Node cannot take over what that has begun. What
 * cannot be loaded in this way is left to the `import()` that follows.
 */
export function loadAhead(modulePath: string): void {
  if (!canLoad) return;
  try {
    createRequire(import.meta.url)(fileURLToPath(compiledEntry(modulePath)));
  } catch {
    // The import that follows meets the same, or can do what this cannot.
  }
}

/** A worker thread that runs a compiled module, named as for `compiledEntry`, and loads it in one go where Node can. */
export function startWorker(modulePath: string, options: WorkerOptions): Worker {
  const entry = compiledEntry(modulePath);
  if (!canLoad) return new Worker(entry, options);
  const path = JSON.stringify(fileURLToPath(entry));
  // Nothing else is there whatever kind of script Node takes this for, which the flags of this process decide.
  const script = `process.getBuiltinModule('node:module').createRequire(${path})(${path})`;
  return new Worker(script, { ...options, eval: true });
}
