/**
 * Decodes ModelInferRequest, and remembers the last few that differed: clients send the same request again and again
 * with other numbers in it. One whose bytes outside its tensors are those of a known request means the same, so that
 * only its tensors are taken from it.
 */
import { Buffer } from 'node:buffer';
import { decodeInferRequest, type InferRequestMessage } from '../../../src/kserve/infer-codec.js';
import type { InferInput } from '../../../src/kserve/tensor.js';

const MAX_KNOWN = 4;
/** Requests with much beside their tensors are decoded anew each time. */
const MAX_FRAME_BYTES = 2048;
/** Misses in a row after which only now and then one is remembered: each request has an id of its own, say. */
const PATIENCE = 64;
/** Enough for every data type; buffers of requests begin on such a place. */
const ALIGNMENT = 16;

/** Where the bytes of a tensor lie, from the beginning of the message. */
interface TensorPlace {
  readonly from: number;
  readonly to: number;
}

/** A message without the bytes of its tensors. */
interface KnownRequest {
  readonly length: number;
  readonly message: InferRequestMessage;
  /** In the order of the wire. Each tensor is preceded by bytes that are compared. */
  readonly places: readonly TensorPlace[];
  /** What is compared, one part before each tensor. */
  readonly frame: Buffer;
}

export class KnownRequests {
  private readonly known: KnownRequest[] = [];
  private next = 0;
  private misses = 0;
  /** Where the first tensor of the request decoded last began. */
  private lastTensorAt = 0;

  /** How far into aligned memory a message of that length shall be put for its first tensor to lie aligned: a guess. */
  leadOf(messageBytes: number): number {
    const known = this.known.find(({ length }) => length === messageBytes);
    return -(known?.places[0]?.from ?? this.lastTensorAt) & (ALIGNMENT - 1);
  }

  /** The message in `bytes` from `start` to `end`; raw tensors are views. Throws ProtocolError for a malformed one. */
  decode(bytes: Buffer, start: number, end: number): InferRequestMessage {
    for (const known of this.known) {
      if (known.length !== end - start || !hasFrame(known, bytes, start)) continue;
      this.misses = 0;
      return withTensorsOf(known, bytes, start);
    }
    const message = decodeInferRequest(bytes.subarray(start, end));
    const first = message.inputs[0]?.bytes;
    if (first !== undefined && first.buffer === bytes.buffer) {
      this.lastTensorAt = Math.max(0, first.byteOffset - bytes.byteOffset - start);
    }
    this.misses++;
    if (this.misses < PATIENCE || this.misses % PATIENCE === 0) this.remember(message, bytes, start, end);
    return message;
  }

  private remember(message: InferRequestMessage, bytes: Buffer, start: number, end: number): void {
    const places = placesOf(message.inputs, bytes, start, end);
    if (places === undefined) return;
    const length = end - start;
    const parts = places.map(({ from }, index) => {
      const before = index === 0 ? 0 : places[index - 1]!.to;
      return bytes.subarray(start + before, start + from);
    });
    const frame = Buffer.concat(parts);
    if (frame.length > MAX_FRAME_BYTES) return;
    // Views would keep the buffer of this request alive.
    const inputs = message.inputs.map((input) => ({ ...input, bytes: frame.subarray(0, 0) }));
    this.known[this.next] = { length, message: { ...message, inputs }, places, frame };
    this.next = (this.next + 1) % MAX_KNOWN;
  }
}

/**
 * Where the tensors lie if all of them are views of the message, in order, and nothing comes after the last one.
 * Undefined otherwise, and for strings, whose bytes have to be looked at.
 */
function placesOf(
  inputs: readonly InferInput[],
  bytes: Buffer,
  start: number,
  end: number,
): readonly TensorPlace[] | undefined {
  const base = bytes.byteOffset + start;
  let last = 0;
  const places: TensorPlace[] = [];
  for (const { bytes: tensor, dataType, sharedMemory } of inputs) {
    const from = tensor.byteOffset - base;
    const isView = tensor.buffer === bytes.buffer && tensor.length > 0 && from > last;
    if (!isView || dataType === 'BYTES' || sharedMemory !== undefined) return undefined;
    last = from + tensor.length;
    places.push({ from, to: last });
  }
  return last === end - start ? places : undefined;
}

function hasFrame({ places, frame }: KnownRequest, bytes: Buffer, start: number): boolean {
  let at = 0;
  let from = start;
  for (const place of places) {
    // A plain loop is faster than a native comparison for so few bytes.
    for (const to = start + place.from; from < to; ) if (bytes[from++] !== frame[at++]) return false;
    from = start + place.to;
  }
  return true;
}

function withTensorsOf({ message, places }: KnownRequest, bytes: Buffer, start: number): InferRequestMessage {
  const inputs = message.inputs.map(({ name, dataType, shape }, index) => {
    const { from, to } = places[index]!;
    return { name, dataType, shape, bytes: bytes.subarray(start + from, start + to) };
  });
  const { modelName, modelVersion, id, outputNames, outputs, parameters } = message;
  if (outputs === undefined && parameters === undefined) return { modelName, modelVersion, id, inputs, outputNames };
  return { ...message, inputs };
}
