/**
 * perf_analyzer's profile export: the measured requests with their times on the wall clock, one experiment a level, written
 * as the levels finish so that a long run is never held as text. Mean and percentiles out of it are those of the record.
 */
import { type FileHandle, open, unlink } from 'node:fs/promises';
import { messageOf, PerfTsError, systemCodeOf } from '../../common/errors.js';
import { formatBytes } from '../../common/format.js';
import { systemMessage } from '../../common/system-faults.js';
import { loadAmount } from '../../record/load-name.js';
import type { LevelRecord } from '../../record/run-record.js';
import type { SampleColumns } from '../../record/samples-file.js';
import { measuredRows } from './measured-rows.js';
import { type ExportedTensor, tensorsJson } from './tensor-json.js';

/** What went in and out: row n, known by its two instants, had `contents[indices[n]]`. */
export interface ExportedExchanges {
  readonly contents: readonly {
    readonly inputs: readonly ExportedTensor[];
    readonly outputs: readonly ExportedTensor[];
  }[];
  readonly intendedNs: readonly number[];
  readonly receivedNs: readonly number[];
  readonly indices: readonly number[];
}

export interface ProfileExport {
  /** Requests that `exchanges` does not know are listed without inputs and outputs. */
  addLevel(level: LevelRecord, columns: SampleColumns, exchanges?: ExportedExchanges): Promise<void>;
  /** Completes the document with the levels that were finished; without any, the file is taken away again. */
  close(): Promise<void>;
}

/** `auto`: where a request's tensors are small. */
export type ExportedTensors = 'auto' | 'all' | 'none';

export interface ProfileExportOptions {
  /** Must not exist, as with perf_analyzer. */
  readonly path: string;
  /** Wall clock less monotonic clock, nanoseconds. */
  readonly wallOffsetNs: bigint;
  readonly version: string;
  /** `auto` by default. */
  readonly tensors?: ExportedTensors | undefined;
  /** Told a sentence about tensors that are left out, and before a level that makes the file huge. */
  readonly say?: ((sentence: string) => void) | undefined;
}

/** Requests a write. */
const BLOCK = 2000;
/** Text of one request's tensors that `auto` takes for small. */
const SMALL_TENSORS_CHARACTERS = 4096;
/** Of a request without its tensors. */
const BARE_REQUEST_CHARACTERS = 80;
const HUGE_CHARACTERS = 100e6;

/** Makes the file; throws PerfTsError BAD_OPTION where it exists and OUTPUT_UNWRITABLE where it cannot be made. */
export async function createProfileExport(options: ProfileExportOptions): Promise<ProfileExport> {
  const { path, wallOffsetNs, version, tensors = 'auto', say = () => undefined } = options;
  const file = await openNew(path);
  let levelCount = 0;
  let hasSaidLarge = false;
  const guard = <T>(write: () => Promise<T>): Promise<T> =>
    write().catch((cause: unknown) => {
      const hint = 'the file is cut off there; the record of the run has everything but the tensors';
      const what = `cannot be written any further: ${systemMessage(cause)}`;
      throw new PerfTsError('OUTPUT_UNWRITABLE', { where: whereOf(path), what, hint }, cause);
    });
  await guard(() => file.write('{"experiments":['));
  const addLevel: ProfileExport['addLevel'] = async (level, columns, exchanges) => {
    const mode = level.load.kind === 'closed' ? 'concurrency' : 'request_rate';
    const amount = loadAmount(level.load);
    // A rate is a decimal fraction there even where it is whole.
    const value = mode === 'request_rate' && Number.isInteger(amount) ? amount.toFixed(1) : String(amount);
    const experiment = `{"mode":"${mode}","value":${value}}`;
    const { rows, boundariesNs } = measuredRows(level, columns);
    const largest = tensors === 'auto' ? largestExchange(exchanges) : 0;
    const isLeftOut = tensors === 'none' || largest > SMALL_TENSORS_CHARACTERS;
    if (largest > SMALL_TENSORS_CHARACTERS && !hasSaidLarge) {
      hasSaidLarge = true;
      say(
        `${whereOf(path)}: a request's tensors take ${formatBytes(largest)} as text (${formatBytes(largest * rows.length)} for this level), so they are left out; --profile-export-tensors all writes them.`,
      );
    }
    const found = contentsByRow(isLeftOut ? undefined : exchanges);
    const characters = rows.length * BARE_REQUEST_CHARACTERS + found.characters(columns, rows);
    if (characters > HUGE_CHARACTERS) {
      const remedy = isLeftOut ? '' : '; --profile-export-tensors none leaves the tensors out';
      say(`${whereOf(path)}: this level takes about ${formatBytes(characters)}${remedy}.`);
    }
    await file.write(`${levelCount++ === 0 ? '' : ','}{"experiment":${experiment},"requests":[`);
    await writeRequests(file, columns, rows, wallOffsetNs, found.next);
    const boundaries = boundariesNs.map((at) => wallNs(at, wallOffsetNs));
    await file.write(`],"window_boundaries":[${boundaries.join(',')}]}`);
  };
  return {
    addLevel: (level, columns, exchanges) => guard(() => addLevel(level, columns, exchanges)),
    async close() {
      if (levelCount === 0) {
        await file.close();
        return unlink(path);
      }
      await guard(() =>
        file.write(`],"version":${JSON.stringify(version)},"service_kind":"triton","endpoint":""}`),
      ).finally(() => file.close());
    },
  };
}

