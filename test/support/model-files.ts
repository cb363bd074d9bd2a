/** The small ONNX files of test/support/models and tensors to feed them. */
import { join } from 'node:path';
import { packageRoot } from '../../src/common/package-root.js';
import type { DataType } from '../../src/kserve/data-types.js';
import type { Tensor } from '../../src/kserve/tensor.js';

export const modelFile = (name: string): string => join(packageRoot, 'test', 'support', 'models', `${name}.onnx`);

export const bytesOf = (values: NodeJS.TypedArray): Uint8Array =>
  new Uint8Array(values.buffer, values.byteOffset, values.byteLength);

export const tensor = (name: string, dataType: DataType, shape: readonly number[], bytes: Uint8Array): Tensor => ({
  name,
  dataType,
  shape,
  bytes,
});

export const floats = (name: string, shape: readonly number[], values: readonly number[]): Tensor =>
  tensor(name, 'FP32', shape, bytesOf(Float32Array.from(values)));

/** Each string after its 4-byte length, as KServe sends BYTES. */
export function framed(strings: readonly string[]): Uint8Array {
  return Buffer.concat(
    strings.flatMap((text) => {
      const content = Buffer.from(text);
      const length = Buffer.alloc(4);
      length.writeUInt32LE(content.length);
      return [length, content];
    }),
  );
}

/** Copies, because a tensor's bytes need not be aligned. */
export const toFloats = ({ bytes }: Tensor): number[] => Array.from(new Float32Array(Uint8Array.from(bytes).buffer));
