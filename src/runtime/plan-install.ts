/** Decides which files of which wheels make up a build, and which libraries the system already has. */

import { createHash } from 'node:crypto';
import { basename, join, resolve } from 'node:path';
import { appendAll } from '../common/append-all.js';
import { PerfTsError } from '../common/errors.js';
import { type ByteSource, openFileSource } from './byte-source.js';
import { type ChosenWheel, chooseWheel } from './choose-wheel.js';
import { type PlannedFile, planMembers } from './fill-folder.js';
import type { HttpFetch } from './http-fetch.js';
import type { InstallListener, InstallRequest } from './install-runtime.js';
import type { IndexSettings } from './pip-settings.js';
import { anyRuntimeMembers, type LibraryRecipe, type RuntimeRecipe, runtimeRecipes } from './recipes.js';
import { partsFolder } from './runtime-store.js';
import { findCompanions, findLibrary, findTensorRt, librarySearchFolders } from './system-libraries.js';
import { hostPlatform, isWithin, parseWheelName } from './wheel-name.js';
import { openRemoteWheel } from './wheel-source.js';

export interface InstallPlan {
  readonly name: string;
  readonly origin: string;
  readonly packages: readonly { readonly project: string; readonly version: string }[];
  readonly files: readonly PlannedFile[];
  readonly linked: readonly { readonly file: string; readonly path: string }[];
  /** True when there is nothing to do. */
  readonly isInstalled: boolean;
}

export interface PlanContext {
  readonly settings: IndexSettings;
  readonly http: HttpFetch;
  readonly listener: InstallListener;
  readonly isInstalled: (name: string) => boolean;
  /** Gets every wheel that is opened; the caller closes them. */
  readonly opened: ByteSource[];
}

export async function planFromRecipe(request: InstallRequest, context: PlanContext): Promise<InstallPlan> {
  const recipe = runtimeRecipes.find(({ name }) => name === request.what)!;
  const { project, versions } = recipe.package;
  const wheel = await chooseWheel(
    { project, versions, version: request.version },
    context.settings,
    context.http,
    hostPlatform(),
  );
  return planRecipe(recipe, wheel, request, context);
}

/** A wheel of a known project follows its recipe; of any other, all of its libraries are taken. */
export async function planFromWheel(request: InstallRequest, context: PlanContext): Promise<InstallPlan> {
  const path = resolve(request.what);
  const filename = basename(path);
  const wheel = parseWheelName(filename);
  if (wheel === undefined || !wheel.project.startsWith('onnxruntime')) {
    throw new PerfTsError('BAD_FILE', {
      where: request.what,
      what: 'is not a wheel of ONNX Runtime by its name',
      hint: 'wheels are called NAME-VERSION-PYTHON-ABI-PLATFORM.whl; keep the name that it was published under',
    });
  }
  const chosen: ChosenWheel = { ...wheel, filename, place: 'disk', path };
  const recipe = runtimeRecipes.find(
    ({ package: own }) => own.project === wheel.project && isWithin(wheel.version, own.versions),
  );
  if (recipe !== undefined) return planRecipe(recipe, chosen, request, context);
  const name = `${request.name ?? wheel.project}-${wheel.version}`;
  const packages = [{ project: wheel.project, version: wheel.version }];
  const plan = { name, origin: filename, packages, linked: [] };
  if (context.isInstalled(name)) return { ...plan, files: [], isInstalled: true };
  const source = await openWheel(chosen, context);
  return { ...plan, files: await planMembers(source, anyRuntimeMembers), isInstalled: false };
}

