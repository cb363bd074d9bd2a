import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { AccuracyTally } from '../../../src/check/accuracy.js';
import { recordReference } from '../../../src/check/measure-accuracy.js';
import { readValues } from '../../../src/check/tensor-values.js';
import { PerfTsError } from '../../../src/common/errors.js';
import { packageRoot } from '../../../src/common/package-root.js';
import type { Tensor } from '../../../src/kserve/tensor.js';
import { convertToHalf, type HalfOptions, type HalfReport } from '../../../src/onnx/convert/convert-model.js';
import { noHalfCounts, toHalfBits } from '../../../src/onnx/convert/half-float.js';
import { readModelFile, writeModelFile } from '../../../src/onnx/convert/model-file.js';
import { nodesOf } from '../../../src/onnx/convert/node-view.js';
import { readModelSignature } from '../../../src/onnx/read-signature.js';
import { buildZooModel } from '../../../src/onnx/zoo/zoo.js';
import { loadOrtLibrary } from '../../../src/onnxruntime/library.js';
import { OrtSession } from '../../../src/onnxruntime/session.js';
import { makeTemporaryFolder } from '../../support/temporary-folder.js';

const fixture = (name: string): string => join(packageRoot, 'test', 'support', 'models', 'convert', `${name}.onnx`);

interface Converted {
  readonly file: string;
  readonly report: HalfReport;
  /** Operators of the main graph in order. */
  readonly operators: readonly string[];
}

async function convert(name: string, options: HalfOptions = {}): Promise<Converted> {
  const file = join(await makeTemporaryFolder(), 'model.onnx');
  const model = await readModelFile(fixture(name));
  const report = convertToHalf(model.message, options, name, model.loadExternal);
  await writeModelFile(model, file);
  const operators = nodesOf((await readModelFile(file)).message.message(7)!).map(({ opType }) => opType);
  return { file, report, operators };
}

function asHalf(tensor: Tensor): Tensor {
  const bits = toHalfBits(Float32Array.from(readValues(tensor)!), noHalfCounts());
  return { ...tensor, dataType: 'FP16', bytes: new Uint8Array(bits.buffer) };
}

/** Largest error of the converted model in ONNX Runtime over seeded inputs. */
async function errorOf(name: string, { file }: Converted, shapes: Record<string, number[]> = {}): Promise<number> {
  const reference = await recordReference(
    { name, modelFile: fixture(name), config: undefined },
    { count: 4, seed: 3, contents: { shapes } },
  );
  const session = new OrtSession(loadOrtLibrary(), file);
  const tally = new AccuracyTally();
  try {
    for (const { inputs, outputs } of reference.samples) {
      const given = inputs.map((tensor) =>
        session.inputs.find(({ name: input }) => input === tensor.name)?.dataType === 'FP16' ? asHalf(tensor) : tensor,
      );
      tally.add(outputs, session.run(given));
    }
  } finally {
    session.close();
  }
  return tally.report().metrics.accuracy_max_abs!;
}

interface Expected {
  readonly kept: readonly string[];
  readonly operators: readonly string[];
  readonly shapes?: Record<string, number[]>;
}

const models: Readonly<Record<string, Expected>> = {
  shape_arithmetic: {
    kept: ['Cast index-arithmetic', 'Mul index-arithmetic', 'Floor index-arithmetic'],
    operators: ['Shape', 'Cast', 'Mul', 'Floor', 'Cast', 'Cast', 'Resize', 'Relu', 'Cast'],
    shapes: { x: [1, 1, 2, 3001] },
  },
  shared_constant: { kept: [], operators: ['Cast', 'Conv', 'Resize', 'Gather', 'Mul', 'Cast'] },
  branches: {
    kept: ['If control-flow', 'Exp range'],
    operators: ['Cast', 'MatMul', 'ReduceSum', 'Greater', 'If', 'Cast', 'Add', 'Cast'],
  },
  loop: { kept: ['Loop control-flow'], operators: ['Cast', 'Relu', 'Cast', 'Loop', 'Cast', 'Sigmoid', 'Cast'] },
  scan: { kept: ['Scan control-flow'], operators: ['Scan', 'Cast', 'Softmax', 'Cast'] },
  out_of_range: {
    kept: ['Add constants', 'Div constants'],
    operators: ['Cast', 'Sub', 'Mul', 'Cast', 'Add', 'Softmax', 'Cast', 'Add', 'Div'],
  },
  constant_nodes: {
    kept: ['Exp range'],
    operators: [
      ...['Shape', 'ConstantOfShape', 'ConstantOfShape', 'Constant', 'Constant', 'Constant', 'Exp', 'Cast', 'Add'],
      ...['Mul', 'Add', 'Add', 'Cast', 'Add', 'Cast'],
    ],
  },
  read_outputs: {
    kept: ['Exp range', 'Reshape between-kept', 'Log range'],
    operators: ['Cast', 'Relu', 'Cast', 'Sigmoid', 'TopK', 'Cast', 'Exp', 'Reshape', 'Log', 'Cast', 'Add', 'Cast'],
  },
  mixed_before: { kept: ['Exp range'], operators: ['Cast', 'Relu', 'MatMul', 'Cast', 'Exp', 'Cast'] },
  old_form: {
    kept: ['Exp range'],
    operators: ['Cast', 'Cast', 'MatMul', 'Exp', 'Cast', 'MatMul', 'Relu', 'Cast'],
  },
  optional_input: { kept: [], operators: ['Cast', 'Cast', 'Mul', 'Tanh', 'Cast'] },
  quantized: {
    kept: ['QuantizeLinear unsupported', 'DequantizeLinear unsupported'],
    operators: ['Cast', 'Relu', 'Cast', 'QuantizeLinear', 'DequantizeLinear', 'Cast', 'MatMul', 'Cast'],
  },
  full_outputs: { kept: [], operators: ['Cast', 'LayerNormalization', 'Cast', 'Mul', 'Cast'] },
  external: { kept: [], operators: ['Cast', 'MatMul', 'Add', 'Gather', 'Cast', 'Add', 'Cast'] },
};

