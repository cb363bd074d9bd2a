/** Models whose answers tell whose they are, and requests for them: each knows its own right answer. */
import { Buffer } from 'node:buffer';

const int64 = (name, value) => ({
  name,
  dataType: 'INT64',
  shape: [1],
  bytes: new Uint8Array(BigInt64Array.of(BigInt(value)).buffer),
});

function framed(texts) {
  const parts = texts.flatMap((text) => {
    const bytes = Buffer.from(text);
    const length = Buffer.alloc(4);
    length.writeUInt32LE(bytes.length);
    return [length, bytes];
  });
  return new Uint8Array(Buffer.concat(parts));
}

const float32 = (name, shape, values) => ({
  name,
  dataType: 'FP32',
  shape,
  bytes: new Uint8Array(Float32Array.from(values).buffer),
});

const instances = 'instance_group { kind: KIND_CPU count: COUNT }\n';

/** Files of test/support/models and their configs; COUNT stands for the number of instances. */
export const answerModels = {
  grow: { file: 'grow.onnx', config: instances },
  grow_text: { file: 'grow_text.onnx', config: instances },
  pass_through: { file: 'pass_through.onnx', config: `max_batch_size: 8\ndynamic_batching { }\n${instances}` },
  pass_alone: { file: 'pass_through.onnx', config: `max_batch_size: 8\n${instances}` },
  pass_text: { file: 'pass_text.onnx', config: `max_batch_size: 8\ndynamic_batching { }\n${instances}` },
};

/** The request `id` of each model, with `size` elements where its answers may have any, and the outputs in their order. */
export const makeRequest = {
  grow: (id, size) => ({
    inputs: [int64('ID', id * 1_000_003), int64('N', size)],
    outputs: [['OUT', new Uint8Array(new BigInt64Array(size).fill(BigInt(id * 1_000_003)).buffer)]],
  }),
  grow_text(id, size) {
    const text = `request ${id} ${'x'.repeat(id % 37)}`;
    return {
      inputs: [{ name: 'TEXT', dataType: 'BYTES', shape: [1], bytes: framed([text]) }, int64('N', size)],
      outputs: [['OUT', framed(new Array(size).fill(text))]],
    };
  },
  pass_through: passed,
  pass_alone: passed,
  pass_text(id) {
    const bytes = framed([`text ${id}`, '', 'y'.repeat(id % 500)]);
    return {
      inputs: [{ name: 'TEXT', dataType: 'BYTES', shape: [3, 1], bytes }],
      outputs: [
        ['ECHO', bytes],
        ['TEXT', bytes],
      ],
    };
  },
};

function passed(id) {
  const rows = 1 + (id % 3);
  const values = Array.from({ length: rows * 4 }, (_, place) => (id % 100_000) * 16 + place);
  const x = float32('X', [rows, 4], values);
  const ids = new Uint8Array(BigInt64Array.from({ length: rows }, (_, row) => BigInt(id * 8 + row)).buffer);
  const flags = Uint8Array.from({ length: rows * 3 }, (_, place) => (id >> (place % 3)) & 1);
  const negated = float32(
    'Z',
    [rows, 4],
    values.map((value) => -value),
  );
  return {
    inputs: [
      x,
      { name: 'ID', dataType: 'INT64', shape: [rows, 1], bytes: ids },
      { name: 'FLAG', dataType: 'BOOL', shape: [rows, 3], bytes: flags },
    ],
    outputs: [
      ['FLAG', flags],
      ['ID', ids],
      ['X', x.bytes],
      ['Z', negated.bytes],
    ],
  };
}

/** What is wrong with the outputs of a response, or undefined. */
export function findWrong(expected, outputs) {
  const names = outputs.map(({ name }) => name).join();
  const wanted = expected.map(([name]) => name).join();
  if (names !== wanted) return `outputs ${names}, not ${wanted}`;
  for (const [place, [name, bytes]] of expected.entries()) {
    if (!Buffer.from(outputs[place].bytes).equals(Buffer.from(bytes))) {
      return `'${name}' has ${outputs[place].bytes.length} other bytes, not its ${bytes.length}`;
    }
  }
  return undefined;
}