async function planRecipe(
  recipe: RuntimeRecipe,
  wheel: ChosenWheel,
  request: InstallRequest,
  context: PlanContext,
): Promise<InstallPlan> {
  const name = `${recipe.name}-${wheel.version}`;
  const plan = { name, origin: wheel.filename };
  if (context.isInstalled(name)) return { ...plan, packages: [], files: [], linked: [], isInstalled: true };
  context.listener.say(`Installing ${name} (${recipe.summary}) from ${wheel.filename}.`);
  const files = await planMembers(await openWheel(wheel, context), recipe.package.members);
  const packages = [{ project: wheel.project, version: wheel.version }];
  const linked: { file: string; path: string }[] = [];
  const folders = recipe.libraries.length === 0 ? [] : librarySearchFolders();
  for (const library of recipe.libraries) {
    if (files.some(({ fileName }) => fileName === library.soname)) continue;
    const path = findLibrary(library.soname, folders);
    if (path !== undefined) {
      appendAll(linked, linksTo(library, path));
      continue;
    }
    const { project, versions } = library;
    const found = await chooseWheel({ project, versions }, context.settings, context.http, hostPlatform());
    appendAll(files, await planMembers(await openWheel(found, context), library.members));
    packages.push({ project, version: found.version });
  }
  if (recipe.libraries.length > 0)
    appendAll(linked, findTensorRtLinks(request.tensorRtFolder, folders, context.listener));
  return { ...plan, packages, files, linked: uniqueByFile(linked), isInstalled: false };
}

const linksTo = ({ members }: LibraryRecipe, path: string): { file: string; path: string }[] =>
  members
    .flatMap(({ pattern }) => findCompanions(path, pattern))
    .map((found) => ({ file: basename(found), path: found }));

const uniqueByFile = <T extends { readonly file: string }>(links: readonly T[]): T[] => [
  ...new Map(links.map((link) => [link.file, link])).values(),
];

/** A folder that the user names must be right; one of the system's that is not is only told of. */
function findTensorRtLinks(
  named: string | undefined,
  folders: readonly string[],
  listener: InstallListener,
): { file: string; path: string }[] {
  const finding = findTensorRt(named === undefined ? folders : [resolve(named), join(resolve(named), 'lib')]);
  if (finding.state === 'usable') {
    listener.say(`TensorRT ${finding.version} from ${finding.folder} goes with it.`);
    return finding.files.map((file) => ({ file, path: join(finding.folder, file) }));
  }
  const reason = finding.state === 'unusable' ? finding.reason : 'it holds no libnvinfer.so';
  if (named !== undefined) {
    const hint = 'name the lib folder of a TensorRT 10 installation';
    throw new PerfTsError('BAD_OPTION', { where: `--tensorrt ${named}`, what: reason, hint });
  }
  listener.say(
    finding.state === 'unusable'
      ? `No TensorRT goes with it: ${finding.reason} (${finding.folder}).`
      : 'No TensorRT on this system goes with it; --tensorrt DIR names one.',
  );
  return [];
}

async function openWheel(wheel: ChosenWheel, context: PlanContext): Promise<ByteSource> {
  const source =
    wheel.place === 'disk' ? await openFileSource(wheel.path, wheel.filename) : await fetchWheel(wheel, context);
  context.opened.push(source);
  return source;
}

function fetchWheel(wheel: Extract<ChosenWheel, { place: 'index' }>, context: PlanContext): Promise<ByteSource> {
  const { http, listener } = context;
  // Two indexes may have different files of one name.
  const identity = `${wheel.filename} ${wheel.file.sha256 ?? wheel.file.url}`;
  const key = createHash('sha256').update(identity).digest('hex').slice(0, 32);
  let isTold = false;
  return openRemoteWheel(wheel.file, {
    http,
    wholeFilePath: join(partsFolder(), `${key}.whl`),
    onWholeFile(doneBytes, totalBytes) {
      if (!isTold && wheel.file.sha256 === undefined)
        listener.say('The server does not answer ranges, so the whole wheel is fetched.');
      isTold = true;
      listener.progress({ doneBytes, totalBytes: totalBytes ?? doneBytes, keptBytes: 0, fileName: wheel.filename });
    },
  });
}