describe.each(Object.entries(models))('the conversion of %s', (name, { kept, operators, shapes = {} }) => {
  it('keeps what must stay 32-bit, shares Casts, and gives nearly the same answers', async () => {
    const converted = await convert(name);
    expect(converted.report.kept.map(({ opType, reason }) => `${opType} ${reason}`)).toEqual(kept);
    expect(converted.operators).toEqual(operators);
    expect(await errorOf(name, converted, shapes)).toBeLessThan(0.03);
  });

  it('changes types of inputs and outputs only when told to, and never their names', async () => {
    const before = await readModelSignature(fixture(name));
    expect(await readModelSignature((await convert(name)).file)).toEqual(before);
    const converted = await convert(name, { keepIoTypes: false });
    const after = await readModelSignature(converted.file);
    const halved = <Value extends { readonly dataType: string }>(values: readonly Value[] = []): Value[] =>
      values.map((value) => (value.dataType === 'FP32' ? { ...value, dataType: 'FP16' } : value));
    expect(after.inputs).toEqual(halved(before.inputs));
    expect(after.overridableInputs).toEqual(before.overridableInputs && halved(before.overridableInputs));
    expect(after.outputs).toEqual(halved(before.outputs));
    expect(await errorOf(name, converted, shapes)).toBeLessThan(0.06);
  });
});

describe('the conversion', () => {
  it('tells which constants did not fit', async () => {
    const { report } = await convert('out_of_range');
    expect(report.outOfRange).toEqual([{ name: 'far', clamped: 1, raised: 0 }]);
  });

  it('keeps weights outside of the file where they were outside', async () => {
    const { file } = await convert('external');
    expect((await readModelFile(file)).externalFiles).toEqual(['model.onnx.data']);
  });

  it('keeps operators and single nodes that the user names', async () => {
    const { report } = await convert('read_outputs', { keepFp32: ['Sigmoid', 'TopK'] });
    expect(report.kept.filter(({ reason }) => reason === 'requested').map(({ opType }) => opType)).toEqual([
      'Sigmoid',
      'TopK',
    ]);
  });

  it('refuses words that the model does not have, all together, with the nearest that it has', async () => {
    await expect(convert('read_outputs', { keepFp32: ['Sigmoit', 'NODE:head'] })).rejects.toMatchObject({
      code: 'BAD_OPTION',
      problems: [
        { where: '--keep-fp32 Sigmoit', hint: 'did you mean Sigmoid?' },
        { where: '--keep-fp32 NODE:head', what: "the model has no node 'head'" },
      ],
    });
  });

  it('refuses models with functions of their own', async () => {
    await expect(convert('local_function')).rejects.toThrow(/functions of its own/);
  });

  it('refuses what is no ONNX model', async () => {
    const file = join(packageRoot, 'package.json');
    await expect(readModelFile(file)).rejects.toThrow(PerfTsError);
    const folder = await makeTemporaryFolder();
    await mkdir(join(folder, 'model.onnx'));
    await expect(readModelFile(join(folder, 'model.onnx'))).rejects.toThrow(/cannot be read/);
  });

  it('writes a model without 32-bit floats back as it was', async () => {
    const file = join(await makeTemporaryFolder(), 'model.onnx');
    const bytes = buildZooModel('add_sub');
    await writeFile(file, bytes);
    const { message, loadExternal } = await readModelFile(file);
    const report = convertToHalf(message, {}, file, loadExternal);
    expect(report).toMatchObject({ convertedCount: 0, kept: [], castCount: 0 });
    expect(Buffer.compare(message.toBytes(), bytes)).toBe(0);
  });
});
