/**
 * Who used the host's CPUs: one look at every process that can be seen under Linux's /proc, told apart into ours (perf-ts, the
 * server where it is here, and whatever they started) and all others. Elsewhere there is nothing to read.
 */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import type { CpuUse } from '../measure/measurement.js';

/** Linux tells CPU time in hundredths of a second, whatever the kernel's own tick. */
const TICK_NS = 1e7;

/** The files that are looked through; for tests. */
export interface ProcessFiles {
  read(path: string): string | undefined;
  /** Ids of the processes that can be seen. */
  list(): readonly number[];
  /** This process's id as /proc has it. */
  self(): number | undefined;
}

const attempt = <T>(get: () => T): T | undefined => {
  try {
    return get();
  } catch {
    return undefined;
  }
};

const processFiles: ProcessFiles = {
  read: (path) => attempt(() => readFileSync(`/proc/${path}`, 'utf8')),
  list: () => (attempt(() => readdirSync('/proc')) ?? []).filter((name) => /^\d+$/.test(name)).map(Number),
  self: () => {
    const id = Number(attempt(() => readlinkSync('/proc/self')));
    return Number.isInteger(id) ? id : undefined;
  },
};

/**
 * What stands between a port and the server behind it, whose processes are then not among its children: container runtimes,
 * tunnels, reverse proxies.
 */
const PROXY =
  /^(docker-proxy|com\.docker|vpnkit|rootless|slirp4netns|pasta|conmon|gvproxy|ssh|kubectl|socat|nginx|haproxy|envoy|traefik|caddy)/;

/** Control groups that hold one server and all that belongs to it. */
const CONTAINER = /docker|containerd|kubepods|libpod|crio|lxc|\.service$/;

interface SeenProcess {
  readonly parent: number;
  readonly name: string;
  readonly ownNs: number;
  /** Of children that have ended and were waited for. */
  readonly childrenNs: number;
}

/**
 * The CPU time of this process, of the server's, where there is one here, and of everything they started, and that of each other
 * process that can be seen. Undefined where ours cannot be seen, as where /proc is that of another process namespace, or where
 * the server's process only passes on: then nothing can be told apart.
 */
export function readCpuUse(serverId: number | undefined, files: ProcessFiles = processFiles): CpuUse | undefined {
  const self = files.self();
  if (self !== process.pid) return undefined;
  const roots = serverId === undefined ? [self] : [self, serverId];
  const seen = new Map<number, SeenProcess>();
  for (const id of files.list()) {
    const found = parseStat(files.read(`${id}/stat`));
    if (found !== undefined) seen.set(id, found);
  }
  if (roots.some((root) => !seen.has(root))) return undefined;
  if (serverId !== undefined && PROXY.test(seen.get(serverId)!.name)) return undefined;
  const ours = new Set([...roots, ...neighboursOf(serverId, self, [...seen.keys()], files)]);
  // A child's id may be smaller than its parent's after ids wrapped around, so until nothing is added.
  for (let size = 0; size < ours.size; ) {
    size = ours.size;
    for (const [id, { parent }] of seen) if (ours.has(parent)) ours.add(id);
  }
  let oursNs = 0;
  const others = new Map<number, { readonly name: string; readonly cpuNs: number }>();
  for (const [id, { name, ownNs, childrenNs }] of seen) {
    // What a child of ours used stays in the sum when it ends.
    if (ours.has(id)) oursNs += ownNs + childrenNs;
    else others.set(id, { name, cpuNs: ownNs });
  }
  const cpus = roots.map((root) => parseCpuList(files.read(`${root}/status`)));
  return { oursNs, others, cpus: cpus.includes(undefined) ? undefined : [...new Set(cpus.flatMap((list) => list!))] };
}

/** The processes in the server's own container or service. */
function neighboursOf(
  serverId: number | undefined,
  self: number,
  ids: readonly number[],
  files: ProcessFiles,
): readonly number[] {
  const group = serverId === undefined ? undefined : files.read(`${serverId}/cgroup`)?.trim();
  if (group === undefined || !CONTAINER.test(group) || group === files.read(`${self}/cgroup`)?.trim()) return [];
  return ids.filter((id) => files.read(`${id}/cgroup`)?.trim() === group);
}

/** The name, which may itself hold spaces and parentheses, stands between the first and the last of these. */
function parseStat(text: string | undefined): SeenProcess | undefined {
  if (text === undefined) return undefined;
  const end = text.lastIndexOf(')');
  const fields = text.slice(end + 2).split(' ');
  const [user, system, childUser, childSystem] = fields.slice(11, 15).map(Number);
  const ownNs = (user! + system!) * TICK_NS;
  const childrenNs = (childUser! + childSystem!) * TICK_NS;
  if (!Number.isFinite(ownNs + childrenNs)) return undefined;
  return { parent: Number(fields[1]), name: text.slice(text.indexOf('(') + 1, end), ownNs, childrenNs };
}

/** `Cpus_allowed_list: 0-3,8`: the CPUs that a process may run on. */
function parseCpuList(status: string | undefined): readonly number[] | undefined {
  const list = /^Cpus_allowed_list:\s*([\d,-]+)$/m.exec(status ?? '')?.[1];
  return list?.split(',').flatMap((part) => {
    const [first = 0, last = first] = part.split('-').map(Number);
    return Array.from({ length: last - first + 1 }, (_, index) => first + index);
  });
}
