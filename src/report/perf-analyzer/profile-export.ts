/**
 * perf_analyzer's profile export: every answered request with its times on the wall clock, one experiment a level,
 * written as the levels finish so that a long run is never held as text.
 */
import { type FileHandle, open, unlink } from 'node:fs/promises';
import { messageOf, PerfTsError, systemCodeOf } from '../../common/errors.js';
import { systemMessage } from '../../common/system-faults.js';
import { loadAmount } from '../../record/load-name.js';
import type { LevelRecord } from '../../record/run-record.js';
import type { SampleColumns } from '../../record/samples-file.js';
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

export interface ProfileExportOptions {
  /** Must not exist, as with perf_analyzer. */
  readonly path: string;
  /** Wall clock less monotonic clock, nanoseconds. */
  readonly wallOffsetNs: bigint;
  readonly version: string;
}

const OK = 1;
/** Requests a write. */
const BLOCK = 2000;

/** Makes the file; throws PerfTsError BAD_OPTION where it exists and OUTPUT_UNWRITABLE where it cannot be made. */
export async function createProfileExport(options: ProfileExportOptions): Promise<ProfileExport> {
  const { path, wallOffsetNs, version } = options;
  const file = await openNew(path);
  let levelCount = 0;
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
    await file.write(`${levelCount++ === 0 ? '' : ','}{"experiment":${experiment},"requests":[`);
    await writeRequests(file, columns, wallOffsetNs, contentsByRow(exchanges));
    const boundaries = windowBoundaries(level, columns).map((at) => wallNs(at, wallOffsetNs));
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

type FindContents = (intendedNs: number, receivedNs: number) => { readonly inputs: string; readonly outputs: string };

/** Requests with the same two instants are told in the order in which they came. */
function contentsByRow(exchanges: ExportedExchanges | undefined): FindContents {
  const texts = (exchanges?.contents ?? []).map(({ inputs, outputs }) => ({
    inputs: `"request_inputs":${tensorsJson(inputs)},`,
    outputs: `,"response_outputs":[${tensorsJson(outputs)}]`,
  }));
  const waiting = new Map<string, number[]>();
  const keyOf = (intendedNs: number, receivedNs: number): string => `${intendedNs} ${receivedNs}`;
  for (const [row, index] of (exchanges?.indices ?? []).entries()) {
    const key = keyOf(exchanges!.intendedNs[row]!, exchanges!.receivedNs[row]!);
    const others = waiting.get(key);
    if (others === undefined) waiting.set(key, [index]);
    else others.push(index);
  }
  return (intendedNs, receivedNs) => {
    const index = waiting.get(keyOf(intendedNs, receivedNs))?.shift();
    return index === undefined ? { inputs: '', outputs: '' } : texts[index]!;
  };
}

async function writeRequests(
  file: FileHandle,
  columns: SampleColumns,
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
  for (let row = 0; row < columns.length; row++) {
    if (columns.outcomes[row] !== OK) continue;
    const sent = wallNs(columns.intendedNs[row]!, offsetNs);
    const received = wallNs(columns.receivedNs[row]!, offsetNs);
    const { inputs, outputs } = contentsOf(columns.intendedNs[row]!, columns.receivedNs[row]!);
    block.push(`{"timestamp":${sent},${inputs}"response_timestamps":[${received}]${outputs}}`);
    if (block.length === BLOCK) await flush();
  }
  await flush();
}

/** Contiguous windows share a boundary; a level without windows is one, from the end of warm-up to the stop. */
function windowBoundaries(level: LevelRecord, { intendedNs, length }: SampleColumns): number[] {
  let beginNs = Number.POSITIVE_INFINITY;
  for (let row = 0; row < length; row++) beginNs = Math.min(beginNs, intendedNs[row]!);
  if (length === 0) return [];
  const windows = level.windowed?.windows ?? [];
  const [first] = windows;
  if (first === undefined) return [beginNs + level.warmupNs, beginNs + level.warmupNs + level.durationNs];
  return [beginNs + first.startNs, ...windows.map(({ endNs }) => beginNs + endNs)];
}
