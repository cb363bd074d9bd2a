/**
 * A lock that only one process at a time can hold: a file that is there whole or not at all and names its holder, so
 * that a lock whose holder has died does not stand for ever.
 */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { PerfTsError, systemCodeOf } from '../common/errors.js';
import { processExists } from '../common/process-exists.js';
import { unwritableData } from './data-fault.js';

/** How often the lock is tried while it is free, or its holder dead, and what another takes to remove a dead one's. */
const MAX_ATTEMPTS = 20;
const REMOVAL_MS = 5;

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
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
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

/**
 * Removes the lock of a dead holder, by one process at a time: whoever removed it without being alone with it could remove
 * the lock of someone who was faster instead.
 */
async function removeStale(path: string, stale: Holder | undefined): Promise<void> {
  let release: () => Promise<void>;
  try {
    release = await takeLock(`${path}.removal`, 'a stale lock cannot be removed');
  } catch (cause) {
    if (cause instanceof PerfTsError && cause.code === 'RUNTIME_UNUSABLE') return delay(REMOVAL_MS);
    throw cause;
  }
  try {
    const now = await readHolder(path);
    if (now?.token === stale?.token) await rm(path, { force: true });
  } finally {
    await release();
  }
}

async function giveBack(path: string, token: string): Promise<void> {
  if ((await readHolder(path))?.token === token) await rm(path, { force: true });
}

function isAlive(holder: Holder): boolean {
  // Another host may share the folder, and its processes cannot be seen from here.
  if (holder.host !== hostname()) return true;
  if (!processExists(holder.processId)) return false;
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
