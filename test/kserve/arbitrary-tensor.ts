/** fast-check arbitraries for tensors, so that codec tests speak of every data type. */
import fc from 'fast-check';
import { type DataType, dataTypes, elementCount, elementSize } from '../../src/kserve/data-types.js';
import type { Tensor } from '../../src/kserve/tensor.js';

const name = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 });

/** BYTES elements with their lengths before them. */
export function lengthPrefixed(elements: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(
    elements.flatMap((element) => {
      const length = Buffer.alloc(4);
      length.writeUInt32LE(element.byteLength);
      return [length, element];
    }),
  );
}

const content = (dataType: DataType, shape: readonly number[]): fc.Arbitrary<Uint8Array> => {
  const size = elementSize(dataType);
  const count = elementCount(shape);
  if (size !== undefined) return fc.uint8Array({ minLength: size * count, maxLength: size * count });
  return fc.array(fc.uint8Array({ maxLength: 9 }), { minLength: count, maxLength: count }).map(lengthPrefixed);
};

/** Any tensor, of the given data types. */
export const tensorOf = (types: readonly DataType[] = dataTypes): fc.Arbitrary<Tensor> =>
  fc
    .record({
      name,
      dataType: fc.constantFrom(...types),
      shape: fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 3 }),
    })
    .chain((description) =>
      content(description.dataType, description.shape).map((bytes) => ({ ...description, bytes })),
    );

const text = fc.string({ unit: 'grapheme', maxLength: 20 });

export const inferRequest = fc.record({
  modelName: text,
  modelVersion: text,
  id: text,
  inputs: fc.array(tensorOf(), { maxLength: 4 }),
  outputNames: fc.array(name, { maxLength: 3 }),
});

export const inferResponse = fc.record({
  modelName: text,
  modelVersion: text,
  id: text,
  outputs: fc.array(tensorOf(), { maxLength: 4 }),
});
