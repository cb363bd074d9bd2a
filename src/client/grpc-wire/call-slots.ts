/**
 * The state of each call in flight, by slot, in typed arrays: a call costs no allocation, and one loop over a column
 * reaches them all. A slot is free, waits for a connection, or has a stream on one.
 */
import { SlotList } from './slot-list.js';

const INITIAL_CAPACITY = 128;

/** Bits of `flags`. */
export const callFlags = {
  /** The answer's first HEADERS came. */
  hasHead: 1,
  /** One whole message came. */
  hasMessage: 2,
  /** The answer is not one inference response. */
  isMalformed: 4,
  /** The answer's bytes are kept: somebody wants to read them, or they are compressed. */
  isKept: 8,
  /** Not sent by the load, but by `inferOnce`. */
  isCheck: 16,
  /** Its answer's outputs are wanted. */
  isRead: 128,
  /** A server said that it never saw this call, and it was sent again. */
  isRetried: 32,
  /** Its way to the socket is timed: `startedNs` is exact. */
  isTimed: 64,
} as const;

/** What survives when a call moves to another connection. */
const LASTING_FLAGS = callFlags.isCheck | callFlags.isRetried | callFlags.isTimed | callFlags.isRead;

export class CallSlots {
  capacity = INITIAL_CAPACITY;
  tag = new Float64Array(INITIAL_CAPACITY);
  /** Number of the prepared request. */
  request = new Int32Array(INITIAL_CAPACITY);
  flags = new Uint8Array(INITIAL_CAPACITY);
  /** 0 while the call waits for a connection. */
  streamId = new Int32Array(INITIAL_CAPACITY);
  /** Which connection carries the stream. */
  connection = new Int32Array(INITIAL_CAPACITY);
  /** When the call began. */
  startedNs = new Float64Array(INITIAL_CAPACITY);
  /** When its answer began to arrive. */
  firstByteNs = new Float64Array(INITIAL_CAPACITY);
  /** Bytes of the request's body that were staged (or more, once all were), and what the stream's window takes of the rest. */
  bodySent = new Int32Array(INITIAL_CAPACITY);
  sendWindow = new Int32Array(INITIAL_CAPACITY);
  /** Of a message that comes in parts: bytes seen of its prefix, and bytes of it that are to come. */
  prefixSeen = new Uint8Array(INITIAL_CAPACITY);
  messageLeft = new Float64Array(INITIAL_CAPACITY);
  /** Calls of the load in the order of their beginning, which is that of their deadlines. */
  readonly inOrder = new SlotList();
  #free = new Int32Array(INITIAL_CAPACITY);
  #freeCount = 0;

  constructor() {
    this.#addFree(0);
  }

  /** Slots in use. */
  get inUse(): number {
    return this.capacity - this.#freeCount;
  }

  /** Takes a free slot for a call that begins now. */
  take(tag: number, request: number, startedNs: number): number {
    if (this.#freeCount === 0) this.#grow();
    const slot = this.#free[--this.#freeCount]!;
    this.tag[slot] = tag;
    this.request[slot] = request;
    this.startedNs[slot] = startedNs;
    this.flags[slot] = 0;
    this.streamId[slot] = 0;
    return slot;
  }

  /** Gives a slot back; its columns stay readable until the next `take`. */
  release(slot: number): void {
    this.#free[this.#freeCount++] = slot;
  }

  /** Puts the call on a stream, with nothing sent and nothing answered. */
  beginStream(slot: number, streamId: number, connection: number): void {
    this.streamId[slot] = streamId;
    this.connection[slot] = connection;
    this.flags[slot] = this.flags[slot]! & LASTING_FLAGS;
    this.prefixSeen[slot] = 0;
    this.messageLeft[slot] = 0;
  }

  #grow(): void {
    const from = this.capacity;
    this.capacity = 2 * from;
    this.tag = widenFloats(this.tag, this.capacity);
    this.startedNs = widenFloats(this.startedNs, this.capacity);
    this.firstByteNs = widenFloats(this.firstByteNs, this.capacity);
    this.messageLeft = widenFloats(this.messageLeft, this.capacity);
    this.request = widenIntegers(this.request, this.capacity);
    this.streamId = widenIntegers(this.streamId, this.capacity);
    this.connection = widenIntegers(this.connection, this.capacity);
    this.bodySent = widenIntegers(this.bodySent, this.capacity);
    this.sendWindow = widenIntegers(this.sendWindow, this.capacity);
    this.flags = widenBytes(this.flags, this.capacity);
    this.prefixSeen = widenBytes(this.prefixSeen, this.capacity);
    this.#free = widenIntegers(this.#free, this.capacity);
    this.#addFree(from);
  }

  /** Lower slots are taken first, so that a small load stays within a few cache lines. */
  #addFree(from: number): void {
    for (let slot = this.capacity - 1; slot >= from; slot--) this.#free[this.#freeCount++] = slot;
  }
}

function widenFloats(column: Float64Array, capacity: number): Float64Array<ArrayBuffer> {
  const wider = new Float64Array(capacity);
  wider.set(column);
  return wider;
}

function widenIntegers(column: Int32Array, capacity: number): Int32Array<ArrayBuffer> {
  const wider = new Int32Array(capacity);
  wider.set(column);
  return wider;
}

function widenBytes(column: Uint8Array, capacity: number): Uint8Array<ArrayBuffer> {
  const wider = new Uint8Array(capacity);
  wider.set(column);
  return wider;
}
