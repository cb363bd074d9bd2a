/** Reads the text files that people name: bounded in size, and every fault in words. */
import { open } from 'node:fs/promises';
import { messageOf, PerfTsError, systemCodeOf } from './errors.js';

export interface TextFileOptions {
  /** A larger file is refused without being read whole; pipes and devices too. */
  readonly mostBytes: number;
  /** What to do when there is no such file. */
  readonly hint?: string;
}

const PIECE_BYTES = 2 ** 18;

/** The file's text. Throws PerfTsError BAD_FILE when it is absent, unreadable, a folder, too large or not UTF-8. */
export async function readTextFile(path: string, options: TextFileOptions): Promise<string> {
  const bytes = await readBounded(path, options.mostBytes).catch((cause: unknown) => {
    throw cause instanceof PerfTsError ? cause : unreadable(path, cause, options.hint);
  });
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new PerfTsError('BAD_FILE', { where: path, what: 'is not UTF-8 text' }, cause);
  }
}

async function readBounded(path: string, mostBytes: number): Promise<Uint8Array> {
  const file = await open(path, 'r');
  try {
    const pieces: Uint8Array[] = [];
    let sizeBytes = 0;
    for (;;) {
      const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(PIECE_BYTES), 0, PIECE_BYTES, null);
      if (bytesRead === 0) return Buffer.concat(pieces);
      pieces.push(buffer.subarray(0, bytesRead));
      sizeBytes += bytesRead;
      if (sizeBytes > mostBytes) {
        const what = `takes more than ${mostBytes / 2 ** 20} MiB, the most that is read`;
        throw new PerfTsError('BAD_FILE', { where: path, what });
      }
    }
  } finally {
    await file.close();
  }
}

function unreadable(path: string, cause: unknown, hint: string | undefined): PerfTsError {
  const code = systemCodeOf(cause);
  const what =
    code === 'ENOENT'
      ? 'no such file'
      : code === 'EISDIR'
        ? 'is a folder, not a file'
        : `cannot be read: ${messageOf(cause)}`;
  const problem = { where: path, what };
  return new PerfTsError('BAD_FILE', hint === undefined ? problem : { ...problem, hint }, cause);
}
