/**
 * The shared libraries that a provider needs beside its own: found and opened by absolute path before ONNX Runtime asks
 * for them, because wheels put them into folders that the system's loader does not search. What is missing is told
 * with every place that was searched. Linux only; elsewhere the system's loader is left to itself.
 */
import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { messageOf } from '../common/errors.js';
import { readNeededLibraries } from './elf-needed.js';
import { openNativeLibrary } from './native-library.js';
import type { ProviderRow } from './providers/provider-row.js';

export interface MissingLibrary {
  /** Such as `libcublasLt.so.13`. */
  readonly name: string;
  /** Files of the same library in another version that were found instead. */
  readonly otherVersions: readonly string[];
  /** Why one that is there cannot be opened. */
  readonly reason?: string;
}

export interface LibrarySearch {
  readonly missing: readonly MissingLibrary[];
  /** Folders that were searched, before the system's own. */
  readonly folders: readonly string[];
}

/** Opens a library by file or by name; throws when the system cannot. */
export type OpenLibrary = (path: string) => unknown;

/** Of the C library and the like: the system has them, or nothing would run. */
const isSystemLibrary = (name: string): boolean =>
  /^(ld-linux|lib(c|m|dl|rt|pthread|gcc_s|stdc\+\+|util))[.-]/.test(name);

/**
 * Opens what the provider's own library asks for, in an order in which each finds what it needs itself, and looks for
 * what it opens later. Nothing is missing for a provider that is built in or whose library is not there.
 */
export function openProviderLibraries(
  row: ProviderRow,
  ortLibrary: string,
  open: OpenLibrary = openNativeLibrary,
): LibrarySearch {
  const folders = searchFolders(ortLibrary);
  if (row.pluginLibrary === undefined || process.platform !== 'linux') return { missing: [], folders };
  const own = join(dirname(ortLibrary), `lib${row.pluginLibrary}.so`);
  if (!existsSync(own)) return { missing: [], folders };
  const needed = (readNeededLibraries(own) ?? []).filter((name) => !isSystemLibrary(name));
  const wanted = [...needed, ...(row.laterLibraries ?? []).filter((name) => findFile(name, folders) !== undefined)];
  return { missing: openAll(wanted, folders, open), folders };
}

/** Each round opens what it can; a library that waits for another is tried again once something was opened. */
function openAll(names: readonly string[], folders: readonly string[], open: OpenLibrary): readonly MissingLibrary[] {
  let left = [...names];
  for (;;) {
    const failed: { name: string; reason: string }[] = [];
    for (const name of left) {
      try {
        open(findFile(name, folders) ?? name);
      } catch (thrown) {
        failed.push({ name, reason: messageOf(thrown) });
      }
    }
    if (failed.length === 0) return [];
    if (failed.length === left.length) return describeMissing(failed, folders);
    left = failed.map(({ name }) => name);
  }
}

/** A library that is there and cannot be opened most often waits for another, which is then the one to name. */
function describeMissing(
  failed: readonly { readonly name: string; readonly reason: string }[],
  folders: readonly string[],
): readonly MissingLibrary[] {
  const missing = new Map<string, MissingLibrary>();
  for (const { name, reason } of failed) {
    // Without a file name in front the loader means the library that was asked for.
    const root = /(lib[\w+-]*\.so[\w.+-]*): cannot open shared object file/.exec(reason)?.[1] ?? name;
    const isThere = findFile(root, folders) !== undefined;
    const otherVersions = findOtherVersions(root, folders);
    missing.set(root, { name: root, otherVersions, ...(isThere ? { reason } : {}) });
  }
  return [...missing.values()];
}

/** The file of a library, by its full name or the start of one. */
function findFile(name: string, folders: readonly string[]): string | undefined {
  for (const folder of folders) {
    const found = filesIn(folder).find((file) => file === name || file.startsWith(`${name}.`));
    if (found !== undefined) return join(folder, found);
  }
  return undefined;
}

function findOtherVersions(name: string, folders: readonly string[]): readonly string[] {
  const stem = name.replace(/\.so\..*$/, '.so.');
  return folders.flatMap((folder) =>
    filesIn(folder)
      .filter((file) => file.startsWith(stem) && file !== name)
      .map((file) => join(folder, file)),
  );
}

const filesIn = (folder: string): readonly string[] => {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
};

/**
 * Beside ONNX Runtime; where NVIDIA's wheels lie beside its wheel; LD_LIBRARY_PATH; where CUDA and TensorRT are
 * usually installed.
 */
function searchFolders(ortLibrary: string): readonly string[] {
  const own = dirname(ortLibrary);
  const packages = [dirname(dirname(own)), own];
  const wheels = packages.flatMap((folder) => [
    ...filesIn(join(folder, 'nvidia')).map((name) => join(folder, 'nvidia', name, 'lib')),
    join(folder, 'tensorrt_libs'),
  ]);
  const fromEnvironment = (process.env.LD_LIBRARY_PATH ?? '').split(':').filter((folder) => folder !== '');
  const installed = ['/usr/local/cuda/lib64', '/usr/lib/x86_64-linux-gnu', '/usr/lib/aarch64-linux-gnu', '/usr/lib64'];
  return [own, ...wheels, ...fromEnvironment, ...installed].filter((folder) => existsSync(folder));
}

/** A refusal with what is known of missing libraries, which says all that the loader's own complaint does. */
export function withMissing(reason: string, missing: string): string {
  if (missing === '') return reason;
  return /cannot open shared object file/.test(reason) ? missing : `${reason.trim()}; ${missing}`;
}

/** One sentence for people; the empty text when nothing is missing. */
export function describeSearch({ missing, folders }: LibrarySearch): string {
  if (missing.length === 0) return '';
  const told = missing.map(({ name, otherVersions, reason }) => {
    if (reason !== undefined) return `${name} cannot be opened (${reason})`;
    return otherVersions.length === 0
      ? `${name} was not found`
      : `${name} was not found, only ${otherVersions.join(', ')}`;
  });
  return `${told.join('; ')}; searched ${folders.join(', ')} and the system's own folders`;
}
