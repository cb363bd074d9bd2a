/**
 * Cuts the DATA of answers into messages and checks that each call gets one that looks like a ModelInferResponse. The
 * bytes are only counted, unless somebody wants to read them or they are compressed.
 */
import { Buffer } from 'node:buffer';
import { gunzipSync, inflateSync } from 'node:zlib';
import { MESSAGE_PREFIX_BYTES } from '../../http2/message-assembler.js';
import { type CallSlots, callFlags } from './call-slots.js';
import { answered, type Ending, malformedAnswer } from './ending.js';

const { hasMessage, isMalformed, isKept } = callFlags;
/** `prefixSeen` of a call whose message has begun behind its prefix. */
const IN_MESSAGE = MESSAGE_PREFIX_BYTES + 1;
/** Protobuf's own limit, which is also what a stream's window holds. */
const MAX_MESSAGE_BYTES = 2 ** 31 - 1 - MESSAGE_PREFIX_BYTES;
/** A compressed answer that unfolds to more is given up. */
const MAX_INFLATED_BYTES = 2 ** 30;
/** A ModelInferResponse has fields 1 to 6, and all of them are length-delimited. */
const FIRST_TAG = 0x0a;
const LAST_TAG = 0x32;

interface KeptAnswer {
  readonly encoding: string | undefined;
  pieces: Buffer[];
  isCompressed: boolean;
}

const inflaters: Readonly<Record<string, (bytes: Buffer) => Buffer>> = {
  gzip: (bytes) => gunzipSync(bytes, { maxOutputLength: MAX_INFLATED_BYTES }),
  deflate: (bytes) => inflateSync(bytes, { maxOutputLength: MAX_INFLATED_BYTES }),
};

export class AnswerMessages {
  readonly #slots: CallSlots;
  readonly #kept = new Map<number, KeptAnswer>();

  constructor(slots: CallSlots) {
    this.#slots = slots;
  }

  /** Keeps the bytes of this call's answer until `drop`; to be told before its first DATA. */
  keep(slot: number, encoding: string | undefined): void {
    this.#kept.set(slot, { encoding, pieces: [], isCompressed: false });
    this.#slots.flags[slot] = this.#slots.flags[slot]! | isKept;
  }

  /** Takes answer bytes; returns false once they cannot be a response. Timing-critical: nearly always they are one whole message. */
  take(slot: number, bytes: Buffer, start: number, end: number): boolean {
    const slots = this.#slots;
    const flags = slots.flags[slot]!;
    const isWhole =
      (flags & (hasMessage | isMalformed | isKept)) === 0 &&
      slots.prefixSeen[slot] === 0 &&
      end - start > MESSAGE_PREFIX_BYTES &&
      bytes[start] === 0 &&
      lengthAt(bytes, start + 1) === end - start - MESSAGE_PREFIX_BYTES;
    if (!isWhole) return this.#takePart(slot, bytes, start, end);
    slots.flags[slot] = flags | hasMessage;
    return isResponseTag(bytes[start + MESSAGE_PREFIX_BYTES]!);
  }

  /** How a call with status 0 ended, seen from its messages. */
  judge(slot: number): Ending {
    const flags = this.#slots.flags[slot]!;
    if ((flags & (hasMessage | isMalformed)) !== hasMessage || this.#slots.prefixSeen[slot] !== 0) {
      return malformedAnswer;
    }
    return (flags & isKept) === 0 ? answered : this.#judgeKept(slot);
  }

  /** The kept message of a call that `judge` calls answered. */
  messageOf(slot: number): Buffer {
    return this.#kept.get(slot)!.pieces[0]!;
  }

  /** Lets go of what is kept for a call that is over. */
  drop(slot: number): void {
    if ((this.#slots.flags[slot]! & isKept) !== 0) this.#kept.delete(slot);
  }

  #takePart(slot: number, bytes: Buffer, start: number, end: number): boolean {
    const slots = this.#slots;
    for (let at = start; at < end && (slots.flags[slot]! & isMalformed) === 0; ) {
      if (slots.prefixSeen[slot]! < MESSAGE_PREFIX_BYTES) this.#takePrefixByte(slot, bytes[at++]!);
      else at = this.#takeMessage(slot, bytes, at, end);
    }
    return (slots.flags[slot]! & isMalformed) === 0;
  }

  #takePrefixByte(slot: number, byte: number): void {
    const slots = this.#slots;
    const seen = slots.prefixSeen[slot]!;
    slots.prefixSeen[slot] = seen + 1;
    if (seen > 0) {
      slots.messageLeft[slot] = slots.messageLeft[slot]! * 256 + byte;
      const length = slots.messageLeft[slot]!;
      if (seen + 1 === MESSAGE_PREFIX_BYTES && (length === 0 || length > MAX_MESSAGE_BYTES)) this.#spoil(slot);
      return;
    }
    slots.messageLeft[slot] = 0;
    const kept = this.#kept.get(slot);
    if (byte > 1 || (slots.flags[slot]! & hasMessage) !== 0) this.#spoil(slot);
    else if (byte === 1 && kept?.encoding === undefined) this.#spoil(slot);
    else if (kept !== undefined) kept.isCompressed = byte === 1;
  }

  #takeMessage(slot: number, bytes: Buffer, at: number, end: number): number {
    const slots = this.#slots;
    const left = slots.messageLeft[slot]!;
    const count = Math.min(left, end - at);
    const kept = (slots.flags[slot]! & isKept) === 0 ? undefined : this.#kept.get(slot);
    if (slots.prefixSeen[slot] !== IN_MESSAGE) {
      slots.prefixSeen[slot] = IN_MESSAGE;
      if (kept?.isCompressed !== true && !isResponseTag(bytes[at]!)) this.#spoil(slot);
    }
    kept?.pieces.push(Buffer.copyBytesFrom(bytes, at, count));
    slots.messageLeft[slot] = left - count;
    if (count === left) {
      slots.prefixSeen[slot] = 0;
      slots.flags[slot] = slots.flags[slot]! | hasMessage;
    }
    return at + count;
  }

  /** Puts the kept pieces together, and unfolds them if they are compressed. */
  #judgeKept(slot: number): Ending {
    const kept = this.#kept.get(slot)!;
    const whole = kept.pieces.length === 1 ? kept.pieces[0]! : Buffer.concat(kept.pieces);
    try {
      const message = kept.isCompressed ? inflaters[kept.encoding ?? '']?.(whole) : whole;
      if (message === undefined || message.length === 0 || !isResponseTag(message[0]!)) return malformedAnswer;
      kept.pieces = [message];
      return answered;
    } catch {
      return malformedAnswer;
    }
  }

  #spoil(slot: number): void {
    this.#slots.flags[slot] = this.#slots.flags[slot]! | isMalformed;
  }
}

const isResponseTag = (byte: number): boolean => byte >= FIRST_TAG && byte <= LAST_TAG && (byte & 7) === 2;

const lengthAt = (bytes: Buffer, at: number): number =>
  bytes[at]! * 0x100_0000 + ((bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!);
