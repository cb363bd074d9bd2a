/** Finds the process that listens on a local port, through Linux's /proc; only processes of the same user can be seen. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

const LISTENING = '0A';

/** The files that are looked through; for tests. */
export interface ProcFiles {
  read(path: string): string | undefined;
  list(path: string): readonly string[];
  link(path: string): string | undefined;
}

const attempt = <T>(get: () => T): T | undefined => {
  try {
    return get();
  } catch {
    return undefined;
  }
};

const procFiles: ProcFiles = {
  read: (path) => attempt(() => readFileSync(path, 'utf8')),
  list: (path) => attempt(() => readdirSync(path)) ?? [],
  link: (path) => attempt(() => readlinkSync(path)),
};

/** Undefined where nothing listens there, another user's process does, or the system has no /proc. */
export function findListener(port: number, files: ProcFiles = procFiles): number | undefined {
  const inodes = new Set(
    ['/proc/net/tcp', '/proc/net/tcp6'].flatMap((table) => inodesOf(files.read(table) ?? '', port)),
  );
  if (inodes.size === 0) return undefined;
  for (const id of files.list('/proc')) {
    if (!/^\d+$/.test(id)) continue;
    for (const descriptor of files.list(`/proc/${id}/fd`)) {
      const inode = /^socket:\[(\d+)\]$/.exec(files.link(`/proc/${id}/fd/${descriptor}`) ?? '')?.[1];
      if (inode !== undefined && inodes.has(inode)) return Number(id);
    }
  }
  return undefined;
}

/** Of sockets that listen on `port`: columns are slot, local address, remote address, state, …, inode. */
function inodesOf(table: string, port: number): string[] {
  return table
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter(([, local = '', , state]) => state === LISTENING && Number.parseInt(local.split(':')[1] ?? '', 16) === port)
    .map((columns) => columns[9] ?? '');
}
