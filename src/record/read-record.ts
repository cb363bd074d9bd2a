/** Reads a record from disk and checks it against its schema, so that what comes after may trust every field. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { z } from 'zod';
import { messageOf, PerfTsError, type Problem, systemCodeOf } from '../common/errors.js';
import { readTextFile } from '../common/text-file.js';
import { type RunRecord, runRecordSchema } from './run-record.js';
import { type StudyRecord, studyRecordSchema } from './study-record.js';

/** The file that makes a folder a record of its kind. */
export const recordFiles = { run: 'run.json', study: 'study.json' } as const;
export type RecordKind = keyof typeof recordFiles;

const MOST_PROBLEMS = 10;
/** Records of thousands of levels or trials stay far below. */
const MOST_BYTES = 2 ** 28;
/** What shows a record walks through its free-form parts, such as the model's config. */
const MAX_DEPTH = 64;

/** Reads `run.json`; `path` is that file or its folder. Throws PerfTsError BAD_FILE naming each broken field. */
export const readRun = (path: string): Promise<RunRecord> => readChecked(path, 'run', runRecordSchema);

/** Reads `study.json`; `path` is that file or its folder. Throws PerfTsError BAD_FILE naming each broken field. */
export const readStudy = (path: string): Promise<StudyRecord> => readChecked(path, 'study', studyRecordSchema);

/** Reads a record of either kind. Throws PerfTsError BAD_FILE. */
export async function readRecord(path: string): Promise<RunRecord | StudyRecord> {
  const { file, content } = await readJson(path, ['run', 'study']);
  const kind = schemaName(content)?.startsWith('perf-ts/study@') ? 'study' : 'run';
  return kind === 'study'
    ? check(file, content, 'study', studyRecordSchema)
    : check(file, content, 'run', runRecordSchema);
}

async function readChecked<T>(path: string, kind: RecordKind, schema: z.ZodType<T>): Promise<T> {
  const { file, content } = await readJson(path, [kind]);
  return check(file, content, kind, schema);
}

async function readJson(path: string, kinds: readonly RecordKind[]): Promise<{ file: string; content: unknown }> {
  const file = await recordFileAt(path, kinds);
  const text = await readTextFile(file, { mostBytes: MOST_BYTES });
  try {
    const content: unknown = JSON.parse(text);
    if (isDeeperThan(content, MAX_DEPTH)) throw new Error(`nested deeper than ${MAX_DEPTH} levels`);
    return { file, content };
  } catch (cause) {
    const hint = 'the file may be cut off or not a record; measure again, or name another record';
    throw new PerfTsError('BAD_FILE', { what: `not valid JSON: ${messageOf(cause)}`, where: file, hint }, cause);
  }
}

/** The record file that `path` means: itself, or the first kind that the folder holds. */
async function recordFileAt(path: string, kinds: readonly RecordKind[]): Promise<string> {
  const found = await stat(path).catch((cause: unknown) => {
    throw new PerfTsError('BAD_FILE', missing(path, cause), cause);
  });
  if (!found.isDirectory()) return path;
  const candidates = kinds.map((kind) => join(path, recordFiles[kind]));
  for (const candidate of candidates) {
    if (await stat(candidate).catch(() => undefined)) return candidate;
  }
  const names = kinds.map((kind) => recordFiles[kind]).join(' or ');
  const hint = 'name the folder of one record, such as results/20260131T142501Z-model-1a2b3c';
  throw new PerfTsError('BAD_FILE', { what: `this folder holds no ${names}`, where: path, hint });
}

const missing = (path: string, cause: unknown): Problem =>
  systemCodeOf(cause) === 'ENOENT'
    ? { what: 'no such file or folder', where: path, hint: 'records lie in results/ unless --results moved them' }
    : { what: `cannot be read: ${messageOf(cause)}`, where: path };

/** Level by level, since a call for each level of a hostile file would run out of stack. */
function isDeeperThan(value: unknown, most: number): boolean {
  let level: unknown[] = [value];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > most) return true;
    level = level.flatMap((one) => (one !== null && typeof one === 'object' ? Object.values(one) : []));
  }
  return false;
}

function schemaName(content: unknown): string | undefined {
  const found = content !== null && typeof content === 'object' && 'schema' in content ? content.schema : undefined;
  return typeof found === 'string' ? found : undefined;
}

function check<T>(file: string, content: unknown, kind: RecordKind, schema: z.ZodType<T>): T {
  const foreign = describeForeign(schemaName(content), kind);
  if (foreign) throw new PerfTsError('BAD_FILE', { ...foreign, where: file });
  const result = schema.safeParse(content);
  if (result.success) return result.data;
  const { issues } = result.error;
  const problems: Problem[] = issues.slice(0, MOST_PROBLEMS).map((issue) => ({
    what: `${fieldPath(issue.path)}: ${issue.message}`,
    where: file,
  }));
  const rest = issues.length - problems.length;
  if (rest > 0) problems.push({ what: `and ${rest} more fields are wrong`, where: file });
  throw new PerfTsError('BAD_FILE', problems, result.error);
}

/** What is wrong with a file that is no record of this kind and version, if anything. */
function describeForeign(name: string | undefined, kind: RecordKind): Omit<Problem, 'where'> | undefined {
  const wanted = `perf-ts/${kind}@1`;
  if (name === wanted) return undefined;
  const article = kind === 'run' ? 'the record of a run' : 'the record of a sweep';
  if (name === undefined) return { what: `not ${article}: it has no "schema" field`, hint: `expected "${wanted}"` };
  const isNewer = name.startsWith(`perf-ts/${kind}@`);
  const hint = isNewer ? 'it was written by another version of perf-ts; read it with that one' : `expected "${wanted}"`;
  return { what: `not ${article} that this version reads: its schema is "${name}"`, hint };
}

/** `levels[3].latencyNs.p99` */
function fieldPath(path: readonly PropertyKey[]): string {
  if (path.length === 0) return 'the whole record';
  return path.map((part, i) => (typeof part === 'number' ? `[${part}]` : `${i ? '.' : ''}${String(part)}`)).join('');
}
