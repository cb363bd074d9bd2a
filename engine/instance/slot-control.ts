/**
 * The words by which the scheduler's thread and the instances' threads agree on a batch slot. A slot is open while rows
 * may be added, claimed and closed by the instance that takes it, and done when its outputs are there. Each publication
 * has a ticket, which the ring hands out with the slot: only its holder can claim the batch, and only once, however late
 * it comes and whatever became of the slot meanwhile.
 */

const CONTROL_BYTES = 1024;
const WORDS = {
  rows: 0,
  state: 1,
  takenRows: 2,
  errorBytes: 3,
  inputGeneration: 4,
  spilled: 5,
  claim: 6,
  borrowed: 7,
  ticket: 8,
} as const;
const TIMES_OFFSET = 64;
const ADDRESSES_OFFSET = 96;
/** A batch of more inputs than this borrows none. */
export const MOST_BORROWED_INPUTS = 12;
const ERROR_OFFSET = ADDRESSES_OFFSET + 8 * MOST_BORROWED_INPUTS;
const ERROR_CAPACITY = CONTROL_BYTES - ERROR_OFFSET;
const CLOSED = -1;
const NOBODY = -1;
/** What `claim` returns to whoever comes with a ticket that is not the batch's any more. */
export const NOT_YOURS = -1;
/** `takenRows` until an instance has closed the batch. */
const NONE_YET = -1;

const STATES = { free: 0, published: 1, done: 2 } as const;

/** Instants of one execution, integer nanoseconds. */
export interface ExecutionTimes {
  readonly computeStartNs: number;
  readonly inferStartNs: number;
  readonly inferEndNs: number;
  readonly computeEndNs: number;
}

export const slotControlBytes = (slotCount: number): number => slotCount * CONTROL_BYTES;

export class SlotControl {
  readonly #words: Int32Array;
  readonly #times: Float64Array;
  readonly #addresses: Float64Array;
  readonly #error: Uint8Array;

  constructor(buffer: SharedArrayBuffer, slot: number) {
    const start = slot * CONTROL_BYTES;
    this.#words = new Int32Array(buffer, start, 16);
    this.#times = new Float64Array(buffer, start + TIMES_OFFSET, 4);
    this.#addresses = new Float64Array(buffer, start + ADDRESSES_OFFSET, MOST_BORROWED_INPUTS);
    this.#error = new Uint8Array(buffer, start + ERROR_OFFSET, ERROR_CAPACITY);
  }

