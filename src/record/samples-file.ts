/**
 * Raw samples of one level in a file. Layout, inside gzip: a 4-byte little-endian length, a JSON header of that many
 * bytes, then the columns of the header one after the other, little-endian, without padding.
 */
import { readFile } from 'node:fs/promises';
import { endianness } from 'node:os';
import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import { z } from 'zod';
import { messageOf, PerfTsError } from '../common/errors.js';
import { writeFileAtomically } from './atomic-file.js';

/** Columns of completed requests: three instants on the host's monotonic clock and how each request ended. */
export interface SampleColumns {
  readonly length: number;
  readonly intendedNs: Float64Array;
  readonly sentNs: Float64Array;
  readonly receivedNs: Float64Array;
  /** 1 ok, 2 error, 3 timeout, 4 cancelled, 5 dropped, 6 unfinished when the level was over. */
  readonly outcomes: Uint8Array;
}

const columnLayout = [
  { name: 'intendedNs', type: 'f64' },
  { name: 'sentNs', type: 'f64' },
  { name: 'receivedNs', type: 'f64' },
  { name: 'outcomes', type: 'u8' },
] as const;

const headerSchema = z.object({
  schema: z.literal('perf-ts/samples@1'),
  length: z.number().int().nonnegative(),
  columns: z.array(z.object({ name: z.string(), type: z.enum(['f64', 'u8']) })),
});

const compress = promisify(gzip);
const decompress = promisify(gunzip);
const bytesOf = (type: 'f64' | 'u8'): number => (type === 'f64' ? 8 : 1);

/** The column's bytes in little-endian order. */
function columnBytes(column: Float64Array | Uint8Array): Buffer {
  const view = Buffer.from(column.buffer, column.byteOffset, column.byteLength);
  return endianness() === 'BE' && column instanceof Float64Array ? Buffer.from(view).swap64() : view;
}

/** Rows in one file: more than a level keeps by itself, and far from the largest buffer that Node allows. */
const MAX_ROWS = 32_000_000;

/** Every so many-th row of columns that are too long for one file. */
function thinned(columns: SampleColumns): SampleColumns {
  const step = Math.ceil(columns.length / MAX_ROWS);
  if (step <= 1) return columns;
  const length = Math.floor(columns.length / step);
  const pick = (column: Float64Array): Float64Array => {
    const picked = new Float64Array(length);
    for (let row = 0; row < length; row++) picked[row] = column[row * step]!;
    return picked;
  };
  const outcomes = new Uint8Array(length);
  for (let row = 0; row < length; row++) outcomes[row] = columns.outcomes[row * step]!;
  return {
    length,
    intendedNs: pick(columns.intendedNs),
    sentNs: pick(columns.sentNs),
    receivedNs: pick(columns.receivedNs),
    outcomes,
  };
}

/** Writes `given` to `path`, every n-th row where there are more than 32 million. Throws PerfTsError OUTPUT_UNWRITABLE. */
export async function writeSamples(path: string, given: SampleColumns): Promise<void> {
  const columns = thinned(given);
  const { length } = columns;
  const header = Buffer.from(JSON.stringify({ schema: 'perf-ts/samples@1', length, columns: columnLayout }));
  const size = Buffer.alloc(4);
  size.writeUInt32LE(header.length);
  const parts = columnLayout.map(({ name }) => columnBytes(columns[name].subarray(0, length)));
  // Level 4: instants hardly compress further, and the next level waits for this.
  const content = await compress(Buffer.concat([size, header, ...parts]), { level: 4 });
  await writeFileAtomically(path, content);
}

/** Reads what `writeSamples` wrote. Throws PerfTsError BAD_FILE for anything else. */
export async function readSamples(path: string): Promise<SampleColumns> {
  try {
    return parseSamples(await decompress(await readFile(path)));
  } catch (cause) {
    const hint = 'samples are the *.columns.gz files in the samples/ folder of a record';
    throw new PerfTsError('BAD_FILE', { what: `not a samples file: ${messageOf(cause)}`, where: path, hint }, cause);
  }
}

function parseSamples(content: Buffer): SampleColumns {
  const bodyStart = 4 + content.readUInt32LE(0);
  const header = headerSchema.parse(JSON.parse(content.toString('utf8', 4, bodyStart)));
  const found = new Map<string, Buffer>();
  let offset = bodyStart;
  for (const { name, type } of header.columns) {
    const end = offset + header.length * bytesOf(type);
    if (end > content.length) throw new Error(`it ends within the column ${name}`);
    found.set(`${name}:${type}`, content.subarray(offset, end));
    offset = end;
  }
  const take = (name: string, type: 'f64' | 'u8'): Buffer => {
    const bytes = found.get(`${name}:${type}`);
    if (bytes === undefined) throw new Error(`the column ${name} is missing`);
    // A copy, because a float column must start at a multiple of 8.
    return Buffer.from(Uint8Array.from(bytes).buffer);
  };
  const floats = (name: string): Float64Array => {
    const bytes = take(name, 'f64');
    if (endianness() === 'BE') bytes.swap64();
    return new Float64Array(bytes.buffer, bytes.byteOffset, header.length);
  };
  return {
    length: header.length,
    intendedNs: floats('intendedNs'),
    sentNs: floats('sentNs'),
    receivedNs: floats('receivedNs'),
    outcomes: new Uint8Array(take('outcomes', 'u8')),
  };
}
