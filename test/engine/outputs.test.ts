import { afterEach, describe, expect, it } from 'vitest';
import { InlineModels } from '../../engine/instance/inline-models.js';
import type { ServedModel } from '../../engine/served-model.js';
import type { Tensor } from '../../src/kserve/tensor.js';
import type { InputConfig, ModelConfig } from '../../src/model-config/model-config.js';
import { ask, dynamicBatching, loadTestModel, outputsOf, tensorConfig } from '../support/load-test-model.js';
import { bytesOf, floats, framed, tensor, toFloats } from '../support/model-files.js';

const loaded: ServedModel[] = [];
afterEach(async () => {
  await Promise.all(loaded.splice(0).map((model) => model.close()));
});

async function load(name: string, config: ModelConfig, isInline = false): Promise<ServedModel> {
  const model = await loadTestModel(name, config, isInline ? { inlineModels: new InlineModels() } : {});
  loaded.push(model);
  return model;
}

const inputs = [tensorConfig('X', 'FP32', [4]), tensorConfig('ID', 'INT64', [1]), tensorConfig('FLAG', 'BOOL', [3])];
const passConfig: ModelConfig = {
  input: inputs,
  output: [tensorConfig('Z', 'FP32', [4]), ...inputs],
  max_batch_size: 8,
};

/** The same tensors of a model that does not batch: its first dimension may be any. */
const open = (tensors: readonly InputConfig[]) => tensors.map((one) => ({ ...one, dims: [-1, ...one.dims] }));

/** A request whose every byte tells which one it is. */
function passInputs(id: number, rows: number): Tensor[] {
  const values = Array.from({ length: rows * 4 }, (_, place) => id * 100 + place);
  const flags = Uint8Array.from({ length: rows * 3 }, (_, place) => (id >> (place % 3)) & 1);
  return [
    floats('X', [rows, 4], values),
    tensor('ID', 'INT64', [rows, 1], bytesOf(BigInt64Array.from({ length: rows }, (_, row) => BigInt(id * 7 + row)))),
    tensor('FLAG', 'BOOL', [rows, 3], flags),
  ];
}

const kinds: readonly { readonly kind: string; readonly config: ModelConfig; readonly isInline?: boolean }[] = [
  { kind: 'an instance', config: passConfig },
  { kind: 'an instance on the main thread', config: passConfig, isInline: true },
  { kind: 'the main thread with batching', config: { ...passConfig, ...dynamicBatching() }, isInline: true },
  {
    kind: 'dynamic batching on two instances',
    config: { ...passConfig, ...dynamicBatching(), instance_group: [{ count: 2 }] },
  },
  { kind: 'batching that keeps the order', config: { ...passConfig, ...dynamicBatching({ preserve_ordering: true }) } },
  {
    kind: 'shapes that are open',
    config: { input: open(inputs), output: open(passConfig.output!), instance_group: [{ count: 2 }] },
  },
];

describe.each(kinds)('outputs that are inputs, on $kind', ({ config, isInline = false }) => {
  it('are those of the request, beside what is computed', { timeout: 60_000 }, async () => {
    const model = await load('pass_through', config, isInline);
    for (let round = 0; round < 8; round++) {
      await Promise.all(
        Array.from({ length: 24 }, async (_, place) => {
          const id = round * 24 + place;
          const sent = passInputs(id, 1 + (id % 3));
          const outputs = await outputsOf(model, sent);
          expect(outputs.map(({ name }) => name)).toEqual(['FLAG', 'ID', 'X', 'Z']);
          for (const input of sent) {
            const output = outputs.find(({ name }) => name === input.name)!;
            expect([output.shape, [...output.bytes]]).toEqual([input.shape, [...input.bytes]]);
          }
          expect(toFloats(outputs[3]!)).toEqual(toFloats(sent[0]!).map((value) => -value));
        }),
      );
    }
  });
});

