import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { loadModel } from '../../engine/model.js';
import type { ServedModel } from '../../engine/served-model.js';
import type { ModelConfig } from '../../src/model-config/model-config.js';
import { catchWorkers, hasEnded } from '../support/catch-workers.js';
import {
  addSubConfig,
  ask,
  busyConfig,
  dynamicBatching,
  loadTestModel,
  outputsOf,
  tensorConfig,
} from '../support/load-test-model.js';
import { bytesOf, floats, framed, modelFile, tensor, toFloats } from '../support/model-files.js';

const loaded: ServedModel[] = [];
async function load(name: string, config: ModelConfig): Promise<ServedModel> {
  const model = await loadTestModel(name, config);
  loaded.push(model);
  return model;
}
afterEach(async () => {
  await Promise.all(loaded.splice(0).map((model) => model.close()));
});

const addSubInputs = (rows: number, first: number) => {
  const values = Array.from({ length: rows * 4 }, (_, index) => first + index);
  return [
    floats('INPUT0', [rows, 4], values),
    floats(
      'INPUT1',
      [rows, 4],
      values.map(() => 1),
    ),
  ];
};

describe('a served model', () => {
  it('describes itself with the batch dimension', async () => {
    const model = await load('add_sub', addSubConfig);
    expect(model.metadata).toEqual({
      name: 'add_sub',
      versions: ['1'],
      platform: 'onnxruntime_onnx',
      inputs: [
        { name: 'INPUT0', datatype: 'FP32', shape: [-1, 4] },
        { name: 'INPUT1', datatype: 'FP32', shape: [-1, 4] },
      ],
      outputs: [
        { name: 'OUTPUT0', datatype: 'FP32', shape: [-1, 4] },
        { name: 'OUTPUT1', datatype: 'FP32', shape: [-1, 4] },
      ],
    });
  });

  it('answers with all outputs, or with those asked for', async () => {
    const model = await load('add_sub', addSubConfig);
    const [sum, difference] = await outputsOf(model, addSubInputs(1, 1));
    expect(sum).toMatchObject({ name: 'OUTPUT0', dataType: 'FP32', shape: [1, 4] });
    expect([toFloats(sum!), toFloats(difference!)]).toEqual([
      [2, 3, 4, 5],
      [0, 1, 2, 3],
    ]);
    const asked = await outputsOf(model, addSubInputs(1, 1), { requestedOutputs: ['OUTPUT1'] });
    expect(asked.map(({ name }) => name)).toEqual(['OUTPUT1']);
  });

  it('gives each request its own rows, whatever batch they ran in', async () => {
    const model = await load('add_sub', { ...addSubConfig, ...dynamicBatching(), instance_group: [{ count: 2 }] });
    const requests = Array.from({ length: 300 }, (_, index) => ({ rows: 1 + (index % 3), first: index * 100 }));
    const answers = await Promise.all(requests.map(({ rows, first }) => outputsOf(model, addSubInputs(rows, first))));
    answers.forEach(([sum], index) => {
      const { rows, first } = requests[index]!;
      expect(sum!.shape).toEqual([rows, 4]);
      expect(toFloats(sum!)).toEqual(Array.from({ length: rows * 4 }, (_, offset) => first + offset + 1));
    });
    const { inference_count, execution_count, inference_stats, batch_stats } = model.statistics();
    expect(inference_count).toBe(600);
    expect(inference_stats.success.count).toBe(300);
    expect(batch_stats.reduce((sum, batch) => sum + batch.compute_infer.count, 0)).toBe(execution_count);
    expect(batch_stats.reduce((sum, batch) => sum + batch.compute_infer.count * batch.batch_size, 0)).toBe(600);
    expect(execution_count).toBeLessThan(300);
  });

  it('executes each request by itself without dynamic batching', async () => {
    const model = await load('add_sub', addSubConfig);
    await Promise.all(Array.from({ length: 20 }, (_, index) => outputsOf(model, addSubInputs(1 + (index % 2), 0))));
    const { inference_count, execution_count } = model.statistics();
    expect([inference_count, execution_count]).toEqual([30, 20]);
  });

  it('forms a batch of requests that come within the queue delay', async () => {
    const model = await load('add_sub', {
      ...addSubConfig,
      ...dynamicBatching({ max_queue_delay_microseconds: 50_000 }),
    });
    await Promise.all(Array.from({ length: 8 }, () => outputsOf(model, addSubInputs(1, 0))));
    await Promise.all(Array.from({ length: 3 }, () => outputsOf(model, addSubInputs(1, 0))));
    expect(model.statistics().batch_stats.map(({ batch_size }) => batch_size)).toEqual([3, 8]);
  });

  it('answers in the order of arrival where the config wants that', async () => {
    const model = await load('busy', {
      ...busyConfig,
      ...dynamicBatching({ preserve_ordering: true, preferred_batch_size: [1, 2] }),
      instance_group: [{ count: 3 }],
    });
    const order: number[] = [];
    await Promise.all(
      Array.from({ length: 60 }, async (_, index) => {
        await outputsOf(model, [floats('X', [1 + (index % 2), 64], new Array<number>((1 + (index % 2)) * 64).fill(1))]);
        order.push(index);
      }),
    );
    expect(order).toEqual(Array.from({ length: 60 }, (_, index) => index));
  });

  it('runs a model whose input shapes vary, and keeps different shapes apart', async () => {
    const model = await load('dynamic_double', {
      input: [tensorConfig('X', 'FP32', [-1])],
      output: [tensorConfig('Y', 'FP32', [-1])],
      max_batch_size: 8,
      ...dynamicBatching(),
    });
    const lengths = Array.from({ length: 60 }, (_, index) => [0, 3, 5000, 3, 1][index % 5]!);
    const answers = await Promise.all(
      lengths.map((length, index) =>
        outputsOf(model, [floats('X', [1, length], new Array<number>(length).fill(index))]),
      ),
    );
    answers.forEach(([doubled], index) => {
      expect(doubled!.shape).toEqual([1, lengths[index]]);
      expect(toFloats(doubled!)).toEqual(new Array<number>(lengths[index]!).fill(2 * index));
    });
  });

  it('returns outputs that are larger than the inputs and of a shape known only afterwards', async () => {
    const model = await load('nonzero', {
      input: [tensorConfig('X', 'FP32', [-1])],
      output: [tensorConfig('Y', 'INT64', [1, -1])],
      max_batch_size: 0,
    });
    for (const length of [4, 1000, 10, 20_000]) {
      const [places] = await outputsOf(model, [floats('X', [length], new Array<number>(length).fill(1))]);
      expect(places!.shape).toEqual([1, length]);
      expect(new BigInt64Array(places!.bytes.buffer).at(-1)).toBe(BigInt(length - 1));
    }
    const [nothing] = await outputsOf(model, [floats('X', [0], [])]);
    expect(nothing!.shape).toEqual([1, 0]);
  });

  it('carries strings, each request its own', async () => {
    const model = await load('string_identity', {
      input: [tensorConfig('TEXT', 'STRING', [2])],
      output: [tensorConfig('ECHO', 'STRING', [2])],
      max_batch_size: 8,
      ...dynamicBatching(),
    });
    const texts = Array.from({ length: 40 }, (_, index) => [`text ${index}`, 'ü'.repeat(index * 7)]);
    const answers = await Promise.all(
      texts.map((pair) => outputsOf(model, [tensor('TEXT', 'BYTES', [1, 2], framed(pair))])),
    );
    answers.forEach(([echo], index) => {
      expect(Buffer.compare(echo!.bytes, framed(texts[index]!))).toBe(0);
    });
  });

  it('carries FP16, BF16 and BOOL', async () => {
    const model = await load('half_not', {
      input: [tensorConfig('HALF', 'FP16', [3]), tensorConfig('BRAIN', 'BF16', [2]), tensorConfig('FLAG', 'BOOL', [3])],
      output: [
        tensorConfig('HALF_OUT', 'FP16', [3]),
        tensorConfig('BRAIN_OUT', 'BF16', [2]),
        tensorConfig('FLAG_OUT', 'BOOL', [3]),
      ],
      max_batch_size: 4,
    });
    const outputs = await outputsOf(model, [
      tensor('HALF', 'FP16', [1, 3], Uint8Array.of(0, 60, 0, 64, 0, 66)),
      tensor('BRAIN', 'BF16', [1, 2], Uint8Array.of(128, 63, 0, 64)),
      tensor('FLAG', 'BOOL', [1, 3], Uint8Array.of(1, 0, 1)),
    ]);
    expect(outputs.map(({ name, bytes }) => [name, ...bytes])).toEqual([
      ['BRAIN_OUT', 128, 63, 0, 64],
      ['FLAG_OUT', 0, 1, 0],
      ['HALF_OUT', 0, 60, 0, 64, 0, 66],
    ]);
  });

  it('gives a scalar to a model that wants one where the config can only say [1]', async () => {
    const model = await load('true_scalar', {
      input: [tensorConfig('X', 'FP32', [1])],
      output: [tensorConfig('Y', 'FP32', [1])],
    });
    const [negated] = await outputsOf(model, [floats('X', [1], [7])]);
    expect([negated!.shape, toFloats(negated!)]).toEqual([[1], [-7]]);
  });

  it('reshapes between what clients see and what the model has', async () => {
    const model = await load('scalar', {
      input: [{ ...tensorConfig('X', 'FP32', [1]), reshape: { shape: [] } }],
      output: [{ ...tensorConfig('Y', 'FP32', [1]), reshape: { shape: [] } }],
      max_batch_size: 4,
      ...dynamicBatching({ preferred_batch_size: [4] }),
    });
    const [negated] = await outputsOf(model, [floats('X', [3, 1], [1, 2, 3])]);
    expect([negated!.shape, toFloats(negated!)]).toEqual([
      [3, 1],
      [-1, -2, -3],
    ]);
  });

  it('leaves out an output that the config leaves out', async () => {
    const model = await load('add_sub', { ...addSubConfig, output: [tensorConfig('OUTPUT1', 'FP32', [4])] });
    const outputs = await outputsOf(model, addSubInputs(1, 5));
    expect(outputs.map((output) => [output.name, toFloats(output)])).toEqual([['OUTPUT1', [4, 5, 6, 7]]]);
  });

  it('fails a request whose execution fails, with the reason, and goes on', async () => {
    const model = await load('gather', {
      input: [tensorConfig('INDEX', 'INT64', [1])],
      output: [tensorConfig('VALUE', 'FP32', [1])],
      max_batch_size: 4,
    });
    const index = (value: bigint) => [tensor('INDEX', 'INT64', [1, 1], bytesOf(BigInt64Array.of(value)))];
    expect(await ask(model, index(7n))).toMatchObject({
      state: 'failed',
      failure: { status: 'INTERNAL', message: expect.stringContaining('out of data bounds') },
    });
    expect(toFloats((await outputsOf(model, index(2n)))[0]!)).toEqual([30]);
    const { inference_count, execution_count, inference_stats } = model.statistics();
    expect([inference_count, execution_count]).toEqual([1, 1]);
    expect([inference_stats.fail.count, inference_stats.success.count]).toEqual([1, 1]);
  });

  it('refuses a request that does not fit without counting it, as Triton does', async () => {
    const model = await load('add_sub', addSubConfig);
    expect(await ask(model, [])).toMatchObject({ state: 'failed', failure: { status: 'INVALID_ARGUMENT' } });
    expect(model.statistics().inference_stats.fail.count).toBe(0);
  });

  it('measures queue and compute times that fit into the whole', async () => {
    const model = await load('busy', { ...busyConfig, ...dynamicBatching() });
    await Promise.all(
      Array.from({ length: 16 }, () => outputsOf(model, [floats('X', [1, 64], new Array<number>(64).fill(1))])),
    );
    const { success, queue, compute_input, compute_infer, compute_output } = model.statistics().inference_stats;
    expect(compute_infer.ns).toBeGreaterThan(0);
    expect(queue.ns + compute_input.ns + compute_infer.ns + compute_output.ns).toBeLessThanOrEqual(success.ns);
    expect([queue, compute_input, compute_infer, compute_output].map(({ count }) => count)).toEqual([16, 16, 16, 16]);
  });

  it('drops a request that was cancelled in the queue', async () => {
    const model = await load('add_sub', {
      ...addSubConfig,
      ...dynamicBatching({ max_queue_delay_microseconds: 20_000 }),
    });
    let isGone = false;
    const cancelled = ask(model, addSubInputs(1, 0), { isCancelled: () => isGone });
    isGone = true;
    expect(await cancelled).toMatchObject({ state: 'failed', failure: { status: 'CANCELLED' } });
    expect(model.statistics().execution_count).toBe(0);
  });
});

