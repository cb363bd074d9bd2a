/**
 * The journal of a study, `study.jsonl`: a header line, then one finished trial a line, each on disk before the next
 * starts. A study that is resumed adds a header of its own. Whatever moment a process dies at, all lines but the last
 * are whole.
 */
import { type FileHandle, open, readFile, truncate } from 'node:fs/promises';
import { messageOf, PerfTsError, systemCodeOf } from '../common/errors.js';
import { unwritable } from './atomic-file.js';
import { withSpareDescriptors } from './spare-descriptors.js';
import { type TrialRecord, trialRecordSchema } from './study-record.js';

const HEADER_SCHEMA = 'perf-ts/journal@1';

/** First line of a journal, and of each later part: what a resumed study must agree with. */
export interface JournalHeader {
  readonly schema: typeof HEADER_SCHEMA;
  readonly model: string;
  readonly [field: string]: unknown;
}

export interface Journal {
  /** Returns when the line is on disk. Throws OUTPUT_UNWRITABLE. */
  append(entry: JournalHeader | TrialRecord): Promise<void>;
  /** May be called twice. */
  close(): Promise<void>;
}

/** Appends to `path`; the file is made by the first line. */
export function createJournal(path: string): Journal {
  let file: FileHandle | undefined;
  // Appends wait for each other, so that lines never interleave.
  let last: Promise<void> = Promise.resolve();
  const write = async (line: string): Promise<void> => {
    let wholeBytes: number | undefined;
    try {
      file ??= await withSpareDescriptors(() => open(path, 'a'));
      wholeBytes = (await file.stat()).size;
      await file.appendFile(line);
      await file.sync();
    } catch (cause) {
      // A full disk takes part of a line, and the next line would be joined to it.
      if (wholeBytes !== undefined) await file?.truncate(wholeBytes).catch(() => undefined);
      throw unwritable('cannot write the journal', path, cause);
    }
  };
  return {
    append(entry) {
      const next = last.then(() => write(`${JSON.stringify(entry)}\n`));
      last = next.catch(() => undefined);
      return next;
    },
    async close() {
      await last;
      const open = file;
      file = undefined;
      await open?.close();
    },
  };
}

/** What a journal says. */
export interface JournalContent {
  /** At least one; the first is the study's, each further one of a part that resumed it. */
  readonly headers: readonly [JournalHeader, ...JournalHeader[]];
  readonly trials: readonly TrialRecord[];
  /** Bytes of whole lines; what follows was being written when the process died. */
  readonly wholeBytes: number;
}

/**
 * Reads a journal. A last line that is cut off is dropped. Throws PerfTsError BAD_FILE when there is no journal, no whole
 * header, or a line that no version of perf-ts wrote.
 */
export async function readJournal(path: string): Promise<JournalContent> {
  const bytes = await readFile(path).catch((cause: unknown) => {
    const what = systemCodeOf(cause) === 'ENOENT' ? 'no such file: nothing to resume' : messageOf(cause);
    throw new PerfTsError('BAD_FILE', { where: path, what }, cause);
  });
  const headers: JournalHeader[] = [];
  const trials: TrialRecord[] = [];
  let at = 0;
  for (let number = 1; at < bytes.length; number++) {
    const end = bytes.indexOf('\n', at);
    if (end < 0) break;
    const entry = parseLine(bytes.subarray(at, end).toString('utf8'));
    // After a power cut a block of the last line may be missing although its end is there.
    if (entry === undefined && end === bytes.length - 1) break;
    if (isHeader(entry)) headers.push(entry);
    else trials.push(readTrialLine(entry, `${path}:${number}`));
    at = end + 1;
  }
  const [first, ...more] = headers;
  if (first === undefined) {
    throw new PerfTsError('BAD_FILE', { where: path, what: 'holds no whole line: the study ended before it began' });
  }
  return { headers: [first, ...more], trials, wholeBytes: at };
}

function parseLine(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

const isHeader = (entry: unknown): entry is JournalHeader =>
  typeof entry === 'object' && entry !== null && 'schema' in entry && entry.schema === HEADER_SCHEMA;

function readTrialLine(entry: unknown, where: string): TrialRecord {
  const checked = trialRecordSchema.safeParse(entry);
  if (checked.success) return checked.data;
  const [issue] = checked.error.issues;
  const what = `is not a trial: ${issue?.path.map(String).join('.') ?? ''} ${issue?.message ?? ''}`;
  const hint = 'the study was made by another version of perf-ts, or the file was changed; start a new study';
  throw new PerfTsError('BAD_FILE', { where, what, hint }, checked.error);
}

/** Takes off what follows the whole lines, so that the next line begins on its own. */
export async function repairJournal(path: string, { wholeBytes }: JournalContent): Promise<void> {
  try {
    await truncate(path, wholeBytes);
  } catch (cause) {
    throw unwritable('cannot write the journal', path, cause);
  }
}
