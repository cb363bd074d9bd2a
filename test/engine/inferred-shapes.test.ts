/** Models whose file declares less, or something else, than ONNX Runtime knows of them. */
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { loadModel } from '../../engine/model.js';
import { prepareModel } from '../../engine/repository/prepare-model.js';
import type { ServedModel } from '../../engine/served-model.js';
import { readStudyModel } from '../../src/tune/studies/study-model.js';
import { outputsOf } from '../support/load-test-model.js';
import { floats, tensor, toFloats } from '../support/model-files.js';
import { writeRepository } from '../support/model-repository.js';
import { floatBytes, int64Bytes, type OnnxModel, writeOnnx } from '../support/onnx-model.js';

const loaded: ServedModel[] = [];
afterEach(async () => {
  await Promise.all(loaded.splice(0).map((model) => model.close()));
});

async function folderOf(model: OnnxModel, config = ''): Promise<string> {
  const files = { 'm/1/model.onnx': writeOnnx(model), ...(config === '' ? {} : { 'm/config.pbtxt': config }) };
  return join(await writeRepository(files), 'm');
}

async function serve(model: OnnxModel, config = ''): Promise<ServedModel> {
  const [version] = await prepareModel({ name: 'm', folder: await folderOf(model, config), versions: ['1'] });
  const served = await loadModel(version!);
  loaded.push(served);
  return served;
}

const X = { name: 'X', shape: ['N', 16] } as const;
const neg = { op: 'Neg', inputs: ['X'], outputs: ['Y'] };
const target = { name: 's', type: 'INT64', dims: [3], bytes: int64Bytes([-1, 4, 4]) } as const;
const reshape = { op: 'Reshape', inputs: ['X', 's'], outputs: ['Y'] };
const kinds: Readonly<Record<string, { model: OnnxModel; outputs: Record<string, readonly number[]> }>> = {
  'looser than inferred': {
    model: { nodes: [reshape], inputs: [X], outputs: [{ name: 'Y', shape: ['N', 'A', 'B'] }], initializers: [target] },
    outputs: { Y: [-1, 4, 4] },
  },
  'of unknown sizes': {
    model: { nodes: [neg], inputs: [{ name: 'X', shape: [null, 16] }], outputs: [{ name: 'Y', shape: [null, null] }] },
    outputs: { Y: [-1, 16] },
  },
  'of no shape': { model: { nodes: [neg], inputs: [X], outputs: [{ name: 'Y' }] }, outputs: { Y: [-1, 16] } },
  'with -1 in the file': {
    model: { nodes: [neg], inputs: [{ name: 'X', shape: [-1, 16] }], outputs: [{ name: 'Y', shape: [-1, 16] }] },
    outputs: { Y: [-1, 16] },
  },
  'with a wrong size': {
    model: { nodes: [neg], inputs: [X], outputs: [{ name: 'Y', shape: ['N', 9] }] },
    outputs: { Y: [-1, -1] },
  },
  'of an initializer that is an output': {
    model: {
      nodes: [neg],
      inputs: [X],
      outputs: [
        { name: 'Y', shape: ['N', 16] },
        { name: 'V', shape: ['N', 4] },
      ],
      initializers: [{ name: 'V', dims: [1, 4], bytes: floatBytes([1, 2, 3, 4]) }],
    },
    outputs: { Y: [-1, 16], V: [1, 4] },
  },
};

