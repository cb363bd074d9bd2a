/** Fills a folder with a runtime's files: members of wheels, whose whole cost is known before the first is fetched. */
import { mkdir, stat, statfs } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { PerfTsError } from '../common/errors.js';
import { formatBytes } from '../common/format.js';
import type { ByteSource } from './byte-source.js';
import { unwritableData } from './data-fault.js';
import { extractMember, keptBytes } from './extract-member.js';
import type { MemberRule } from './recipes.js';
import { broken, readZipDirectory, type ZipMember } from './zip-directory.js';

export interface PlannedFile {
  readonly source: ByteSource;
  readonly member: ZipMember;
  readonly fileName: string;
}

export interface FillProgress {
  /** Compressed bytes here now, those of earlier attempts included. */
  readonly doneBytes: number;
  readonly totalBytes: number;
  /** Of `doneBytes`, what was there at the start. */
  readonly keptBytes: number;
  readonly fileName: string;
}

/** The members that the rules name. Throws PerfTsError BAD_FILE when one that is needed is not there. */
export async function planMembers(source: ByteSource, rules: readonly MemberRule[]): Promise<PlannedFile[]> {
  const members = (await readZipDirectory(source)).filter(({ name }) => !name.endsWith('/'));
  const chosen = new Map<string, ZipMember>();
  for (const { pattern, isRequired } of rules) {
    const found = members.filter(({ name }) => pattern.test(basename(name)));
    if (found.length === 0 && isRequired) throw broken(source, `it holds no file like ${pattern.source}`);
    for (const member of found) if (!chosen.has(basename(member.name))) chosen.set(basename(member.name), member);
  }
  return [...chosen].map(([fileName, member]) => ({ source, member, fileName }));
}

/** @throws PerfTsError OUTPUT_UNWRITABLE when the disk has too little room for the files and what is fetched for them. */
export async function requireRoom(folder: string, files: readonly PlannedFile[]): Promise<void> {
  const needed =
    files.reduce((total, { member }) => total + member.sizeBytes, 0) +
    files.reduce((total, { source, member }) => total + (source.isRemote ? member.compressedBytes : 0), 0);
  const { bavail, bsize } = await statfs(await nearestFolder(folder));
  const free = bavail * bsize;
  if (free >= needed) return;
  throw new PerfTsError('OUTPUT_UNWRITABLE', {
    where: folder,
    what: `the disk is full: ${formatBytes(needed)} are needed and ${formatBytes(free)} are free`,
    hint: 'free some space, or set PERF_TS_DATA to a folder on another disk. Nothing was installed',
  });
}

async function nearestFolder(folder: string): Promise<string> {
  const exists = await stat(folder).then(
    () => true,
    () => false,
  );
  return exists || dirname(folder) === folder ? folder : nearestFolder(dirname(folder));
}

/** Puts every planned file into `folder`. Throws as `extractMember` does. */
export async function fillFolder(
  folder: string,
  files: readonly PlannedFile[],
  partsFolder: string,
  onProgress: (progress: FillProgress) => void,
): Promise<void> {
  await mkdir(folder, { recursive: true }).catch((cause: unknown) => {
    throw unwritableData(folder, cause);
  });
  const kept = await Promise.all(files.map(({ source, member }) => keptBytes(partsFolder, source, member)));
  const allKept = kept.reduce((total, bytes) => total + bytes, 0);
  const totalBytes = files.reduce((total, { member }) => total + member.compressedBytes, 0);
  // Parts that wait for their turn count as done from the start.
  let settled = allKept;
  for (const [index, { source, member, fileName }] of files.entries()) {
    settled -= kept[index]!;
    const before = settled;
    await extractMember(source, member, join(folder, fileName), {
      partsFolder,
      onProgress: (bytes) => onProgress({ doneBytes: before + bytes, totalBytes, keptBytes: allKept, fileName }),
    });
    settled += member.compressedBytes;
  }
}
