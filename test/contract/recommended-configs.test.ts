/** What a sweep recommends, read by Google's parser with NVIDIA's schema: neither is ours, and a Triton has both. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packageRoot } from '../../src/common/package-root.js';
import { addZooModels } from '../../src/onnx/zoo/zoo.js';
import { createStudyStore } from '../../src/record/study-store.js';
import { saveRecommendations } from '../../src/tune/results/save-recommendations.js';
import type { VariantParameters } from '../../src/tune/strategies/strategy.js';
import { readStudyModel } from '../../src/tune/studies/study-model.js';
import { composeSpaces } from '../../src/tune/together/joint-space.js';
import { jointModel } from '../../src/tune/together/joint-variant.js';
import { buildSearchSpace, type KnobSelection } from '../../src/tune/variants/search-space.js';
import type { StudyModel } from '../../src/tune/variants/variants.js';
import { findPython } from '../support/find-python.js';
import { type BenchOptions, runSimulatedStudy } from '../tune/support/study-bench.js';

const python = findPython(['tritonclient.grpc', 'google.protobuf']);
const names = ['simple_cnn', 'text_recognition'] as const;
/** One of each kind that is written: fields, groups, accelerators with options, parameters. */
const knobs: KnobSelection = {
  execution_provider: ['cpu', 'openvino', 'cuda', 'tensorrt'],
  tensorrt_precision_mode: ['FP16'],
  tensorrt_max_workspace_size_bytes: [268435456],
  cuda_cudnn_conv_algo_search: ['HEURISTIC'],
  openvino_num_streams: [2],
  instance_count: [1, 3],
  intra_op_threads: [1],
  dynamic_batching: [true],
  max_batch_size: [8, 32],
  max_queue_delay_us: [0, 500],
  preferred_batch_sizes: ['4,8'],
  graph_level: ['all', 'extended'],
  execution_mode: ['sequential', 'parallel'],
  arena_shrinkage: ['cpu'],
};

interface Read {
  readonly config?: Readonly<Record<string, unknown>>;
  readonly error?: string;
}

function readByGoogle(texts: readonly string[]): Read[] {
  const script = join(packageRoot, 'test', 'support', 'check_pbtxt.py');
  const input = texts.map((text) => JSON.stringify(text)).join('\n');
  const { stdout, stderr, status } = spawnSync(python!, [script], { input, encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Read);
}

describe.skipIf(python === undefined)('every config.pbtxt of a recommended directory', () => {
  let folder: string;
  let models: StudyModel[];
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'perf-ts-test-'));
    await addZooModels([...names], join(folder, 'models'));
    models = await Promise.all(names.map((name) => readStudyModel(name, join(folder, 'models', name))));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  /** The recommended repository of a study in which one provider, and whatever goes with it, wins by far. */
  async function recommend(
    subject: NonNullable<BenchOptions['subject']>,
    winner: string,
    tuned: readonly StudyModel[],
  ) {
    const landscape = (parameters: VariantParameters): number =>
      Object.entries(parameters).reduce((speed, [name, value]) => {
        if (name.endsWith('execution_provider')) return speed * (value === winner ? 3 : 1);
        return (
          speed *
          (name.endsWith('intra_op_threads') ||
          value === subject.space.dimensions.find((one) => one.name === name)?.defaultValue
            ? 1
            : 1.2)
        );
      }, 100);
    const { record } = await runSimulatedStudy({ landscape, subject, strategy: 'forest', budgetSeconds: 300 });
    const store = await createStudyStore({ resultsFolder: join(folder, 'results'), model: subject.model.name });
    try {
      return await saveRecommendations(record, tuned as [StudyModel, ...StudyModel[]], store);
    } finally {
      await store.close();
    }
  }

  const contextOf = (model: StudyModel) =>
    ({ config: model.completed, cpuCount: 4, gpuCount: 1, providers: ['openvino', 'cuda', 'tensorrt'] }) as const;

  it.each(['cpu', 'openvino', 'cuda', 'tensorrt'])('is read where %s is recommended', async (provider) => {
    const [model] = models as [StudyModel];
    const context = contextOf(model);
    const subject = { model, context, space: buildSearchSpace(context, knobs) };
    const saved = await recommend(subject, provider, [model]);
    expect(saved.length).toBeGreaterThan(0);
    const texts = saved.map(({ modelFolder }) => readFileSync(join(modelFolder, 'config.pbtxt'), 'utf8'));
    for (const [index, { config, error }] of readByGoogle(texts).entries()) {
      expect(error, texts[index]).toBeUndefined();
      expect(config).toMatchObject({ name: model.name, backend: 'onnxruntime' });
    }
  });

  it('is read where several models were tuned together, each under its own name', async () => {
    const together = models.map((model) => {
      const context = contextOf(model);
      return { model, weight: 1, context, space: buildSearchSpace(context, knobs) };
    });
    const subject = {
      model: jointModel(models),
      context: together[0]!.context,
      space: composeSpaces(together),
      together,
    };
    const saved = await recommend(subject, 'tensorrt', models);
    const portable = saved.filter(({ kind }) => kind === 'portable');
    expect(portable.map(({ model }) => model)).toEqual([...names]);
    const repository = join(portable[0]!.modelFolder, '..');
    expect(readdirSync(repository)).toEqual(expect.arrayContaining([...names, 'config.diff', 'repro.sh']));
    const texts = portable.map(({ modelFolder }) => readFileSync(join(modelFolder, 'config.pbtxt'), 'utf8'));
    const read = readByGoogle(texts);
    expect(read.map(({ error }) => error)).toEqual([undefined, undefined]);
    expect(read.map(({ config }) => config!.name)).toEqual([...names]);
  });
});