const whereOf = (path: string): string => `--profile-export-file ${path}`;

async function openNew(path: string): Promise<FileHandle> {
  const where = whereOf(path);
  return open(path, 'wx').catch((cause: unknown) => {
    if (systemCodeOf(cause) === 'EEXIST') {
      const hint = 'name a new file; nothing is overwritten';
      throw new PerfTsError('BAD_OPTION', { where, what: 'exists already', hint }, cause);
    }
    throw new PerfTsError('OUTPUT_UNWRITABLE', { where, what: messageOf(cause) }, cause);
  });
}

/** Nanoseconds of the wall clock are beyond what a double holds exactly. */
const wallNs = (instantNs: number, offsetNs: bigint): string => String(offsetNs + BigInt(Math.round(instantNs)));

/** Of one request; JSON without line breaks. */
interface ContentsText {
  readonly inputs: string;
  readonly outputs: string;
}

type FindContents = (intendedNs: number, receivedNs: number) => ContentsText;

interface FoundContents {
  /** Requests with the same two instants are told in the order in which they came. */
  readonly next: FindContents;
  /** Length of the text for so many rows, without telling any. */
  characters(columns: SampleColumns, rows: Uint32Array): number;
}

const nothing: ContentsText = { inputs: '', outputs: '' };

const textOf = ({ inputs, outputs }: ExportedExchanges['contents'][number]): ContentsText => ({
  inputs: `"request_inputs":${tensorsJson(inputs)},`,
  outputs: `,"response_outputs":[${tensorsJson(outputs)}]`,
});

const lengthOf = ({ inputs, outputs }: ContentsText): number => inputs.length + outputs.length;

/** Text of the request whose tensors have the most bytes. */
function largestExchange(exchanges: ExportedExchanges | undefined): number {
  const bytesOf = ({ inputs, outputs }: ExportedExchanges['contents'][number]): number =>
    [...inputs, ...outputs].reduce((sum, { bytes }) => sum + bytes.byteLength, 0);
  let most: ExportedExchanges['contents'][number] | undefined;
  for (const one of exchanges?.contents ?? []) if (most === undefined || bytesOf(one) > bytesOf(most)) most = one;
  return most === undefined ? 0 : lengthOf(textOf(most));
}

function contentsByRow(exchanges: ExportedExchanges | undefined): FoundContents {
  const texts = (exchanges?.contents ?? []).map(textOf);
  const waiting = new Map<string, number[]>();
  const keyOf = (intendedNs: number, receivedNs: number): string => `${intendedNs} ${receivedNs}`;
  for (const [row, index] of (exchanges?.indices ?? []).entries()) {
    const key = keyOf(exchanges!.intendedNs[row]!, exchanges!.receivedNs[row]!);
    const others = waiting.get(key);
    if (others === undefined) waiting.set(key, [index]);
    else others.push(index);
  }
  return {
    next(intendedNs, receivedNs) {
      const index = waiting.get(keyOf(intendedNs, receivedNs))?.shift();
      return index === undefined ? nothing : texts[index]!;
    },
    characters({ intendedNs, receivedNs }, rows) {
      if (texts.length === 0) return 0;
      return rows.reduce((sum, row) => {
        const index = waiting.get(keyOf(intendedNs[row]!, receivedNs[row]!))?.[0];
        return index === undefined ? sum : sum + lengthOf(texts[index]!);
      }, 0);
    },
  };
}

async function writeRequests(
  file: FileHandle,
  columns: SampleColumns,
  rows: Uint32Array,
  offsetNs: bigint,
  contentsOf: FindContents,
): Promise<void> {
  let block: string[] = [];
  let isFirst = true;
  const flush = async (): Promise<void> => {
    if (block.length === 0) return;
    await file.write(`${isFirst ? '' : ','}${block.join(',')}`);
    isFirst = false;
    block = [];
  };
  for (const row of rows) {
    const sent = wallNs(columns.intendedNs[row]!, offsetNs);
    const received = wallNs(columns.receivedNs[row]!, offsetNs);
    const { inputs, outputs } = contentsOf(columns.intendedNs[row]!, columns.receivedNs[row]!);
    block.push(`{"timestamp":${sent},${inputs}"response_timestamps":[${received}]${outputs}}`);
    if (block.length === BLOCK) await flush();
  }
  await flush();
}