describe('outputs', () => {
  it.each(Object.entries(kinds))(
    '%s are those of the session, in serve and in a sweep',
    async (_, { model, outputs }) => {
      const served = await serve(model);
      expect(Object.fromEntries(served.metadata.outputs.map(({ name, shape }) => [name, shape]))).toEqual(outputs);
      const isBatched = !Object.hasOwn(outputs, 'V');
      expect(served.config.max_batch_size).toBe(isBatched ? 4 : 0);
      const values = Array.from({ length: 16 }, (_, index) => index);
      const answer = await outputsOf(served, [floats('X', [1, 16], values)]);
      const sign = model.nodes[0] === reshape ? 1 : -1;
      expect(toFloats(answer.find(({ name }) => name === 'Y')!)).toEqual(values.map((value) => sign * value));
      if (!isBatched) expect(toFloats(answer.find(({ name }) => name === 'V')!)).toEqual([1, 2, 3, 4]);
      const study = await readStudyModel('m', await folderOf(model));
      expect(study.completed.output).toEqual(served.config.output);
    },
  );

  it('of another shape at run time than the model declares are answered as they are', async () => {
    const model: OnnxModel = {
      nodes: [{ op: 'Reshape', inputs: ['X', 's'], outputs: ['Y'] }],
      inputs: [
        { name: 'X', shape: [2, 10] },
        { name: 's', type: 'INT64', shape: [2] },
      ],
      outputs: [{ name: 'Y', shape: [4, 5] }],
    };
    const served = await serve(model);
    const values = Array.from({ length: 20 }, (_, index) => index);
    for (const shape of [
      [5, 4],
      [4, 5],
      [1, 20],
      [4, 5],
    ]) {
      const inputs = [floats('X', [2, 10], values), tensor('s', 'INT64', [2], int64Bytes(shape))];
      const [answer] = await outputsOf(served, inputs);
      expect(answer).toMatchObject({ name: 'Y', shape });
      expect(toFloats(answer!)).toEqual(values);
    }
  });

  it('that have lost their rank are answered with their real shape', async () => {
    const served = await serve({
      nodes: [neg],
      inputs: [{ name: 'X', shape: [2, 3] }],
      outputs: [{ name: 'Y', shape: [6] }],
    });
    const [answer] = await outputsOf(served, [floats('X', [2, 3], [1, 2, 3, 4, 5, 6])]);
    expect(answer).toMatchObject({ shape: [2, 3] });
    expect(toFloats(answer!)).toEqual([-1, -2, -3, -4, -5, -6]);
  });
});

describe('a scalar beside a batch', () => {
  const model: OnnxModel = {
    nodes: [
      { op: 'Mul', inputs: ['X', 'S'], outputs: ['Y'] },
      { op: 'Neg', inputs: ['S'], outputs: ['Z'] },
    ],
    inputs: [
      { name: 'X', shape: ['N', 2] },
      { name: 'S', shape: [] },
    ],
    outputs: [
      { name: 'Y', shape: ['N', 2] },
      { name: 'Z', shape: [] },
    ],
  };
  const config = `backend: "onnxruntime" max_batch_size: 8 dynamic_batching { }
    input [ { name: "X" data_type: TYPE_FP32 dims: 2 }, { name: "S" data_type: TYPE_FP32 dims: 1 } ]
    output [ { name: "Y" data_type: TYPE_FP32 dims: 2 }, { name: "Z" data_type: TYPE_FP32 dims: 1 } ]`;

  it('is that of its own request, whatever batches form', async () => {
    const served = await serve(model, config);
    const requests = Array.from({ length: 60 }, (_, index) => ({
      rows: 1 + (index % 2),
      scale: 1 + Math.floor(index / 20),
    }));
    const answers = await Promise.all(
      requests.map(({ rows, scale }) => {
        const values = new Array<number>(rows * 2).fill(5);
        const scales = new Array<number>(rows).fill(scale);
        return outputsOf(served, [floats('X', [rows, 2], values), floats('S', [rows, 1], scales)]);
      }),
    );
    answers.forEach((outputs, index) => {
      const { rows, scale } = requests[index]!;
      const [Y, Z] = ['Y', 'Z'].map((name) => outputs.find((output) => output.name === name)!);
      expect(Y).toMatchObject({ shape: [rows, 2] });
      expect(toFloats(Y!)).toEqual(new Array<number>(rows * 2).fill(5 * scale));
      expect(Z).toMatchObject({ shape: [rows] });
      expect(toFloats(Z!)).toEqual(new Array<number>(rows).fill(-scale));
    });
    expect(served.statistics().execution_count).toBeLessThan(60);
  });
});
