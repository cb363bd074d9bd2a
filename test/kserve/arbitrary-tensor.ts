/** fast-check arbitraries for tensors, so that codec tests speak of every data type. */
import fc from 'fast-check';
import { type DataType, dataTypes, elementCount, elementSize } from '../../src/kserve/data-types.js';
import type { RequestedOutput, SharedMemoryReference, Tensor } from '../../src/kserve/tensor.js';

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

const size = fc.nat(2 ** 40);

const sharedMemory: fc.Arbitrary<SharedMemoryReference> = fc.record({
  region: fc.string({ minLength: 1, maxLength: 9 }),
  offsetBytes: size,
  byteSize: size,
});

/** Every kind of value that a parameter has, with keys that only a careless record would stumble over. */
export const requestParameters = fc.dictionary(
  fc.oneof(fc.string({ maxLength: 9 }), fc.constantFrom('__proto__', 'constructor', 'priority')),
  fc.oneof(
    fc.boolean(),
    fc.string({ unit: 'grapheme', maxLength: 9 }),
    fc.maxSafeInteger(),
    fc.double({ noInteger: true, noNaN: true, noDefaultInfinity: true }),
  ),
  { minKeys: 1, maxKeys: 4 },
);

const requestedOutput: fc.Arbitrary<RequestedOutput> = fc.oneof(
  fc.record({ name, classificationCount: fc.integer({ min: 1, max: 2 ** 31 - 1 }) }),
  fc.record({ name, classificationCount: fc.constant(0), sharedMemory }),
);

/** A request in which parts are in shared memory, classified, or come with parameters. */
export const extendedRequest = fc
  .record({
    base: inferRequest,
    references: fc.array(fc.option(sharedMemory), { minLength: 4, maxLength: 4 }),
    outputs: fc.array(requestedOutput, { minLength: 1, maxLength: 3 }),
    parameters: requestParameters,
  })
  .map(({ base, references, outputs, parameters }) => ({
    ...base,
    inputs: base.inputs.map((input, place) => {
      const reference = references[place];
      return reference == null ? input : { ...input, bytes: new Uint8Array(0), sharedMemory: reference };
    }),
    outputNames: outputs.map((output) => output.name),
    outputs,
    parameters,
  }));

export const inferResponse = fc.record({
  modelName: text,
  modelVersion: text,
  id: text,
  outputs: fc.array(tensorOf(), { maxLength: 4 }),
});
