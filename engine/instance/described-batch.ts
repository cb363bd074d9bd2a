/**
 * Batches whose shapes or sizes vary: a length, a JSON description of the tensors, then their bytes. Slower than a
 * fixed layout, but any shape and BYTES fit.
 */
import type { Tensor } from '../../src/kserve/tensor.js';
import type { DescribedTensor } from './instance-messages.js';

const HEADER_BYTES = 8;
const ALIGNMENT = 64;
const alignUp = (offset: number): number => Math.ceil(offset / ALIGNMENT) * ALIGNMENT;

interface Description {
  readonly requestedOutputs: readonly string[];
  readonly tensors: readonly DescribedTensor[];
}

export interface TensorParts {
  readonly name: string;
  readonly dataType: Tensor['dataType'];
  readonly shape: readonly number[];
  /** One after the other they make the tensor's bytes. */
  readonly parts: readonly Uint8Array[];
}

/** A batch laid out but not yet written. */
export interface DescribedBatch {
  readonly totalBytes: number;
  writeTo(target: Uint8Array): void;
}

/** Lays out tensors; `requestedOutputs` empty means all of them. */
export function describeBatch(
  tensors: readonly TensorParts[],
  requestedOutputs: readonly string[] = [],
): DescribedBatch {
  const lengths = tensors.map(({ parts }) => parts.reduce((sum, part) => sum + part.length, 0));
  // Offsets count from the end of the description, whose own length depends on them.
  let end = 0;
  const described = tensors.map(({ name, dataType, shape }, index): DescribedTensor => {
    const offset = end;
    end = alignUp(offset + lengths[index]!);
    return { name, dataType, shape, offset, length: lengths[index]! };
  });
  const json = Buffer.from(JSON.stringify({ requestedOutputs, tensors: described } satisfies Description));
  const start = alignUp(HEADER_BYTES + json.length);
  return {
    totalBytes: start + end,
    writeTo(target) {
      new DataView(target.buffer, target.byteOffset).setUint32(0, json.length, true);
      target.set(json, HEADER_BYTES);
      tensors.forEach(({ parts }, index) => {
        let at = start + described[index]!.offset;
        for (const part of parts) {
          target.set(part, at);
          at += part.length;
        }
      });
    },
  };
}

/** The tensors of a written batch, as views of `source`. */
export function readBatch(source: Uint8Array): { requestedOutputs: readonly string[]; tensors: readonly Tensor[] } {
  const jsonLength = new DataView(source.buffer, source.byteOffset).getUint32(0, true);
  // Decoders do not take shared memory.
  const json = Buffer.from(source.slice(HEADER_BYTES, HEADER_BYTES + jsonLength)).toString('utf8');
  const { requestedOutputs, tensors } = JSON.parse(json) as Description;
  const start = alignUp(HEADER_BYTES + jsonLength);
  return {
    requestedOutputs,
    tensors: tensors.map(({ name, dataType, shape, offset, length }) => ({
      name,
      dataType,
      shape,
      bytes: source.subarray(start + offset, start + offset + length),
    })),
  };
}
