/**
 * Decodes messages in pieces with decoders that take one piece: what is outside of the tensors is put in its place in a
 * hollow message as long as the real one, and the tensors that the decoder finds there are replaced by what they stand for.
 */
import { Buffer } from 'node:buffer';
import type { InferInput } from '../../../src/kserve/tensor.js';
import { createSegmentedInput } from '../../input-tensor.js';
import type { MessagePieces } from './message-pieces.js';

/** Kept for the next message. What nobody writes to takes no memory, only addresses. */
const MOST_KEPT_BYTES = 64 * 2 ** 20;

let kept = Buffer.alloc(0);

/**
 * `byteLength` bytes of anything, for one decoding: whoever decodes another message gets the same memory. No view of it
 * may leave the decoder but those that `fillInputs` replaces.
 */
export function hollowOf(byteLength: number): Buffer {
  if (byteLength > MOST_KEPT_BYTES) return Buffer.allocUnsafeSlow(byteLength);
  if (kept.length < byteLength) kept = Buffer.allocUnsafeSlow(2 ** Math.ceil(Math.log2(byteLength)));
  return kept.subarray(0, byteLength);
}

/** The inputs with their bytes from `message` wherever a decoder took them from `hollow`. */
export const fillInputs = (
  inputs: readonly InferInput[],
  hollow: Buffer,
  message: MessagePieces,
): readonly InferInput[] => inputs.map((input) => fillInput(input, hollow, message));

function fillInput(input: InferInput, hollow: Buffer, message: MessagePieces): InferInput {
  const { bytes } = input;
  if (bytes.buffer !== hollow.buffer) return input;
  const from = bytes.byteOffset - hollow.byteOffset;
  const segments = message.slice(from, from + bytes.byteLength);
  if (segments.pieces.length > 1) return createSegmentedInput(input, segments);
  return { ...input, bytes: segments.pieces[0] ?? noBytes };
}

const noBytes = new Uint8Array(0);
