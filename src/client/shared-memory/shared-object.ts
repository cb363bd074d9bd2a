/**
 * A POSIX shared-memory object of this process. Linux keeps them as files in /dev/shm, where shm_open looks too, so
 * they are written and read as files: nothing is mapped here, and no native code is needed.
 */
import { closeSync, constants, openSync, readdirSync, readSync, unlinkSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf, PerfTsError, systemCodeOf } from '../../common/errors.js';

const FOLDER = '/dev/shm';
const ZEROS_BYTES = 1 << 20;
const where = '--shared-memory';

export class SharedObject {
  /** What a server is told to open. */
  readonly key: string;
  readonly byteSize: number;
  readonly #path: string;
  readonly #descriptor: number;
  #isNamed = true;

  /**
   * `name` is unique and has no slash. All memory is taken at once, because a server would be ended by a signal when it
   * writes where none is left. Throws PerfTsError BAD_OPTION.
   */
  constructor(name: string, byteSize: number) {
    if (process.platform !== 'linux') {
      throw new PerfTsError('BAD_OPTION', { where, what: 'needs Linux', hint: 'leave it out' });
    }
    this.key = `/${name}`;
    this.byteSize = byteSize;
    this.#path = join(FOLDER, name);
    try {
      const { O_RDWR, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;
      this.#descriptor = openSync(this.#path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
    } catch (cause) {
      throw new PerfTsError('BAD_OPTION', { where, what: `no shared memory can be made: ${messageOf(cause)}` }, cause);
    }
    this.#fill();
  }

  write(offset: number, bytes: Uint8Array): void {
    let done = 0;
    while (done < bytes.byteLength) {
      done += writeSync(this.#descriptor, bytes, done, bytes.byteLength - done, offset + done);
    }
  }

  /** A copy of what is there now. */
  read(offset: number, byteSize: number): Uint8Array {
    const bytes = new Uint8Array(byteSize);
    let done = 0;
    while (done < byteSize) {
      const count = readSync(this.#descriptor, bytes, done, byteSize - done, offset + done);
      if (count === 0) throw new RangeError('the answer lies beyond the shared memory');
      done += count;
    }
    return bytes;
  }

  /** Takes the name away; whoever has the object open keeps it. From then on nothing is left behind, however perf-ts ends. */
  unlink(): void {
    if (!this.#isNamed) return;
    this.#isNamed = false;
    unlinkSync(this.#path);
  }

  close(): void {
    this.unlink();
    closeSync(this.#descriptor);
  }

  #fill(): void {
    const zeros = new Uint8Array(Math.min(ZEROS_BYTES, this.byteSize));
    try {
      for (let at = 0; at < this.byteSize; at += zeros.byteLength) {
        this.write(at, zeros.subarray(0, Math.min(zeros.byteLength, this.byteSize - at)));
      }
    } catch (cause) {
      this.close();
      const isFull = systemCodeOf(cause) === 'ENOSPC';
      const size = `${Math.ceil(this.byteSize / 2 ** 20)} MiB`;
      const what = `${size} of shared memory cannot be had: ${isFull ? `${FOLDER} is full` : messageOf(cause)}`;
      const hint = 'use smaller batches, fewer workers or a smaller --output-shared-memory-size';
      throw new PerfTsError('BAD_OPTION', { where, what, hint }, cause);
    }
  }
}

/** Takes away every object whose name begins with `prefix`, such as those of a worker that has died. Never throws. */
export function removeSharedObjects(prefix: string): void {
  try {
    for (const name of readdirSync(FOLDER)) if (name.startsWith(prefix)) unlinkSync(join(FOLDER, name));
  } catch {
    // Somebody else was faster, or there is no such folder: nothing is left either way.
  }
}
