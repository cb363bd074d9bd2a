/** From a name that a person types to a build of ONNX Runtime. */
import { dirname } from 'node:path';
import { closestWord } from '../common/closest-word.js';
import { PerfTsError } from '../common/errors.js';
import { bundledLibraryPath } from '../onnxruntime/library-path.js';
import { runtimeRecipes } from './recipes.js';
import { type Runtime, readInstalled } from './runtime-store.js';
import { compareVersions } from './wheel-name.js';

export const BUNDLED = 'bundled';

/** The build that comes with perf-ts. Throws PerfTsError RUNTIME_UNUSABLE where there is none for this platform. */
export function bundledRuntime(): Runtime {
  const libraryPath = bundledLibraryPath();
  return {
    name: BUNDLED,
    libraryPath,
    folder: dirname(libraryPath),
    version: undefined,
    apiVersion: undefined,
    providers: undefined,
  };
}

/**
 * The build called `name`: `bundled`, an installed one in full (`openvino-1.24.1`), or by its first word, which is the
 * newest of that kind.
 * @throws PerfTsError BAD_OPTION when there is none, RUNTIME_UNUSABLE when it is damaged.
 */
export function resolveRuntime(name: string): Runtime {
  if (name === BUNDLED) return bundledRuntime();
  const { runtimes, damaged } = readInstalled();
  const kind = runtimes.filter((runtime) => runtime.name === name || familyOf(runtime.name) === name);
  const found = kind.sort((a, b) => compareVersions(b.version, a.version))[0];
  if (found !== undefined) return found;
  const wreck = damaged.find((runtime) => runtime.name === name);
  if (wreck !== undefined) {
    throw new PerfTsError('RUNTIME_UNUSABLE', {
      where: `--runtime ${name}`,
      what: `is damaged: ${wreck.reason}`,
      hint: `'perf-ts runtime remove ${name}', then install it again`,
    });
  }
  throw unknownRuntime(name, [BUNDLED, ...runtimes.map((runtime) => runtime.name)]);
}

/** `openvino` of `openvino-1.24.1`. */
export const familyOf = (name: string): string => name.replace(/-\d[\d.]*$/, '');

function unknownRuntime(name: string, installed: readonly string[]): PerfTsError {
  const recipe = runtimeRecipes.find((candidate) => candidate.name === familyOf(name));
  const near = closestWord(name, [...new Set([...installed, ...installed.map(familyOf)])]);
  const hint =
    recipe !== undefined
      ? `'perf-ts runtime install ${recipe.name}' installs it`
      : near !== undefined
        ? `did you mean '${near}'?`
        : `'perf-ts runtime list' shows what there is: ${installed.join(', ')}`;
  return new PerfTsError('BAD_OPTION', { where: `--runtime ${name}`, what: 'is not installed', hint });
}
