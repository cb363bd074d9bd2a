/** The host that a measurement was made on, as far as results depend on it. */
import { readFile } from 'node:fs/promises';
import { availableParallelism, cpus, release, totalmem, type } from 'node:os';
import type { z } from 'zod';
import type { hostSchema } from '../../record/host-record.js';

export type Host = z.infer<typeof hostSchema>;

/** Never fails: what cannot be found out is said to be unknown. Memory and CPUs are those this process may use. */
export async function describeHost(): Promise<Host> {
  const distribution = await readDistribution();
  const kernel = `${type()} ${release()}`;
  // 0 where there is no limit that is known.
  const limit = process.constrainedMemory();
  return {
    os: distribution === undefined ? kernel : `${distribution} (${kernel})`,
    cpu: cpus()[0]?.model.trim().replace(/\s+/g, ' ') || 'unknown',
    cpuCount: availableParallelism(),
    memoryBytes: limit > 0 ? Math.min(limit, totalmem()) : totalmem(),
    node: process.version,
  };
}

/** Such as `Debian GNU/Linux 12 (bookworm)`; undefined on systems without os-release. */
async function readDistribution(): Promise<string | undefined> {
  const text = await readFile('/etc/os-release', 'utf8').catch(() => '');
  return /^PRETTY_NAME="?([^"\n]+)"?$/m.exec(text)?.[1];
}