describe('closing a model', () => {
  it('answers what it accepted, refuses the rest, and ends its threads', async () => {
    const config = { ...busyConfig, instance_group: [{ count: 2 }] };
    const { loaded: model, workers } = await catchWorkers(() => loadTestModel('busy', config));
    expect(workers.map(hasEnded)).toEqual([false, false]);
    const input = [floats('X', [1, 64], new Array<number>(64).fill(1))];
    const accepted = Array.from({ length: 20 }, () => ask(model, input));
    const closing = model.close();
    expect(await ask(model, input)).toMatchObject({ state: 'failed', failure: { status: 'UNAVAILABLE' } });
    const outcomes = await Promise.all(accepted);
    expect(outcomes.every(({ state }) => state === 'ok')).toBe(true);
    await closing;
    await model.close();
    expect(workers.map(hasEnded)).toEqual([true, true]);
  });

  it('does not wait for ever for a cancelled request', async () => {
    const model = await loadTestModel('add_sub', {
      ...addSubConfig,
      ...dynamicBatching({ max_queue_delay_microseconds: 10_000 }),
    });
    const cancelled = ask(model, addSubInputs(1, 0), { isCancelled: () => true });
    await model.close();
    expect(await cancelled).toMatchObject({ state: 'failed', failure: { status: 'CANCELLED' } });
  });
});