describe('strings that are inputs and outputs', () => {
  it.each([0, 8])('come back, with a max_batch_size of %i', async (maxBatchSize) => {
    const dims = maxBatchSize > 0 ? [1] : [-1, 1];
    const text = tensorConfig('TEXT', 'STRING', dims);
    const model = await load('pass_text', {
      input: [text],
      output: [text, tensorConfig('ECHO', 'STRING', dims)],
      max_batch_size: maxBatchSize,
      ...(maxBatchSize > 0 ? dynamicBatching() : {}),
    });
    await Promise.all(
      Array.from({ length: 40 }, async (_, id) => {
        const bytes = framed([`text ${id} ${'x'.repeat(id * 40)}`, '', `${id}`]);
        const outputs = await outputsOf(model, [tensor('TEXT', 'BYTES', [3, 1], bytes)]);
        expect(outputs.map(({ name }) => name)).toEqual(['ECHO', 'TEXT']);
        for (const output of outputs) expect(Buffer.from(output.bytes).equals(Buffer.from(bytes))).toBe(true);
      }),
    );
  });
});

describe('the order of outputs', () => {
  const orders = [passConfig.output!, [...passConfig.output!].reverse()];

  it('is that of their names, whatever the config and the request say', async () => {
    for (const output of orders) {
      const model = await load('pass_through', { ...passConfig, output });
      expect(model.metadata.outputs.map(({ name }) => name)).toEqual(output.map(({ name }) => name));
      const requestedOutputs = ['Z', 'ID', 'FLAG'];
      const outputs = await outputsOf(model, passInputs(3, 2), { requestedOutputs });
      expect(outputs.map(({ name }) => name)).toEqual(['FLAG', 'ID', 'Z']);
    }
  });
});

describe('outputs larger than their slots', () => {
  // Each is larger than all before it, so none fits; that ends when the slots have grown, so models are loaded anew.
  it.each([1, 2, 3])('are those of the request that asked, with %i instances', { timeout: 60_000 }, async (count) => {
    for (let loads = 0; loads < 6; loads++) {
      const model = await load('grow', {
        input: [tensorConfig('ID', 'INT64', [1]), tensorConfig('N', 'INT64', [1])],
        output: [tensorConfig('OUT', 'INT64', [-1])],
        instance_group: [{ count }],
      });
      const wrong: string[] = [];
      let size = 10;
      await Promise.all(
        Array.from({ length: 32 }, async (_, worker) => {
          for (let turn = 0; turn < 12; turn++) {
            const id = worker * 1000 + turn;
            size += 20;
            const asked = size + 13 * (turn % 7);
            const number = (name: string, value: number) =>
              tensor(name, 'INT64', [1], bytesOf(BigInt64Array.of(BigInt(value))));
            const outcome = await ask(model, [number('ID', id), number('N', asked)]);
            if (outcome.state === 'failed') wrong.push(outcome.failure.message);
            else {
              const answer = new BigInt64Array(Uint8Array.from(outcome.outputs[0]!.bytes).buffer);
              if (answer.length !== asked || answer.some((value) => value !== BigInt(id))) wrong.push(`${id}`);
            }
          }
        }),
      );
      expect(wrong).toEqual([]);
    }
  });

  it('are those of the request when they are strings', { timeout: 60_000 }, async () => {
    const model = await load('grow_text', {
      input: [tensorConfig('TEXT', 'STRING', [1]), tensorConfig('N', 'INT64', [1])],
      output: [tensorConfig('OUT', 'STRING', [-1])],
      instance_group: [{ count: 2 }],
    });
    await Promise.all(
      Array.from({ length: 200 }, async (_, id) => {
        const count = 1 + ((id * 31) % 400);
        const text = `request ${id}`;
        const [output] = await outputsOf(model, [
          tensor('TEXT', 'BYTES', [1], framed([text])),
          tensor('N', 'INT64', [1], bytesOf(BigInt64Array.of(BigInt(count)))),
        ]);
        const expected = framed(new Array<string>(count).fill(text));
        expect(output!.shape).toEqual([count]);
        expect(Buffer.from(output!.bytes).equals(Buffer.from(expected))).toBe(true);
      }),
    );
  });
});
