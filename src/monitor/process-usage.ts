/** CPU time and memory of a local process and its descendants, from Linux's /proc; elsewhere there is nothing to read. */
import { readdirSync, readFileSync } from 'node:fs';

/** Linux tells CPU time in hundredths of a second, whatever the kernel's own tick. */
const TICK_NS = 1e7;
const KIB = 1024;

export interface ProcessUsage {
  /** User and system time since the processes began. */
  readonly cpuNs: number;
  /** Resident sets, summed; what processes share counts in each. */
  readonly residentBytes: number;
}

/** Reads a file under /proc; undefined where it cannot be read. For tests. */
export type ReadProc = (path: string) => string | undefined;

const readProc: ReadProc = (path) => {
  try {
    return readFileSync(`/proc/${path}`, 'utf8');
  } catch {
    return undefined;
  }
};

const listProcesses = (): readonly number[] => {
  try {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map(Number);
  } catch {
    return [];
  }
};

/** `root` and everything that it and its children have started; only `root` where the others cannot be seen. */
export function processTree(
  root: number,
  read: ReadProc = readProc,
  list: () => readonly number[] = listProcesses,
): readonly number[] {
  const parents = new Map(list().map((id) => [id, Number(statFields(read, id)?.[1] ?? 0)]));
  const tree = new Set([root]);
  // A child's id may be smaller than its parent's after ids wrapped around, so until nothing is added.
  for (let size = 0; size < tree.size; ) {
    size = tree.size;
    for (const [id, parent] of parents) if (tree.has(parent)) tree.add(id);
  }
  return [...tree];
}

/** Undefined where none of the processes can be read, because they are gone or the system has no /proc. */
export function readUsage(ids: readonly number[], read: ReadProc = readProc): ProcessUsage | undefined {
  let ticks = 0;
  let residentKib = 0;
  let found = 0;
  for (const id of ids) {
    const fields = statFields(read, id);
    if (fields === undefined) continue;
    found++;
    ticks += Number(fields[11]) + Number(fields[12]);
    residentKib += Number(/^VmRSS:\s+(\d+) kB$/m.exec(read(`${id}/status`) ?? '')?.[1] ?? 0);
  }
  return found === 0 ? undefined : { cpuNs: ticks * TICK_NS, residentBytes: residentKib * KIB };
}

/** The fields after the command's name, which may itself hold spaces and parentheses: state, parent, … */
function statFields(read: ReadProc, id: number): readonly string[] | undefined {
  const text = read(`${id}/stat`);
  return text
    ?.slice(text.lastIndexOf(')') + 2)
    .trim()
    .split(' ');
}
