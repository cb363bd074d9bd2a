/**
 * The POSIX shared-memory regions that clients have registered. Regions are read and written with pread and pwrite on
 * their descriptor, never mapped: a client that truncates a mapped region would end this process with SIGBUS, and no
 * check of its size beforehand could rule that out. The price is one more copy. Refusals are in Triton's words.
 */
import { closeSync, constants, fstatSync, openSync, readSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { PerfTsError } from '../../src/common/errors.js';
import { BufferPool } from '../../src/http2/buffer-pool.js';
import { ProtocolError } from '../../src/kserve/protocol-error.js';
import type { SharedMemoryReference } from '../../src/kserve/tensor.js';

/** A region as status calls tell of it. */
export interface RegionStatus {
  readonly name: string;
  readonly key: string;
  /** Where the region begins in the shared-memory object. */
  readonly offset: number;
  readonly byte_size: number;
}

/** Where Linux keeps the objects of shm_open. */
const SHARED_MEMORY_FOLDER = '/dev/shm';
const LONGEST_KEY_BYTES = 255;
/** Copies of inputs that wait for their model or are being run. */
const MOST_COPIED_BYTES = 2 ** 30;
const MOST_KEPT_BYTES = 64 * 2 ** 20;
/** Each holds a file descriptor, which connections need too. */
export const MOST_REGIONS = 1024;
const LARGEST_COPY_BYTES = 2 ** 31 - 1;

/** An open region; in use from `retain` to `release`, also after it was unregistered. */
export class SharedMemoryRegion {
  readonly status: RegionStatus;
  readonly #descriptor: number;
  #useCount = 1;

  constructor(status: RegionStatus, descriptor: number) {
    this.status = status;
    this.#descriptor = descriptor;
  }

  retain(): void {
    this.#useCount++;
  }

  release(): void {
    if (--this.#useCount === 0) closeSync(this.#descriptor);
  }

  /** Fills `target` from `offsetBytes` of the region on. Throws ProtocolError where the object has become too short. */
  read(offsetBytes: number, target: Uint8Array): void {
    const { name, offset } = this.status;
    let done = 0;
    while (done < target.byteLength) {
      const count = readSync(this.#descriptor, target, done, target.byteLength - done, offset + offsetBytes + done);
      if (count === 0) throw outOfRegion(name);
      done += count;
    }
  }

  /** Throws ProtocolError where the object has become too short, instead of making it longer. */
  write(offsetBytes: number, source: Uint8Array): void {
    const { name, offset } = this.status;
    const start = offset + offsetBytes;
    if (start + source.byteLength > fstatSync(this.#descriptor).size) throw outOfRegion(name);
    let done = 0;
    while (done < source.byteLength) {
      done += writeSync(this.#descriptor, source, done, source.byteLength - done, start + done);
    }
  }
}

const outOfRegion = (name: string): ProtocolError =>
  new ProtocolError(`Invalid offset + byte size for shared memory region: '${name}'`);

export class SharedMemoryRegions {
  readonly #regions = new Map<string, SharedMemoryRegion>();
  readonly #folder: string;
  readonly #copies = new BufferPool({ maxLentBytes: MOST_COPIED_BYTES, maxKeptBytes: MOST_KEPT_BYTES });

  /** Throws PerfTsError BAD_OPTION on systems other than Linux. */
  constructor(folder = SHARED_MEMORY_FOLDER) {
    if (process.platform !== 'linux') {
      throw new PerfTsError('BAD_OPTION', {
        where: '--allow-client-shm',
        what: 'needs the shared memory of Linux',
        hint: 'leave it out; tensors then travel in the messages',
      });
    }
    this.#folder = folder;
  }

  /** Throws ProtocolError for a known name, and for a key that names no object with that many bytes. */
  register(status: RegionStatus): void {
    const { name, key, offset, byte_size } = status;
    if (name === '') throw new ProtocolError('a shared memory region needs a name');
    if (this.#regions.has(name)) {
      throw new ProtocolError(`shared memory region '${name}' already in manager`, 'ALREADY_EXISTS');
    }
    if (this.#regions.size >= MOST_REGIONS) {
      throw new ProtocolError(`there are ${MOST_REGIONS} shared memory regions already`, 'RESOURCE_EXHAUSTED');
    }
    const descriptor = this.#open(key);
    try {
      const found = fstatSync(descriptor);
      const isWithin = Number.isSafeInteger(offset + byte_size) && offset + byte_size <= found.size;
      if (!found.isFile() || offset < 0 || byte_size <= 0 || !isWithin) {
        throw new ProtocolError(`failed to register shared memory region '${name}': invalid args`);
      }
    } catch (thrown) {
      closeSync(descriptor);
      throw thrown;
    }
    this.#regions.set(name, new SharedMemoryRegion({ name, key, offset, byte_size }, descriptor));
  }

  /** An unknown name is no error, as with Triton. */
  unregister(name: string): void {
    this.#regions.get(name)?.release();
    this.#regions.delete(name);
  }

  unregisterAll(): void {
    for (const name of [...this.#regions.keys()]) this.unregister(name);
  }

  /** One region, or all for an empty name. Throws ProtocolError NOT_FOUND. */
  status(name: string): readonly RegionStatus[] {
    if (name === '') return [...this.#regions.values()].map((region) => region.status);
    const region = this.#regions.get(name);
    if (region !== undefined) return [region.status];
    throw new ProtocolError(`Unable to find system shared memory region: '${name}'`, 'NOT_FOUND');
  }

  /**
   * The region that `reference` lies in, which the caller has to release. Throws ProtocolError NOT_FOUND for an unknown
   * one and INVALID_ARGUMENT for a stretch that is not all inside.
   */
  retain({ region: name, offsetBytes, byteSize }: SharedMemoryReference): SharedMemoryRegion {
    const region = this.#regions.get(name);
    if (region === undefined) throw new ProtocolError(`Unable to find shared memory region: '${name}'`, 'NOT_FOUND');
    const end = offsetBytes + byteSize;
    if (offsetBytes < 0 || byteSize < 0 || !Number.isSafeInteger(end) || end > region.status.byte_size) {
      throw outOfRegion(name);
    }
    region.retain();
    return region;
  }

  /** Memory for a copy, to be given back with `returnCopy`. Throws ProtocolError when too much is in use. */
  lendCopy(byteSize: number): Buffer {
    const buffer = byteSize > LARGEST_COPY_BYTES ? undefined : this.#copies.lend(byteSize);
    if (buffer !== undefined) return buffer;
    throw new ProtocolError('requests in shared memory take too much memory at the moment', 'RESOURCE_EXHAUSTED');
  }

  returnCopy(buffer: Buffer): void {
    this.#copies.takeBack(buffer);
  }

  /**
   * The rules of shm_open: one slash before the name at most, none in it. No link is followed, and nothing that could
   * block is waited for.
   */
  #open(key: string): number {
    const name = key.startsWith('/') ? key.slice(1) : key;
    const isName =
      name !== '' &&
      !/[/\0]/.test(name) &&
      name !== '.' &&
      name !== '..' &&
      Buffer.byteLength(name) <= LONGEST_KEY_BYTES;
    try {
      if (!isName) throw new Error('no name of a shared-memory object');
      return openSync(join(this.#folder, name), constants.O_RDWR | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    } catch {
      throw new ProtocolError(`Unable to open shared memory region: '${key}'`, 'INTERNAL');
    }
  }
}