  /** Scheduler: makes the slot takeable by the holder of `ticket`, with its first rows in place. */
  publish(rows: number, inputGeneration: number, ticket: number): void {
    this.#words[WORDS.errorBytes] = 0;
    this.#words[WORDS.spilled] = 0;
    this.#words[WORDS.takenRows] = NONE_YET;
    this.#words[WORDS.inputGeneration] = inputGeneration;
    this.#words[WORDS.ticket] = ticket;
    Atomics.store(this.#words, WORDS.state, STATES.published);
    Atomics.store(this.#words, WORDS.rows, rows);
    Atomics.store(this.#words, WORDS.claim, ticket);
  }

  /** Scheduler: makes the old ticket worthless and `ticket` the batch's; false when the holder of the old one was quicker. */
  renew(ticket: number): boolean {
    const old = this.ticket;
    if (Atomics.compareExchange(this.#words, WORDS.claim, old, ticket) !== old) return false;
    this.#words[WORDS.ticket] = ticket;
    return true;
  }

  /** Scheduler: that of the last publication. */
  get ticket(): number {
    return this.#words[WORDS.ticket]!;
  }

  /**
   * Scheduler, before the slot is published: its inputs, in the layout's order, do not lie in the slot but where they
   * came from, and stay there until the slot is done.
   */
  borrowInputs(addresses: readonly number[]): void {
    for (let place = 0; place < addresses.length; place++) this.#addresses[place] = addresses[place]!;
    Atomics.store(this.#words, WORDS.borrowed, addresses.length);
  }

  /** Scheduler: the inputs lie in the slot by now. Whoever takes the batch finds them there, or still where they came from. */
  keepInputs(): void {
    Atomics.store(this.#words, WORDS.borrowed, 0);
  }

  get isBorrowing(): boolean {
    return Atomics.load(this.#words, WORDS.borrowed) > 0;
  }

  /** Instance that has taken the batch: where its inputs lie, or undefined when that is the slot. */
  get borrowedInputs(): Float64Array | undefined {
    return this.isBorrowing ? this.#addresses : undefined;
  }

  /** Scheduler: adds rows whose bytes are already in place; false when an instance has taken the batch meanwhile. */
  grow(fromRows: number, toRows: number): boolean {
    return Atomics.compareExchange(this.#words, WORDS.rows, fromRows, toRows) === fromRows;
  }

  /** Takes a published batch back: whoever takes the slot then finds no rows in it. False when it was taken before. */
  withdraw(rows: number): boolean {
    return Atomics.compareExchange(this.#words, WORDS.rows, rows, 0) === rows;
  }

  /** True once an instance has taken the batch. */
  get isTaken(): boolean {
    return Atomics.load(this.#words, WORDS.rows) === CLOSED;
  }

  /**
   * Instance: claims the batch with the ticket that came with the slot, closes it and returns its rows; 0 when it was
   * withdrawn, NOT_YOURS when the slot is none of this instance's business any more.
   */
  claim(instance: number, ticket: number): number {
    // Before the batch is closed: should this thread die, whose batch it was must be certain.
    if (Atomics.compareExchange(this.#words, WORDS.claim, ticket, ~instance) !== ticket) return NOT_YOURS;
    return this.#close();
  }

  #close(): number {
    const rows = Atomics.exchange(this.#words, WORDS.rows, CLOSED);
    if (rows !== CLOSED) this.#words[WORDS.takenRows] = rows;
    return rows;
  }

  get inputGeneration(): number {
    return this.#words[WORDS.inputGeneration]!;
  }

  /** Model's thread, for an instance that will never do it itself: hands the batch back as failed. */
  fail(error: string): void {
    this.#close();
    this.finish({ computeStartNs: 0, inferStartNs: 0, inferEndNs: 0, computeEndNs: 0 }, error, false);
  }

  /** Instance: hands the slot back with its outputs. `spilled` tells that outputs came in a buffer of their own. */
  finish(times: ExecutionTimes, error: string | undefined, spilled: boolean): void {
    this.#times[0] = times.computeStartNs;
    this.#times[1] = times.inferStartNs;
    this.#times[2] = times.inferEndNs;
    this.#times[3] = times.computeEndNs;
    if (error !== undefined) {
      // encodeInto does not take shared memory.
      const text = new TextEncoder().encode(error).subarray(0, ERROR_CAPACITY);
      this.#error.set(text);
      this.#words[WORDS.errorBytes] = Math.max(1, text.length);
    }
    this.#words[WORDS.spilled] = spilled ? 1 : 0;
    Atomics.store(this.#words, WORDS.state, STATES.done);
  }

  get isDone(): boolean {
    return Atomics.load(this.#words, WORDS.state) === STATES.done;
  }

  get takenRows(): number {
    return this.#words[WORDS.takenRows]!;
  }

  /** The instance that claimed the batch, or -1 when none has since it was published. */
  get instance(): number {
    const claim = Atomics.load(this.#words, WORDS.claim);
    return claim < 0 ? ~claim : NOBODY;
  }

  get hasSpilled(): boolean {
    return this.#words[WORDS.spilled] === 1;
  }

  /** Why the execution failed, or undefined. */
  get error(): string | undefined {
    const length = this.#words[WORDS.errorBytes]!;
    return length === 0 ? undefined : new TextDecoder().decode(this.#error.slice(0, length));
  }

  get times(): ExecutionTimes {
    return {
      computeStartNs: this.#times[0]!,
      inferStartNs: this.#times[1]!,
      inferEndNs: this.#times[2]!,
      computeEndNs: this.#times[3]!,
    };
  }

  /** Scheduler: the slot's outputs have been delivered. */
  release(): void {
    this.keepInputs();
    Atomics.store(this.#words, WORDS.state, STATES.free);
  }
}
