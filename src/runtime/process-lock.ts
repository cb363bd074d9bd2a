/**
 * A lock that only one process at a time can hold: a file that is there whole or not at all and names its holder, so
 * that a lock whose holder has died does not stand for ever.
 */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { link, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import { PerfTsError, systemCodeOf } from '../common/errors.js';
import { unwritableData } from './data-fault.js';

interface Holder {
  readonly processId: number;
  readonly host: string;
  /** Tells a process from a later one of the same id; empty where the system does not say. */
  readonly startedAt: string;
  readonly token: string;
}

/**
 * Takes the lock and answers how to give it back.
 * @throws PerfTsError RUNTIME_UNUSABLE, with `what`, when another process holds it.
 */
export async function takeLock(path: string, what: string): Promise<() => Promise<void>> {
  const own: Holder = {
    processId: process.pid,
    host: hostname(),
    startedAt: startOf(process.pid),
    token: randomUUID(),
  };
  const draft = `${path}.${own.token}`;
  try {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(draft, JSON.stringify(own));
    for (let attempt = 0; attempt < 5; attempt++) {
      if (await claim(draft, path)) return () => giveBack(path, own.token);
      const holder = await readHolder(path);
      if (holder !== undefined && isAlive(holder)) throw heldBy(path, what, holder);
      await removeStale(path, holder);
    }
    throw heldBy(path, what, undefined);
  } catch (cause) {
    throw unwritableData(path, cause);
  } finally {
    await rm(draft, { force: true });
  }
}

/** A link appears at once and complete, and never replaces another. */
async function claim(draft: string, path: string): Promise<boolean> {
  try {
    await link(draft, path);
    return true;
  } catch (cause) {
    if (systemCodeOf(cause) === 'EEXIST') return false;
    throw cause;
  }
}

async function readHolder(path: string): Promise<Holder | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as Holder;
  } catch {
    return undefined;
  }
}

/** Moves the dead lock aside; what was moved by mistake, because someone was faster, is put back. */
async function removeStale(path: string, stale: Holder | undefined): Promise<void> {
  const aside = `${path}.${randomUUID()}.stale`;
  try {
    await rename(path, aside);
  } catch {
    return;
  }
  const moved = await readHolder(aside);
  if (moved !== undefined && moved.token !== stale?.token) await claim(aside, path);
  await rm(aside, { force: true });
}

async function giveBack(path: string, token: string): Promise<void> {
  if ((await readHolder(path))?.token === token) await rm(path, { force: true });
}

function isAlive(holder: Holder): boolean {
  // Another host may share the folder, and its processes cannot be seen from here.
  if (holder.host !== hostname()) return true;
  try {
    process.kill(holder.processId, 0);
  } catch (cause) {
    return systemCodeOf(cause) === 'EPERM';
  }
  return holder.startedAt === '' || startOf(holder.processId) === holder.startedAt;
}

/** Field 22 of /proc/PID/stat (proc(5)); the program's name before it may hold spaces. */
function startOf(processId: number): string {
  try {
    const text = readFileSync(`/proc/${processId}/stat`, 'utf8');
    return text.slice(text.lastIndexOf(')') + 2).split(' ')[19] ?? '';
  } catch {
    return '';
  }
}

function heldBy(path: string, what: string, holder: Holder | undefined): PerfTsError {
  const who = holder === undefined ? 'another process' : `process ${holder.processId} on ${holder.host}`;
  return new PerfTsError('RUNTIME_UNUSABLE', {
    what: `${what}: ${who} is at it`,
    where: path,
    hint: 'wait until it has ended, then try again',
  });
}
