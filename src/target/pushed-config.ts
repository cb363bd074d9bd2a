/**
 * The note that a model of somebody's server runs with a config of ours: written before the first push, removed once
 * the server has its own config again. A run that was killed leaves it for the next one, or for its guardian.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { messageOf, PerfTsError, systemCodeOf } from '../common/errors.js';
import { processExists } from '../common/process-exists.js';
import { stateFolder } from '../common/user-folders.js';
import { modelConfigFromJson } from '../model-config/json-form.js';
import type { ModelConfig } from '../model-config/model-config.js';

/** A process by its number and, where the system tells, the instant it began: numbers are used again. */
const processSchema = z.object({ id: z.number().int(), startedTicks: z.string().nullable() });
export type ProcessMark = z.infer<typeof processSchema>;

const noteSchema = z.object({
  schema: z.literal('perf-ts/pushed@1'),
  /** `host:port` as it was typed. */
  endpoint: z.string(),
  protocol: z.enum(['grpc', 'http']),
  model: z.string(),
  /** What the server said before the first push. */
  config: z.record(z.string(), z.unknown()),
  /** Whether the model was loaded then; one that was not is unloaded again. */
  wasLoaded: z.boolean(),
  /** The run that pushes. */
  owner: processSchema,
  /** The process that undoes it when the owner dies; null before it was started. */
  guardian: processSchema.nullable(),
});

export type PushedConfig = Omit<z.infer<typeof noteSchema>, 'config'> & { readonly config: ModelConfig };

const FOLDER = 'pushed';

/** Where the note about a model of a server lies; the same for every run. */
export function noteFile({ endpoint, model }: Pick<PushedConfig, 'endpoint' | 'model'>): string {
  const key = createHash('sha256')
    .update(`${normalizeEndpoint(endpoint)} ${model}`)
    .digest('hex')
    .slice(0, 16);
  return stateFolder(FOLDER, `${key}.json`);
}

/** On disk when it returns. Throws PerfTsError OUTPUT_UNWRITABLE, because without it nothing may be pushed. */
export async function writeNote(note: PushedConfig): Promise<void> {
  const path = noteFile(note);
  const unfinished = `${path}.${process.pid}.tmp`;
  try {
    await mkdir(stateFolder(FOLDER), { recursive: true, mode: 0o700 });
    const file = await open(unfinished, 'w', 0o600);
    try {
      await file.writeFile(`${JSON.stringify(note, null, 2)}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(unfinished, path);
  } catch (cause) {
    await rm(unfinished, { force: true }).catch(() => undefined);
    const what = `cannot keep what has to be undone on the server: ${messageOf(cause)}`;
    const hint = 'PERF_TS_STATE names another folder';
    throw new PerfTsError('OUTPUT_UNWRITABLE', { where: path, what, hint }, cause);
  }
}

export const removeNote = (note: Pick<PushedConfig, 'endpoint' | 'model'>): Promise<void> =>
  rm(noteFile(note), { force: true });

/** Undefined where there is none, or none that can be read: it was then not written by a run that pushed anything. */
export async function readNote(path: string): Promise<PushedConfig | undefined> {
  try {
    const note = noteSchema.parse(JSON.parse(await readFile(path, 'utf8')));
    return { ...note, config: modelConfigFromJson(note.config, path) };
  } catch (thrown) {
    if (systemCodeOf(thrown) === 'ENOENT') return undefined;
    if (thrown instanceof SyntaxError || thrown instanceof z.ZodError || thrown instanceof PerfTsError)
      return undefined;
    throw thrown;
  }
}

/** Notes about servers on the host of `endpoint`, whichever of their ports a run had used. */
export async function findNotes(endpoint: string): Promise<readonly PushedConfig[]> {
  const names = await readdir(stateFolder(FOLDER)).catch(() => []);
  const files = names.filter((name) => name.endsWith('.json')).map((name) => stateFolder(FOLDER, name));
  const notes = await Promise.all(files.map(readNote));
  return notes.filter((note) => note !== undefined).filter((note) => hostOf(note.endpoint) === hostOf(endpoint));
}

/** This process. */
export const ownMark = (): ProcessMark => markOf(process.pid);

export const markOf = (id: number): ProcessMark => ({ id, startedTicks: startOf(id) });

/** Whether that very process is still there. */
export function isAlive({ id, startedTicks }: ProcessMark): boolean {
  return processExists(id) && (startedTicks === null || startOf(id) === startedTicks);
}

/** Start of a process in the system's ticks, on Linux; a process that only waits to be collected has ended. */
function startOf(id: number): string | null {
  try {
    const text = readFileSync(join('/proc', String(id), 'stat'), 'utf8');
    // The name in brackets may hold anything; the fields behind it are plain: state first, start as the 20th.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? null : (fields[19] ?? null);
  } catch {
    return null;
  }
}

const LOOPBACK = /^(localhost|127(\.\d+){3}|\[?::1\]?)$/i;

function hostOf(endpoint: string): string {
  const host = endpoint.slice(0, endpoint.lastIndexOf(':')).toLowerCase();
  return LOOPBACK.test(host) ? 'localhost' : host;
}

/** The names of one place give one text. */
export const normalizeEndpoint = (endpoint: string): string =>
  `${hostOf(endpoint)}:${endpoint.slice(endpoint.lastIndexOf(':') + 1)}`;
