/** A sweep file as a person names it: a path here, or one of the files that ship with perf-ts. */
import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { packageRoot } from '../common/package-root.js';

/** `name` itself where it exists or nothing else fits; else `quick`, `quick.yaml` or `sweeps/quick.yaml` that ships. */
export function findSweepFile(name: string): string {
  if (existsSync(name)) return name;
  const isShippedName = /^(sweeps\/)?[\w-]+(\.yaml)?$/.test(name);
  const shipped = join(packageRoot, 'sweeps', `${basename(name, '.yaml')}.yaml`);
  return isShippedName && existsSync(shipped) ? shipped : name;
}
