/**
 * A lock that only one process at a time can hold: a file that is there whole or not at all and names its holder, so
 * that a lock whose holder has died does not stand for ever. Processes that cannot be seen from here, on another host or
 * in another container, count as alive.
 */
import { randomUUID } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { link, readFile, rm, writeFile } from 'node:fs/promises';
import { hostname, userInfo } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { systemCodeOf } from './errors.js';
import { processExists } from './process-exists.js';

/** How often the lock is tried while it is free, or its holder dead, and what another takes to remove a dead one's. */
const MAX_ATTEMPTS = 20;
const REMOVAL_MS = 5;

export interface LockHolder {
  readonly processId: number;
  readonly user: string;
  readonly host: string;
  /** The kernel's run: another one of the same host has no process of this. Empty where the system does not say. */
  readonly boot: string;
  /** Tells containers of one host apart, whose process numbers have nothing to do with each other. */
  readonly container: string;
  /** Tells a process from a later one of the same number; empty where the system does not say. */
  readonly startedAt: string;
  /** When the lock was taken, ISO 8601. */
  readonly since: string;
  readonly token: string;
}

export type LockOutcome =
  | { readonly state: 'taken'; readonly release: () => Promise<void> }
  /** The holder is undefined where the file cannot be read. */
  | { readonly state: 'held'; readonly holder: LockHolder | undefined };

/** Takes the lock unless someone may still hold it. Rejects with the system's error where the file cannot be written. */
export async function tryLock(path: string): Promise<LockOutcome> {
  const own = describeOwn();
  const draft = `${path}.${own.token}`;
  try {
    await writeFile(draft, JSON.stringify(own));
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      if (await claim(draft, path)) return { state: 'taken', release: () => giveBack(path, own.token) };
      const found = await readHolder(path);
      // Given back meanwhile.
      if (found === 'gone') continue;
      // Nobody writes a lock in parts: what cannot be read is another user's, or a broken disk's.
      if (found === 'unreadable') return { state: 'held', holder: undefined };
      if (mayBeAlive(found, own)) return { state: 'held', holder: found };
      await removeStale(path, found);
    }
    return { state: 'held', holder: undefined };
  } finally {
    await rm(draft, { force: true });
  }
}

/** `process 4711 of user ann on host a, since 2026-12-01T14:00:00.000Z`. */
export const describeHolder = (holder: LockHolder | undefined): string =>
  holder === undefined
    ? 'another process'
    : `process ${holder.processId}${holder.user ? ` of user ${holder.user}` : ''} on ${holder.host}${holder.since ? `, since ${holder.since}` : ''}`;

/** Whether its process can be looked at from here; where not, only a person knows whether it has ended. */
export const isVisibleHolder = (holder: LockHolder | undefined): boolean => {
  const { host, boot, container } = describeOwn();
  return holder?.host === host && holder.boot === boot && holder.container === container;
};

function describeOwn(): LockHolder {
  return {
    processId: process.pid,
    user: userName(),
    host: hostname(),
    boot: readQuietly(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()),
    container: readQuietly(() => readlinkSync('/proc/self/ns/pid')),
    startedAt: startOf(process.pid),
    since: new Date().toISOString(),
    token: randomUUID(),
  };
}

/** A user without a name has at least a number. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return String(process.getuid?.() ?? '');
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

async function readHolder(path: string): Promise<LockHolder | 'gone' | 'unreadable'> {
  try {
    const holder: unknown = JSON.parse(await readFile(path, 'utf8'));
    return typeof holder === 'object' && holder !== null && 'processId' in holder
      ? (holder as LockHolder)
      : 'unreadable';
  } catch (cause) {
    return systemCodeOf(cause) === 'ENOENT' ? 'gone' : 'unreadable';
  }
}

const isTokenOf = (found: LockHolder | 'gone' | 'unreadable', token: string): boolean =>
  typeof found === 'object' && found.token === token;

/**
 * Removes the lock of a dead holder, by one process at a time: whoever removed it without being alone with it could remove
 * the lock of someone who was faster instead.
 */
async function removeStale(path: string, stale: LockHolder): Promise<void> {
  const removal = await tryLock(`${path}.removal`);
  if (removal.state === 'held') return delay(REMOVAL_MS);
  try {
    if (isTokenOf(await readHolder(path), stale.token)) await rm(path, { force: true });
  } finally {
    await removal.release();
  }
}

async function giveBack(path: string, token: string): Promise<void> {
  if (isTokenOf(await readHolder(path), token)) await rm(path, { force: true });
}

function mayBeAlive(holder: LockHolder, own: LockHolder): boolean {
  // Another host may share the folder, and its processes cannot be seen from here.
  if (holder.host !== own.host) return true;
  // A host that has started anew since has no process of before.
  if (holder.boot && own.boot && holder.boot !== own.boot) return false;
  if (holder.container && holder.container !== own.container) return true;
  if (!processExists(holder.processId)) return false;
  const started = startOf(holder.processId);
  // A process of another user may be hidden.
  return !holder.startedAt || started === '' || started === holder.startedAt;
}

/** Field 22 of /proc/PID/stat (proc(5)); the program's name before it may hold spaces. */
const startOf = (processId: number): string =>
  readQuietly(() => {
    const text = readFileSync(`/proc/${processId}/stat`, 'utf8');
    return text.slice(text.lastIndexOf(')') + 2).split(' ')[19] ?? '';
  });

function readQuietly(read: () => string): string {
  try {
    return read();
  } catch {
    return '';
  }
}
