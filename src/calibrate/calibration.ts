/**
 * What calibration found on this host, kept in the user's cache folder: for a day one entry for each client, number of workers
 * and size of request, and for a month how the host's speed drifted each time that it was watched.
 */
import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import { clientKinds } from '../client/infer-client.js';
import { packageVersion } from '../common/package-root.js';
import { cacheFolder } from '../common/user-folders.js';
import type { Host } from '../measure/limits/host-fingerprint.js';
import type { HostDrift } from '../measure/statistics/repeat-interval.js';
import { type DriftSession, fitDrift } from './fit-drift.js';

const VALID_MS = 24 * 3600 * 1000;
const DRIFT_VALID_MS = 30 * VALID_MS;
/** Sessions of watching that are kept, the latest. */
const MAX_SESSIONS = 50;
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

const sessionSchema = z.object({
  measuredAt: z.string(),
  durationSec: z.number().positive(),
  lags: z.array(
    z.object({
      lagSec: z.number().positive(),
      semivariance: z.number(),
      pairCount: z.number().int().positive(),
    }),
  ),
});

const fileSchema = z.object({
  schema: z.literal('perf-ts/calibration@1'),
  host: z.string(),
  entries: z.array(entrySchema),
  driftSessions: z.array(sessionSchema).default([]),
});
type CalibrationFile = Pick<z.infer<typeof fileSchema>, 'entries' | 'driftSessions'>;

/** Entries of other hosts, versions of Node or perf-ts say nothing here. */
const hostKey = ({ os, cpu, cpuCount, node }: Host): string =>
  createHash('sha256')
    .update(JSON.stringify([os, cpu, cpuCount, node, packageVersion]))
    .digest('hex')
    .slice(0, 16);

/** Sizes within a factor of four are alike. */
const sizeBucket = (bytes: number): number => Math.ceil(Math.log2(Math.max(SMALLEST_BYTES, bytes)) / 2);

const fileOf = (host: Host): string => cacheFolder('calibration', `${hostKey(host)}.json`);

/** What is kept of this host and not too old at `nowMs`; nothing where there is no usable file. */
async function readFileOf(host: Host, nowMs: number): Promise<CalibrationFile> {
  try {
    const { entries, driftSessions } = fileSchema.parse(JSON.parse(await readFile(fileOf(host), 'utf8')));
    const isYounger =
      (ageMs: number) =>
      ({ measuredAt }: { readonly measuredAt: string }): boolean =>
        nowMs - Date.parse(measuredAt) < ageMs;
    return {
      entries: entries.filter(isYounger(VALID_MS)),
      driftSessions: driftSessions.filter(isYounger(DRIFT_VALID_MS)),
    };
  } catch {
    return { entries: [], driftSessions: [] };
  }
}

async function writeFileOf(host: Host, kept: CalibrationFile): Promise<string> {
  const path = fileOf(host);
  await mkdir(dirname(path), { recursive: true });
  const draft = `${path}.${process.pid}`;
  const file = { schema: 'perf-ts/calibration@1', host: hostKey(host), ...kept };
  await writeFile(draft, JSON.stringify(file, undefined, 1));
  await rename(draft, path);
  return path;
}

/** Entries of this host that are not a day old at `nowMs`; none where there is no usable file. */
export const readCalibration = async (host: Host, nowMs = Date.now()): Promise<readonly CalibrationEntry[]> =>
  (await readFileOf(host, nowMs)).entries;

/** How this host drifts, over the sessions of the last month; undefined where nobody watched it. */
export const readDrift = async (host: Host, nowMs = Date.now()): Promise<HostDrift | undefined> =>
  fitDrift((await readFileOf(host, nowMs)).driftSessions);

/** Adds a session and returns the drift over all that are kept. Rejects where the cache folder cannot be written. */
export async function saveDrift(
  host: Host,
  session: DriftSession,
): Promise<{ readonly path: string; readonly drift: HostDrift | undefined }> {
  const { entries, driftSessions } = await readFileOf(host, Date.now());
  const { measuredAt, durationSec, lags } = session;
  const kept = [...driftSessions, { measuredAt, durationSec, lags: [...lags] }].slice(-MAX_SESSIONS);
  return { path: await writeFileOf(host, { entries, driftSessions: kept }), drift: fitDrift(kept) };
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
  const { entries, driftSessions } = await readFileOf(host, Date.now());
  const kept = entries.filter((other) => isAlike(other, entry)).reduce(better, entry);
  const others = entries.filter((other) => !isAlike(other, entry));
  return { path: await writeFileOf(host, { entries: [...others, kept], driftSessions }), kept };
}

const better = (one: CalibrationEntry, other: CalibrationEntry): CalibrationEntry =>
  other.maxRatePerSec > one.maxRatePerSec ? other : one;
