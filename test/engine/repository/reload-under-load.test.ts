import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { engineOptionRows } from '../../../engine/options.js';
import { type Engine, startEngine } from '../../../engine/server.js';
import { createGrpcAdmin } from '../../../src/client/grpc-admin.js';
import type { ServerAdmin } from '../../../src/client/server-admin.js';
import { readOptions } from '../../../src/common/option-row.js';
import type { ModelConfig } from '../../../src/model-config/model-config.js';
import { buildZooModel } from '../../../src/onnx/zoo/zoo.js';
import { writeRepository } from '../../support/model-repository.js';

const config = (count: number, parts: ModelConfig = {}): ModelConfig => ({
  max_batch_size: 8,
  instance_group: [{ kind: 'KIND_CPU', count }],
  parameters: { intra_op_thread_count: { string_value: '1' } },
  ...parts,
});

/** Real sessions, real sockets: requests come all the time while the model changes under them. */
describe('a model that changes while requests run', { timeout: 60_000 }, () => {
  let engine: Engine;
  let admin: ServerAdmin;
  beforeAll(async () => {
    const folder = await writeRepository({ 'm/1/model.onnx': buildZooModel('add_sub') });
    const { values } = readOptions(engineOptionRows, {
      'model-repository': [folder],
      'model-control-mode': ['explicit'],
      'http-port': ['0'],
      'grpc-port': ['0'],
      'allow-metrics': ['false'],
    });
    engine = await startEngine(values);
    admin = createGrpcAdmin(`127.0.0.1:${engine.grpcPort}`);
    await admin.loadModel('m', { config: config(1) });
  });
  afterAll(async () => {
    await admin.close();
    await engine.close();
  });

  async function ask(seed: number): Promise<string> {
    const data = Array.from({ length: 16 }, (_, index) => seed + index);
    const inputs = ['INPUT0', 'INPUT1'].map((name) => ({ name, datatype: 'INT32', shape: [1, 16], data }));
    const url = `http://127.0.0.1:${engine.httpPort}/v2/models/m/infer`;
    const answer = await fetch(url, { method: 'POST', body: JSON.stringify({ inputs }) });
    if (answer.status !== 200) return `${answer.status} ${await answer.text()}`;
    const { outputs } = (await answer.json()) as { outputs: { name: string; data: number[] }[] };
    const sums = outputs.find(({ name }) => name === 'OUTPUT0')?.data;
    return sums?.every((sum, index) => sum === 2 * data[index]!) ? 'right' : `wrong: ${sums}`;
  }

  /** The different answers that four callers get while `change` happens. */
  async function answersDuring(change: () => Promise<void>): Promise<string[]> {
    const answers = new Set<string>();
    let isOver = false;
    const callers = Array.from({ length: 4 }, async (_, caller) => {
      for (let count = 0; !isOver; count++) answers.add(await ask(caller * 100_000 + count));
    });
    await change();
    isOver = true;
    await Promise.all(callers);
    return [...answers];
  }

  it('answers every request while instances come and go, which are never loaded anew', async () => {
    const before = (await admin.modelStatistics('m'))?.inference_stats.success.count ?? 0;
    const answers = await answersDuring(async () => {
      for (const count of [3, 1, 2]) await admin.loadModel('m', { config: config(count) });
    });
    expect(answers).toEqual(['right']);
    expect((await admin.modelConfig('m'))?.instance_group).toMatchObject([{ count: 2 }]);
    // A model loaded anew would have begun to count from nothing.
    expect((await admin.modelStatistics('m'))?.inference_stats.success.count).toBeGreaterThan(before);
  });

  it('answers every request while the whole model is replaced', async () => {
    const answers = await answersDuring(async () => {
      await admin.loadModel('m', { config: config(1, { dynamic_batching: {} }) });
      await admin.loadModel('m', { config: config(2) });
    });
    expect(answers).toEqual(['right']);
  });

  it('answers every request while a reload fails', async () => {
    const answers = await answersDuring(async () => {
      const wrong = config(1, { parameters: { execution_mode: { string_value: '9' } } });
      await expect(admin.loadModel('m', { config: wrong })).rejects.toThrow('execution_mode');
    });
    expect(answers).toEqual(['right']);
  });

  it('answers or knows nothing of the model while it is unloaded and loaded, and nothing else', async () => {
    const answers = await answersDuring(async () => {
      await admin.unloadModel('m');
      await admin.loadModel('m', { config: config(1) });
    });
    expect(answers.filter((answer) => answer !== 'right' && !answer.startsWith('404 '))).toEqual([]);
    expect(await ask(1)).toBe('right');
  });
});
