/**
 * Temporary folders say which process they belong to, so that those of a process that was killed can be removed by the
 * next one, and those of a living one never are.
 */
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { processExists } from './process-exists.js';

const OWNER_FILE = 'owner.json';

interface Owner {
  readonly processId: number;
  /** Process numbers of another host or container, which may share the folder, say nothing here. */
  readonly host: string;
}

/**
 * A new folder of this process among the system's temporary ones, once those that killed processes left under the same
 * prefix are gone. It is the caller's to remove. Throws as the file system does.
 */
export async function makeTemporaryFolder(prefix: string): Promise<string> {
  await removeOrphans(tmpdir(), prefix);
  const folder = await mkdtemp(join(tmpdir(), prefix));
  await claimFolder(folder);
  return folder;
}

/** Writes into `folder` that it is this process's. */
export async function claimFolder(folder: string): Promise<void> {
  const owner: Owner = { processId: process.pid, host: hostname() };
  await writeFile(join(folder, OWNER_FILE), `${JSON.stringify(owner)}\n`);
}

/**
 * Removes the folders of `parent` whose names begin with `prefix` and whose process is gone. What has no owner may just
 * have been made, and stays; what cannot be read or removed is someone else's to clear.
 */
export async function removeOrphans(parent: string, prefix: string): Promise<void> {
  const names = await readdir(parent).catch((): string[] => []);
  for (const name of names.filter((candidate) => candidate.startsWith(prefix))) {
    const folder = join(parent, name);
    const owner = await readOwner(folder);
    if (owner === undefined || owner.host !== hostname() || processExists(owner.processId)) continue;
    await rm(folder, { recursive: true, force: true }).catch(() => undefined);
  }
}

async function readOwner(folder: string): Promise<Owner | undefined> {
  try {
    const found = JSON.parse(await readFile(join(folder, OWNER_FILE), 'utf8')) as Partial<Owner>;
    const { processId, host } = found;
    return Number.isSafeInteger(processId) && typeof host === 'string' ? { processId: processId!, host } : undefined;
  } catch {
    return undefined;
  }
}
