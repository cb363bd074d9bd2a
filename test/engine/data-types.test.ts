import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadModel } from '../../engine/model.js';
import type { ServedModel } from '../../engine/served-model.js';
import { type DataType, dataTypes, elementCount, elementSize, toConfigType } from '../../src/kserve/data-types.js';
import type { ModelConfig } from '../../src/model-config/model-config.js';
import { buildIdentityModel } from '../support/identity-model.js';
import { dynamicBatching, outputsOf, tensorConfig } from '../support/load-test-model.js';
import { floats, framed, tensor, toFloats } from '../support/model-files.js';
import { makeTemporaryFolder } from '../support/temporary-folder.js';

interface Identity {
  readonly dataType: DataType;
  /** Of the ONNX model. */
  readonly modelDims: readonly (string | number)[];
  readonly config: ModelConfig;
}

async function withIdentity(
  { dataType, modelDims, config }: Identity,
  use: (model: ServedModel) => Promise<void>,
): Promise<void> {
  const modelFile = join(await makeTemporaryFolder(), 'model.onnx');
  writeFileSync(modelFile, buildIdentityModel(dataType, modelDims));
  const parameters = { intra_op_thread_count: { string_value: '1' } };
  const model = await loadModel({ name: 'm', version: '1', modelFile, config: { name: 'm', parameters, ...config } });
  try {
    await use(model);
  } finally {
    await model.close();
  }
}

const inAndOut = (dataType: DataType, dims: readonly number[]): ModelConfig => {
  const type = toConfigType(dataType).slice('TYPE_'.length);
  return { input: [tensorConfig('INPUT0', type, dims)], output: [tensorConfig('OUTPUT0', type, dims)] };
};

/** Any bytes that are values of the type: 0 and 1 for BOOL, framed texts for BYTES. */
function bytesFor(dataType: DataType, count: number): fc.Arbitrary<Uint8Array> {
  const size = elementSize(dataType);
  if (size === undefined) {
    const texts = fc.array(fc.string({ maxLength: 9 }), { minLength: count, maxLength: count });
    return texts.map((list) => Uint8Array.from(framed(list)));
  }
  const length = count * size;
  return fc.uint8Array({ min: 0, max: dataType === 'BOOL' ? 1 : 255, minLength: length, maxLength: length });
}

describe.each(dataTypes)('%s', (dataType) => {
  const echoes = (model: ServedModel, shapes: readonly (readonly number[])[]): Promise<void> =>
    fc.assert(
      fc.asyncProperty(
        fc
          .constantFrom(...shapes)
          .chain((shape) => fc.tuple(fc.constant(shape), bytesFor(dataType, elementCount(shape)))),
        async ([shape, bytes]) => {
          const [echo] = await outputsOf(model, [tensor('INPUT0', dataType, shape, bytes)]);
          expect(echo).toMatchObject({ name: 'OUTPUT0', dataType, shape });
          expect(Buffer.compare(echo!.bytes, bytes)).toBe(0);
        },
      ),
      { numRuns: 12 },
    );

  it('is carried in fixed shapes, byte by byte', () =>
    withIdentity(
      {
        dataType,
        modelDims: ['N', 2, 3],
        config: { ...inAndOut(dataType, [2, 3]), max_batch_size: 4, ...dynamicBatching({ preferred_batch_size: [4] }) },
      },
      (model) =>
        echoes(model, [
          [1, 2, 3],
          [4, 2, 3],
        ]),
    ));

  it('is carried in dynamic shapes, those without an element too', () =>
    withIdentity(
      { dataType, modelDims: ['N', 'L'], config: { ...inAndOut(dataType, [-1]), max_batch_size: 4 } },
      (model) =>
        echoes(model, [
          [1, 1],
          [3, 7],
          [2, 0],
        ]),
    ));

  it('is carried as a scalar', () =>
    withIdentity({ dataType, modelDims: [], config: inAndOut(dataType, [1]) }, (model) => echoes(model, [[1]])));
});

describe('reshape', () => {
  it('carries open dimensions over in their order, in both directions', () => {
    const type = (dims: readonly number[], shape: readonly number[], name: string) => ({
      ...tensorConfig(name, 'FP32', dims),
      reshape: { shape },
    });
    const config: ModelConfig = {
      input: [type([-1, 1, -1], [-1, -1], 'INPUT0')],
      output: [type([1, -1, -1], [-1, -1], 'OUTPUT0')],
      max_batch_size: 4,
      ...dynamicBatching({ preferred_batch_size: [4] }),
    };
    return withIdentity({ dataType: 'FP32', modelDims: ['N', 'A', 'B'], config }, async (model) => {
      const [echo] = await outputsOf(model, [floats('INPUT0', [1, 2, 1, 3], [1, 2, 3, 4, 5, 6])]);
      expect([echo!.shape, toFloats(echo!)]).toEqual([
        [1, 1, 2, 3],
        [1, 2, 3, 4, 5, 6],
      ]);
    });
  });
});
