import { afterEach, describe, expect, it } from 'vitest';
import type { ServedModel } from '../../engine/served-model.js';
import type { ModelConfig } from '../../src/model-config/model-config.js';
import { readModelSignature } from '../../src/onnx/read-signature.js';
import { ask, loadTestModel, outputsOf, tensorConfig } from '../support/load-test-model.js';
import { floats, modelFile, toFloats } from '../support/model-files.js';

const loaded: ServedModel[] = [];
async function load(name: string, config: ModelConfig): Promise<ServedModel> {
  const model = await loadTestModel(name, config);
  loaded.push(model);
  return model;
}
afterEach(async () => {
  await Promise.all(loaded.splice(0).map((model) => model.close()));
});

const biasConfig: ModelConfig = {
  input: [tensorConfig('X', 'FP32', [-1, 4]), { ...tensorConfig('BIAS', 'FP32', [-1, 4]), optional: true }],
  output: [tensorConfig('Y', 'FP32', [-1, 4])],
};
const ones = (name: string, rows: number) => floats(name, [rows, 4], new Array<number>(rows * 4).fill(1));

describe('an optional input', () => {
  it('takes the model’s own value when a request leaves it out', async () => {
    const model = await load('optional_bias', biasConfig);
    const [own] = await outputsOf(model, [ones('X', 2)]);
    expect(toFloats(own!)).toEqual([2, 3, 4, 5, 2, 3, 4, 5]);
    const [given] = await outputsOf(model, [ones('BIAS', 1), ones('X', 1)]);
    expect(toFloats(given!)).toEqual([2, 2, 2, 2]);
  });

  it('is never that of another request', async () => {
    const model = await load('optional_bias', biasConfig);
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, index) =>
        outputsOf(model, index % 3 === 0 ? [ones('X', 1)] : [ones('X', 1), ones('BIAS', 1)]),
      ),
    );
    answers.forEach(([sum], index) => {
      expect(toFloats(sum!)).toEqual(index % 3 === 0 ? [2, 3, 4, 5] : [2, 2, 2, 2]);
    });
  });

  it('works for a model that does not batch', async () => {
    const model = await load('optional_scale', {
      input: [tensorConfig('X', 'FP32', [-1]), { ...tensorConfig('SCALE', 'FP32', [1]), optional: true }],
      output: [tensorConfig('Y', 'FP32', [-1])],
    });
    expect(toFloats((await outputsOf(model, [floats('X', [2], [1, 2])]))[0]!)).toEqual([3, 6]);
    const scaled = await outputsOf(model, [floats('X', [2], [1, 2]), floats('SCALE', [1], [10])]);
    expect(toFloats(scaled[0]!)).toEqual([10, 20]);
  });

  it('is checked like any other when it is given, and the others must still be there', async () => {
    const model = await load('optional_bias', biasConfig);
    const fails = async (message: string, ...inputs: readonly ReturnType<typeof ones>[]) =>
      expect(await ask(model, inputs)).toMatchObject({
        state: 'failed',
        failure: { status: 'INVALID_ARGUMENT', message: expect.stringContaining(message) },
      });
    await fails("unexpected shape for input 'BIAS'", ones('X', 1), floats('BIAS', [1, 2], [1, 1]));
    await fails(
      "expected number of inputs between 1 and 2 but got 1 inputs for model 'optional_bias'. Got input(s) ['BIAS'], " +
        "but missing required input(s) ['X']",
      ones('BIAS', 1),
    );
    await fails("unexpected inference input 'Z'", ones('X', 1), ones('Z', 1));
  });

  it('may be left out of the config, and is then none of the model’s inputs', async () => {
    const model = await load('optional_bias', { ...biasConfig, input: [tensorConfig('X', 'FP32', [-1, 4])] });
    expect(toFloats((await outputsOf(model, [ones('X', 1)]))[0]!)).toEqual([2, 3, 4, 5]);
    expect(await ask(model, [ones('X', 1), ones('BIAS', 1)])).toMatchObject({ state: 'failed' });
  });

  it('is found in the file before the model is loaded', async () => {
    const { inputs, overridableInputs } = await readModelSignature(modelFile('optional_bias'));
    expect(inputs.map(({ name }) => name)).toEqual(['X']);
    expect(overridableInputs).toEqual([{ name: 'BIAS', dataType: 'FP32', shape: [-1, 4] }]);
  });

  it('is refused for an input that the model has no value for', async () => {
    const config = { ...biasConfig, input: [{ ...tensorConfig('X', 'FP32', [-1, 4]), optional: true }] };
    await expect(load('optional_bias', config)).rejects.toMatchObject({
      code: 'BAD_FILE',
      problems: [{ what: expect.stringContaining('input[0].optional') }],
    });
  });

  it('without a batch dimension keeps the model from batching, when the config lists it', async () => {
    const config: ModelConfig = {
      input: [tensorConfig('X', 'FP32', [1]), { ...tensorConfig('SCALE', 'FP32', [1]), optional: true }],
      output: [tensorConfig('Y', 'FP32', [1])],
      max_batch_size: 4,
    };
    await expect(load('optional_scale', config)).rejects.toMatchObject({
      problems: expect.arrayContaining([
        { where: expect.any(String), what: expect.stringMatching(/^max_batch_size: .*'SCALE'/) },
      ]),
    });
  });
});
