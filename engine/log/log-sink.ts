/**
 * Where log lines go: collected for a moment and then written together, so that a line costs its caller next to
 * nothing. Trouble with the destination is told once and never reaches who logs.
 */
import { close, openSync, write } from 'node:fs';
import { messageOf, PerfTsError } from '../../src/common/errors.js';

export interface LogSink {
  /** Takes a whole line with its end. */
  add(line: string): void;
  /** Writes what was collected; resolves when it is written. */
  flush(): Promise<void>;
  /** Flushes and lets the destination go. */
  close(): Promise<void>;
}

/** Writes a text; rejects when it cannot. */
export type WriteText = (text: string) => Promise<void>;

export interface BufferedSinkOptions {
  readonly write: WriteText;
  readonly release?: () => Promise<void>;
  /** Told once, when writing fails for the first time. */
  readonly onTrouble?: (reason: string) => void;
}

/** A line is in the file at most this long after it was logged. */
const FLUSH_MS = 100;
/** A destination that is slower than the log loses lines rather than the engine its memory. */
const MOST_WAITING_CHARS = 16 << 20;

/** Collects lines for up to 100 ms. */
export function createBufferedSink({ write: writeText, release, onTrouble }: BufferedSinkOptions): LogSink {
  let waiting: string[] = [];
  let waitingChars = 0;
  let lostCount = 0;
  let timer: NodeJS.Timeout | undefined;
  let writing: Promise<void> = Promise.resolve();
  let isTroubled = false;

  const takeText = (): string => {
    if (lostCount > 0) waiting.push(`(${lostCount} lines were lost here: the log could not be written fast enough)\n`);
    const text = waiting.join('');
    waiting = [];
    waitingChars = 0;
    lostCount = 0;
    return text;
  };
  const writeOut = async (): Promise<void> => {
    const text = takeText();
    if (text === '') return;
    try {
      await writeText(text);
    } catch (thrown) {
      if (!isTroubled) onTrouble?.(messageOf(thrown));
      isTroubled = true;
    }
  };
  const flush = (): Promise<void> => {
    if (timer !== undefined) clearTimeout(timer);
    timer = undefined;
    writing = writing.then(writeOut);
    return writing;
  };
  return {
    add(line) {
      if (waitingChars + line.length > MOST_WAITING_CHARS) {
        lostCount++;
        return;
      }
      waiting.push(line);
      waitingChars += line.length;
      // A pending line must not keep a process alive that has ended otherwise.
      timer ??= setTimeout(() => void flush(), FLUSH_MS).unref();
    },
    flush,
    async close() {
      await flush();
      await release?.();
    },
  };
}

/**
 * Appends to a file, made where there is none. Throws PerfTsError BAD_OPTION when it cannot be opened.
 */
export function openFileSink(file: string, onTrouble: (reason: string) => void): LogSink {
  let descriptor: number;
  try {
    descriptor = openSync(file, 'a');
  } catch (thrown) {
    const hint = 'name a file in a folder that exists and can be written';
    throw new PerfTsError(
      'BAD_OPTION',
      { where: '--log-file', what: `'${file}' cannot be opened: ${messageOf(thrown)}`, hint },
      thrown,
    );
  }
  return createBufferedSink({
    write: (text) => writeAll(descriptor, Buffer.from(text)),
    release: () => new Promise((resolve) => close(descriptor, () => resolve())),
    onTrouble: (reason) => onTrouble(`log file '${file}' cannot be written: ${reason}`),
  });
}

/** The system may take less than it is given. */
async function writeAll(descriptor: number, bytes: Buffer): Promise<void> {
  for (let start = 0; start < bytes.length; ) {
    start += await new Promise<number>((resolve, reject) => {
      write(descriptor, bytes, start, bytes.length - start, null, (failure, written) => {
        if (failure === null) resolve(written);
        else reject(failure);
      });
    });
  }
}
