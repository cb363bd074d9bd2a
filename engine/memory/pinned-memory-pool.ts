/**
 * The pool of --pinned-memory-pool-byte-size: one stretch of shared memory, page-locked where the system allows, that
 * batch slots are cut from. What does not fit comes from ordinary memory instead, as in tritonserver.
 */
import { FreeList } from './free-list.js';
import { lockPages } from './page-lock.js';
import { type MemoryRegion, ordinaryMemory, type TensorMemory } from './tensor-memory.js';

/** What the gauges nv_pinned_memory_pool_total_bytes and nv_pinned_memory_pool_used_bytes tell. */
export interface PinnedPoolUsage {
  readonly totalBytes: number;
  readonly usedBytes: number;
}

export class PinnedMemoryPool implements TensorMemory {
  /** Why the pool is plain memory, or undefined when it is page-locked. */
  readonly plainReason: string | undefined;
  readonly #buffer: SharedArrayBuffer;
  readonly #list: FreeList;

  /** `lock` returns the reason why memory could not be locked. */
  constructor(totalBytes: number, lock: (bytes: Uint8Array) => string | undefined = lockPages) {
    this.#buffer = new SharedArrayBuffer(totalBytes);
    this.#list = new FreeList(totalBytes);
    this.plainReason = lock(new Uint8Array(this.#buffer));
  }

  usage(): PinnedPoolUsage {
    return { totalBytes: this.#list.totalBytes, usedBytes: this.#list.usedBytes };
  }

  take(byteLength: number): MemoryRegion {
    return this.takePooled(byteLength) ?? ordinaryMemory.take(byteLength);
  }

  takePooled(byteLength: number): MemoryRegion | undefined {
    // A slot that has nothing yet must not hold a line of the pool.
    if (byteLength === 0) return undefined;
    const start = this.#list.take(byteLength);
    if (start === undefined) return undefined;
    let isFree = false;
    return {
      bytes: new Uint8Array(this.#buffer, start, byteLength),
      isPooled: true,
      free: () => {
        if (isFree) throw new Error('a region of the pinned memory pool was freed twice');
        isFree = true;
        this.#list.free(start, byteLength);
      },
    };
  }

  /** For the log: how large, and of which kind. */
  describe(): string {
    const kind = this.plainReason === undefined ? 'page-locked' : `plain, because ${this.plainReason}`;
    return `pinned memory pool of ${this.#list.totalBytes} bytes: ${kind}`;
  }
}