describe('a model that cannot be loaded', () => {
  const fails = (name: string, config: ModelConfig) => expect(loadTestModel(name, config)).rejects;

  it('because the file is broken is refused with the file and the reason', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'perf-ts-broken-'));
    try {
      const file = join(folder, 'model.onnx');
      writeFileSync(file, 'not a model at all');
      const config = { ...addSubConfig, instance_group: [{ count: 2 }] };
      await expect(loadModel({ name: 'm', version: '1', modelFile: file, config })).rejects.toMatchObject({
        code: 'BAD_FILE',
        message: expect.stringMatching(/model\.onnx: it is broken or not an ONNX model/),
      });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('because the config contradicts it is refused with every contradiction', async () => {
    await fails('add_sub', {
      max_batch_size: 8,
      input: [tensorConfig('INPUT0', 'INT32', [4]), tensorConfig('INPUT1', 'FP32', [5])],
      output: [tensorConfig('SUM', 'FP32', [4])],
    }).toMatchObject({
      code: 'BAD_FILE',
      problems: [
        { what: expect.stringContaining('input[0].data_type') },
        { what: expect.stringContaining('input[1].dims') },
        { what: expect.stringContaining('output[0].name') },
      ],
    });
    await fails('add_sub', { ...addSubConfig, input: [tensorConfig('INPUT0', 'FP32', [4])] }).toMatchObject({
      message: expect.stringContaining("'INPUT1'"),
    });
  });

  it('because of settings the engine does not have is refused with all of them', async () => {
    await fails('add_sub', {
      ...addSubConfig,
      parameters: { intra_op_thread_count: { string_value: 'two' } },
      instance_group: [{ kind: 'KIND_GPU', count: 1 }],
    }).toMatchObject({
      code: 'BAD_FILE',
      problems: [
        { where: expect.stringContaining('parameters["intra_op_thread_count"]') },
        { where: expect.stringContaining('instance_group[0]') },
      ],
    });
  });

  it('because of the library is refused with the library', async () => {
    const options = { name: 'm', version: '1', config: addSubConfig, modelFile: modelFile('add_sub') };
    await expect(loadModel({ ...options, ortLibrary: '/nowhere/libonnxruntime.so' })).rejects.toMatchObject({
      code: 'RUNTIME_UNUSABLE',
    });
  });
});
