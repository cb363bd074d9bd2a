import { describe, expect, it } from 'vitest';
import { servedShapes } from '../../src/check/served-shapes.js';
import type { DataType } from '../../src/kserve/data-types.js';
import type { Tensor } from '../../src/kserve/tensor.js';

const spec = (name: string, dataType: DataType, ...shape: readonly number[]) => ({ name, dataType, shape });
const tensor = (name: string, ...shape: readonly number[]): Tensor => ({
  name,
  dataType: 'INT64',
  shape,
  bytes: new Uint8Array(8 * shape.reduce((product, size) => product * size, 1)),
});

describe('the shapes of a model’s clients', () => {
  it('have a label of each row as a row of one, as a server answers it', () => {
    const graph = { inputs: [spec('x', 'FP32', -1, 4)], outputs: [spec('label', 'INT64', -1)] };
    const served = servedShapes('m', undefined, graph);
    expect(served.config.max_batch_size).toBeGreaterThan(0);
    expect(served.toClient(tensor('label', 3))?.shape).toEqual([3, 1]);
    expect(served.toModel(tensor('x', 3, 4)).shape).toEqual([3, 4]);
  });

  it('have a scalar as [1], which the graph gets without dimensions', () => {
    const graph = { inputs: [spec('x', 'FP32', 2, 3), spec('sr', 'INT64')], outputs: [spec('n', 'INT64')] };
    const served = servedShapes('m', undefined, graph);
    expect(served.toModel(tensor('sr', 1)).shape).toEqual([]);
    expect(served.toClient(tensor('n'))?.shape).toEqual([1]);
  });

  it('follow the config’s reshape, open dimensions included, and leave out what it does not offer', () => {
    const config = {
      max_batch_size: 8,
      input: [{ name: 'x', data_type: 'TYPE_INT64', dims: [-1], reshape: { shape: [-1, 1] } }],
      output: [{ name: 'y', data_type: 'TYPE_INT64', dims: [1, -1], reshape: { shape: [-1] } }],
    };
    const graph = {
      inputs: [spec('x', 'INT64', -1, -1, 1)],
      outputs: [spec('y', 'INT64', -1, -1), spec('hidden', 'INT64', -1)],
    };
    const served = servedShapes('m', config, graph);
    expect(served.toModel(tensor('x', 2, 5)).shape).toEqual([2, 5, 1]);
    expect(served.toClient(tensor('y', 2, 7))?.shape).toEqual([2, 1, 7]);
    expect(served.toClient(tensor('hidden', 2))).toBeUndefined();
  });
});
