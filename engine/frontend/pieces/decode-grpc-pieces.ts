/** A ModelInferRequest in pieces: large raw inputs stay in them. */
import type { Buffer } from 'node:buffer';
import type { InferRequestMessage } from '../../../src/kserve/infer-codec.js';
import { tagOf, wireTypes } from '../../../src/kserve/wire-reader.js';
import type { KnownRequests } from '../grpc-wire/known-requests.js';
import { fillInputs, hollowOf } from './hollow-message.js';
import type { MessagePieces } from './message-pieces.js';

const RAW_CONTENTS = tagOf(7, wireTypes.delimited);
/** Shorter raw inputs are put in their places like everything else. */
const SMALLEST_LEFT_BYTES = 1024;
/** Tags and lengths are below 2^32; whatever is not is left to the decoder. */
const MOST_VARINT_BYTES = 5;

/** The message in `pieces`. Throws ProtocolError for a malformed one. */
export function decodeGrpcPieces(pieces: MessagePieces, known: KnownRequests): InferRequestMessage {
  const { byteLength } = pieces;
  if (pieces.pieces.length === 1) return known.decode(pieces.join(), 0, byteLength);
  const hollow = hollowOf(byteLength);
  if (!new Framing(pieces, hollow).put()) {
    // The decoder says what is wrong with it.
    return known.decode(pieces.join(), 0, byteLength);
  }
  const message = known.decode(hollow, 0, byteLength);
  return { ...message, inputs: fillInputs(message.inputs, hollow, pieces) };
}

/** Walks over the fields of a message, and puts all but large raw contents in their places in a hollow one. */
class Framing {
  private readonly pieces: MessagePieces;
  private readonly hollow: Buffer;
  private at = 0;

  constructor(pieces: MessagePieces, hollow: Buffer) {
    this.pieces = pieces;
    this.hollow = hollow;
  }

  /** False for a message that is not made of fields with a length, as all fields of this one are. */
  put(): boolean {
    const { pieces, hollow } = this;
    let from = 0;
    while (this.at < pieces.byteLength) {
      const tag = this.readVarint();
      if (tag === undefined || (tag & 7) !== wireTypes.delimited) return false;
      const length = this.readVarint();
      if (length === undefined || length > pieces.byteLength - this.at) return false;
      if (tag === RAW_CONTENTS && length >= SMALLEST_LEFT_BYTES) {
        pieces.copyTo(hollow, from, this.at);
        from = this.at + length;
      }
      this.at += length;
    }
    pieces.copyTo(hollow, from, pieces.byteLength);
    return true;
  }

  private readVarint(): number | undefined {
    let value = 0;
    for (let count = 0; count < MOST_VARINT_BYTES && this.at < this.pieces.byteLength; count++) {
      const byte = this.pieces.byteAt(this.at++);
      value += (byte & 0x7f) * 2 ** (7 * count);
      if (byte < 0x80) return value < 2 ** 32 ? value : undefined;
    }
    return undefined;
  }
}
