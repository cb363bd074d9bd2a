import { mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PerfTsError } from '../../src/common/errors.js';
import { MessageWriter } from '../../src/onnx/message-writer.js';
import { graphField, modelField, opsetField, tensorField, typeField, valueField } from '../../src/onnx/onnx-fields.js';
import { readModelSignature } from '../../src/onnx/read-signature.js';
import { buildGraph, buildZooModel } from '../../src/onnx/zoo/zoo.js';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'perf-ts-signature-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function readBytes(bytes: Uint8Array) {
  const file = join(folder, 'model.onnx');
  await writeFile(file, bytes);
  return readModelSignature(file);
}

async function refusalOf(bytes: Uint8Array): Promise<string> {
  const thrown = await readBytes(bytes).catch((error: unknown) => error);
  if (!(thrown instanceof PerfTsError) || thrown.code !== 'BAD_FILE')
    throw new Error(`not refused: ${JSON.stringify(thrown)}`);
  return thrown.message.replaceAll(join(folder, 'model.onnx'), 'FILE');
}

const message = () => new MessageWriter();
const opset = message().text(opsetField.domain, '').number(opsetField.version, 17);
const tensorOf = (elementType: number, ...dims: MessageWriter[]): MessageWriter => {
  const shape = message();
  for (const dim of dims) shape.message(1, dim);
  return message().message(typeField.tensor, message().number(1, elementType).message(2, shape));
};
const value = (name: string, type: MessageWriter) =>
  message().text(valueField.name, name).message(valueField.type, type);
const modelOf = (graph: MessageWriter): Uint8Array =>
  message()
    .number(modelField.irVersion, 8)
    .message(modelField.graph, graph)
    .message(modelField.opsetImport, opset)
    .toBytes();

describe('readModelSignature', () => {
  it('reads names, types, shapes, opset and producer', async () => {
    expect(await readBytes(buildZooModel('text_recognition'))).toEqual({
      inputs: [{ name: 'input.1', dataType: 'FP32', shape: [-1, 1, 32, 100] }],
      outputs: [{ name: '308', dataType: 'FP32', shape: [-1, 26, 37] }],
      opset: 17,
      producer: 'perf-ts',
    });
    expect(await readBytes(buildZooModel('add_sub'))).toMatchObject(buildGraph('add_sub').signature());
  });

  it('leaves initializers out of the inputs, wherever they stand in the graph', async () => {
    const weights = message().bytes(tensorField.rawData, new Uint8Array(200_000)).text(tensorField.name, 'w');
    const graph = message()
      .message(graphField.input, value('w', tensorOf(1)))
      .message(graphField.initializer, weights)
      .message(graphField.input, value('x', tensorOf(7, message().text(2, 'n'), message().number(1, 5), message())))
      .message(graphField.output, value('y', tensorOf(8)));
    expect(await readBytes(modelOf(graph))).toMatchObject({
      inputs: [{ name: 'x', dataType: 'INT64', shape: [-1, 5, -1] }],
      outputs: [{ name: 'y', dataType: 'BYTES', shape: [] }],
    });
  });

  it('skips weights without reading them: a sparse file of 3 GB takes a moment', async () => {
    const file = join(folder, 'large.onnx');
    const outputs = message().message(graphField.output, value('y', tensorOf(1, message().text(2, 'batch'))));
    const payload = 3 * 1024 ** 3;
    // The graph's header with a tensor whose content is a hole in the file.
    const tail = outputs.toBytes();
    const [tensorHead, tensorLength] = lengthPrefixed(tensorField.rawData, payload);
    const [initializerHead, initializerLength] = lengthPrefixed(graphField.initializer, tensorLength);
    const [graphHead] = lengthPrefixed(modelField.graph, initializerLength + tail.length);
    const head = Buffer.concat([
      message().number(modelField.irVersion, 8).message(modelField.opsetImport, opset).toBytes(),
      graphHead,
      initializerHead,
      tensorHead,
    ]);
    const handle = await open(file, 'w');
    await handle.write(head, 0, head.length, 0);
    await handle.write(tail, 0, tail.length, head.length + payload);
    await handle.close();
    expect((await readModelSignature(file)).outputs).toEqual([{ name: 'y', dataType: 'FP32', shape: [-1] }]);
    await rm(file);
  });

  it('says what is wrong with a file that is missing, a folder, empty, or something else', async () => {
    await expect(readModelSignature(join(folder, 'none.onnx'))).rejects.toThrow('the file does not exist');
    await expect(readModelSignature(folder)).rejects.toThrow('cannot be read');
    expect(await refusalOf(new Uint8Array(0))).toContain('FILE: the file is empty');
    expect(await refusalOf(Buffer.from('this is no model, it is a text'))).toContain(
      'FILE: it is broken or not an ONNX model',
    );
    expect(await refusalOf(message().number(modelField.irVersion, 8).toBytes())).toContain(
      'FILE: it is not an ONNX model',
    );
  });

  it('refuses a model cut short at any byte', async () => {
    const whole = buildZooModel('add_sub');
    for (let length = 1; length < whole.length; length++) {
      expect(await refusalOf(whole.subarray(0, length))).toMatch(/not an ONNX model/);
    }
    expect(await refusalOf(buildZooModel('simple_cnn').subarray(0, 100_000))).toContain('the file ends at byte 100000');
  });

  it('never fails in another way than BAD_FILE on damaged files', async () => {
    const whole = buildZooModel('identity');
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: whole.length - 1 }), fc.nat({ max: 255 }), async (at, byte) => {
        const damaged = Uint8Array.from(whole);
        damaged[at] = byte;
        const result = await readBytes(damaged).catch((error: unknown) => error);
        if (result instanceof Error) expect(result).toMatchObject({ code: 'BAD_FILE' });
      }),
    );
  });

  it('reports every input and output that the protocol cannot carry', async () => {
    const sequence = message().message(typeField.sequence, message());
    const graph = message()
      .message(graphField.input, value('c', tensorOf(14)))
      .message(graphField.output, value('s', sequence));
    expect(await refusalOf(modelOf(graph))).toBe(
      "FILE: input 'c' is a tensor of ONNX element type 14, which the protocol cannot carry; FILE: output 's' is a sequence, which the protocol cannot carry",
    );
  });
});

/** The tag and length of a bytes field of `length`, and the length of the whole field. */
function lengthPrefixed(field: number, length: number): [Buffer, number] {
  const head: number[] = [field * 8 + 2];
  let rest = length;
  for (; rest >= 128; rest = Math.floor(rest / 128)) head.push((rest % 128) + 128);
  head.push(rest);
  return [Buffer.from(head), head.length + length];
}
