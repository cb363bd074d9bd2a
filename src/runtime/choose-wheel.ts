/** Chooses the wheel of a project: from folders of wheels first, else from the package indexes, the newest that fits. */
import { readdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { messageOf, PerfTsError } from '../common/errors.js';
import { type HttpFetch, showUrl } from './http-fetch.js';
import { type IndexFile, listProjectFiles } from './package-index.js';
import type { IndexSettings } from './pip-settings.js';
import {
  compareVersions,
  fitsHost,
  type HostPlatform,
  isFinalRelease,
  isWithin,
  parseWheelName,
  type VersionRange,
  type WheelName,
} from './wheel-name.js';

export interface WheelRequest {
  readonly project: string;
  readonly versions: VersionRange;
  /** Exactly this one. */
  readonly version?: string | undefined;
}

export type ChosenWheel = WheelName & { readonly filename: string } & (
    | { readonly place: 'disk'; readonly path: string }
    | { readonly place: 'index'; readonly file: IndexFile }
  );

/**
 * @throws PerfTsError RUNTIME_UNUSABLE when no source has a wheel that fits, telling what each of them had; BAD_OPTION
 * when a folder of wheels cannot be read.
 */
export async function chooseWheel(
  request: WheelRequest,
  settings: IndexSettings,
  http: HttpFetch,
  host: HostPlatform,
): Promise<ChosenWheel> {
  const onDisk = await listFolders(settings.findLinks);
  const local = best(onDisk, request, host);
  if (local !== undefined) return local;
  if (settings.isOffline) {
    throw notFound(request, host, settings.findLinks, onDisk, '--no-index keeps the package index out');
  }
  const offered: ChosenWheel[] = [];
  const asked: string[] = [];
  for (const indexUrl of settings.indexUrls) {
    asked.push(showUrl(indexUrl));
    for (const file of (await listProjectFiles(http, indexUrl, request.project)) ?? []) {
      const wheel = parseWheelName(file.filename);
      const isAsked = !file.isYanked || request.version === wheel?.version;
      if (wheel !== undefined && isAsked) offered.push({ ...wheel, filename: file.filename, place: 'index', file });
    }
  }
  const chosen = best(offered, request, host);
  if (chosen !== undefined) return chosen;
  throw notFound(request, host, [...settings.findLinks, ...asked], [...onDisk, ...offered], undefined);
}

async function listFolders(folders: readonly string[]): Promise<ChosenWheel[]> {
  const lists = await Promise.all(
    folders.map(async (folder) => {
      const names = await readdir(folder).catch((cause: unknown) => {
        throw new PerfTsError('BAD_OPTION', {
          where: `--find-links ${folder}`,
          what: `cannot be read: ${messageOf(cause)}`,
          hint: 'name a folder that holds wheels',
        });
      });
      return names.flatMap((filename): ChosenWheel[] => {
        const wheel = parseWheelName(filename);
        return wheel === undefined
          ? []
          : [{ ...wheel, filename, place: 'disk', path: resolve(join(folder, filename)) }];
      });
    }),
  );
  return lists.flat();
}

/** The newest; among equals the one for the newest Python, whose native libraries are the same. */
function best(wheels: readonly ChosenWheel[], request: WheelRequest, host: HostPlatform): ChosenWheel | undefined {
  const fitting = wheels.filter((wheel) => isAskedFor(wheel, request) && fitsHost(wheel, host));
  const pythonOf = (wheel: ChosenWheel): string => wheel.pythonTag.replace(/\D/g, '').padStart(4, '0');
  fitting.sort(
    (a, b) =>
      compareVersions(b.version, a.version) ||
      pythonOf(b).localeCompare(pythonOf(a)) ||
      a.filename.localeCompare(b.filename),
  );
  return fitting[0];
}

const isAskedFor = (wheel: WheelName, { project, version, versions }: WheelRequest): boolean =>
  wheel.project === project &&
  (version === undefined
    ? isFinalRelease(wheel.version) && isWithin(wheel.version, versions)
    : wheel.version === version);

function notFound(
  request: WheelRequest,
  host: HostPlatform,
  places: readonly string[],
  seen: readonly ChosenWheel[],
  remark: string | undefined,
): PerfTsError {
  const own = seen.filter((wheel) => wheel.project === request.project);
  const versions = [...new Set(own.map((wheel) => wheel.version))].sort(compareVersions);
  const wanted = request.version ?? `${request.versions.low} or later and before ${request.versions.below}`;
  const machine = `${host.platform}-${host.arch}${host.glibc === undefined ? ' without glibc' : ` with glibc ${host.glibc}`}`;
  const found =
    own.length === 0
      ? 'none at all'
      : own.some((wheel) => isAskedFor(wheel, request))
        ? 'only for other systems'
        : `only of ${versions.slice(-6).join(', ')}`;
  return new PerfTsError('RUNTIME_UNUSABLE', {
    what: `no wheel of ${request.project} ${wanted} for ${machine}: found ${found}${remark === undefined ? '' : `; ${remark}`}`,
    where: places.length === 0 ? 'no folder of wheels was named' : places.join(', '),
    hint:
      own.length === 0
        ? 'name a folder that holds it with --find-links DIR, or check pip’s index settings'
        : 'choose another with --release',
  });
}
