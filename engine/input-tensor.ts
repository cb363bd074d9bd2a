/**
 * Inputs as the engine takes them: bytes in one piece, or in the pieces that they arrived in, so that they are put
 * together but once, where a session reads them.
 */
import { Buffer } from 'node:buffer';
import type { Tensor } from '../src/kserve/tensor.js';

export interface Segments {
  readonly byteLength: number;
  /** One after the other they are the tensor's bytes. */
  readonly pieces: readonly Uint8Array[];
}

export interface InputTensor extends Tensor {
  /** Present where the bytes lie in several pieces. `bytes` then joins them when it is first asked for, which is a copy. */
  readonly segments?: Segments;
}

/** How many bytes the input has; never joins them. */
export const byteLengthOf = (input: InputTensor): number =>
  input.segments === undefined ? input.bytes.byteLength : input.segments.byteLength;

/** The bytes in the pieces that they lie in; never joins them. */
export const piecesOf = (input: InputTensor): readonly Uint8Array[] =>
  input.segments === undefined ? [input.bytes] : input.segments.pieces;

/** An input over `segments`, which stay as they are until the request was answered. */
export function createSegmentedInput({ name, dataType, shape }: Tensor, segments: Segments): InputTensor {
  let joined: Uint8Array | undefined;
  return {
    name,
    dataType,
    shape,
    segments,
    get bytes(): Uint8Array {
      joined ??= Buffer.concat(segments.pieces, segments.byteLength);
      return joined;
    },
  };
}
