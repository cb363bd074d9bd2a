/**
 * What calibration found on this host, kept in the user's cache folder for a day: one entry for each client, number of
 * workers and size of request.
 */
import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import { clientKinds } from '../client/infer-client.js';
import { packageVersion } from '../common/package-root.js';
import { cacheFolder } from '../common/user-folders.js';
import type { Host } from '../measure/limits/host-fingerprint.js';

const VALID_MS = 24 * 3600 * 1000;
/** Requests up to this size cost a generator the same. */
const SMALLEST_BYTES = 256;

const floorSchema = z.object({ requestRatePerSec: z.number(), p50Ns: z.number(), p99Ns: z.number() });

const entrySchema = z.object({
  client: z.enum(clientKinds),
  workerCount: z.number().int().positive(),
  requestBytes: z.number().int().nonnegative(),
  responseBytes: z.number().int().nonnegative(),
  /** ISO 8601, UTC. */
  measuredAt: z.string(),
  /** Highest rate with a send lag p99 below 1 ms and workers busy for less than 80 % of the time. */
  maxRatePerSec: z.number().positive(),
  /** True where the host was the limit and not the generator, whose own limit may then be higher. */
  isLowerBound: z.boolean().default(false),
  /** Latency against a server that does nothing, at a tenth and at half of that rate. */
  floors: z.object({ tenth: floorSchema, half: floorSchema }),
});
export type CalibrationEntry = z.infer<typeof entrySchema>;

const fileSchema = z.object({
  schema: z.literal('perf-ts/calibration@1'),
  host: z.string(),
  entries: z.array(entrySchema),
});

/** Entries of other hosts, versions of Node or perf-ts say nothing here. */
const hostKey = ({ os, cpu, cpuCount, node }: Host): string =>
  createHash('sha256')
    .update(JSON.stringify([os, cpu, cpuCount, node, packageVersion]))
    .digest('hex')
    .slice(0, 16);

/** Sizes within a factor of four are alike. */
const sizeBucket = (bytes: number): number => Math.ceil(Math.log2(Math.max(SMALLEST_BYTES, bytes)) / 2);

const fileOf = (host: Host): string => cacheFolder('calibration', `${hostKey(host)}.json`);

/** Entries of this host that are not a day old at `nowMs`; none where there is no usable file. */
export async function readCalibration(host: Host, nowMs = Date.now()): Promise<readonly CalibrationEntry[]> {
  try {
    const file = fileSchema.parse(JSON.parse(await readFile(fileOf(host), 'utf8')));
    return file.entries.filter(({ measuredAt }) => nowMs - Date.parse(measuredAt) < VALID_MS);
  } catch {
    return [];
  }
}

export type CalibrationKey = Pick<CalibrationEntry, 'client' | 'workerCount' | 'requestBytes'>;

const isAlike = (entry: CalibrationEntry, { client, workerCount, requestBytes }: CalibrationKey): boolean =>
  entry.client === client &&
  entry.workerCount === workerCount &&
  sizeBucket(entry.requestBytes) === sizeBucket(requestBytes);

/** The latest entry for such requests. */
export const findEntry = (entries: readonly CalibrationEntry[], key: CalibrationKey): CalibrationEntry | undefined =>
  entries.findLast((entry) => isAlike(entry, key));

/**
 * Adds `entry` and returns the file's path and what it now has for such requests: the best of the day, because a busy host makes a
 * generator look worse than it is and never better. Rejects where the cache folder cannot be written.
 */
export async function saveEntry(
  host: Host,
  entry: CalibrationEntry,
): Promise<{ readonly path: string; readonly kept: CalibrationEntry }> {
  const path = fileOf(host);
  const entries = await readCalibration(host);
  const kept = entries.filter((other) => isAlike(other, entry)).reduce(better, entry);
  const others = entries.filter((other) => !isAlike(other, entry));
  const file = { schema: 'perf-ts/calibration@1', host: hostKey(host), entries: [...others, kept] };
  await mkdir(dirname(path), { recursive: true });
  const draft = `${path}.${process.pid}`;
  await writeFile(draft, JSON.stringify(file, undefined, 1));
  await rename(draft, path);
  return { path, kept };
}

const better = (one: CalibrationEntry, other: CalibrationEntry): CalibrationEntry =>
  other.maxRatePerSec > one.maxRatePerSec ? other : one;
