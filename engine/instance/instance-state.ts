/** What an instance and the model's thread tell each other beside the batches: to end, and how much memory it holds. */

const STATE_BYTES = 64;
const WORDS = { retired: 0 } as const;
const ARENA_OFFSET = 8;

export class InstanceState {
  readonly buffer: SharedArrayBuffer;
  readonly #words: Int32Array;
  readonly #arenaBytes: Float64Array;

  constructor(buffer: SharedArrayBuffer = new SharedArrayBuffer(STATE_BYTES)) {
    this.buffer = buffer;
    this.#words = new Int32Array(buffer, 0, 1);
    this.#arenaBytes = new Float64Array(buffer, ARENA_OFFSET, 1);
  }

  /** Model's thread: the instance ends after the batch it runs. It has to be woken up to see it. */
  retire(): void {
    Atomics.store(this.#words, WORDS.retired, 1);
  }

  get isRetired(): boolean {
    return Atomics.load(this.#words, WORDS.retired) === 1;
  }

  /** What the session's arena has taken from the system, as the instance saw it last; 0 where it does not tell. */
  get arenaBytes(): number {
    return this.#arenaBytes[0]!;
  }

  set arenaBytes(byteLength: number) {
    this.#arenaBytes[0] = byteLength;
  }
}
