/**
 * The demo zoo: models built here with seeded random weights, so that perf-ts measures something real with nothing
 * downloaded. A name and a seed always give the same file.
 */
import { join, resolve } from 'node:path';
import { PerfTsError, type Problem } from '../../common/errors.js';
import { cacheFolder } from '../../common/user-folders.js';
import { ONNX_BACKEND, toTensorConfig } from '../../model-config/complete-config.js';
import { formatModelConfig } from '../../model-config/format-config.js';
import { GraphBuilder } from './graph-builder.js';
import { buildInceptionV3 } from './inception-v3.js';
import { isModelFolder, type ModelFiles, writeModelFolder } from './model-folder.js';
import { buildAddSub, buildIdentity } from './plain-models.js';
import { buildResnet18 } from './resnet18.js';
import { buildSimpleCnn } from './simple-cnn.js';
import { buildSimpleTransformer } from './simple-transformer.js';
import { buildTextRecognition } from './text-recognition.js';

/** Raised with every change of what the builders write, so that cached models are made again. */
const GENERATOR_VERSION = 1;
export const DEFAULT_SEED = 1;
/** What a newcomer's config.pbtxt says. */
const MAX_BATCH_SIZE = 32;

export interface ZooModel {
  readonly name: string;
  /** One line for people. */
  readonly description: string;
  /** Floating-point operations for one row of input; two per multiply-add. */
  readonly flops: number;
  /** The same at the original's widths, where the demo is narrower. */
  readonly fullSizeFlops?: number;
  readonly build: (graph: GraphBuilder, isFullSize: boolean) => void;
}

export const zooModels: readonly ZooModel[] = [
  {
    name: 'text_recognition',
    description: 'ResNet-CTC text recogniser, 1x32x100 -> 26x37, narrowed to 1/4 of the original widths',
    flops: 631_196_160,
    fullSizeFlops: 10_090_653_696,
    build: buildTextRecognition,
  },
  {
    name: 'resnet18',
    description: 'ResNet-18 image classifier, 3x224x224 -> 1000',
    flops: 3_628_146_688,
    build: buildResnet18,
  },
  {
    name: 'inception_v3',
    description: 'Inception v3 image classifier, 3x299x299 -> 1000',
    flops: 11_426_432_192,
    build: buildInceptionV3,
  },
  {
    name: 'simple_cnn',
    description: 'small image classifier, 3x32x32 -> 10',
    flops: 58_395_136,
    build: buildSimpleCnn,
  },
  {
    name: 'simple_transformer',
    description: 'two-layer transformer encoder, 64 tokens x 128 -> 64x128',
    flops: 54_525_952,
    build: buildSimpleTransformer,
  },
  { name: 'identity', description: 'returns its input, FP32[16]', flops: 0, build: buildIdentity },
  { name: 'add_sub', description: 'sum and difference of two INT32[16] inputs', flops: 0, build: buildAddSub },
];

export const isZooModel = (name: string): boolean => zooModels.some((model) => model.name === name);

export interface ZooOptions {
  /** Seed of the weights. */
  readonly seed?: number;
  /** The original's widths; no difference for a model that is not narrowed. */
  readonly fullSize?: boolean;
}

/**
 * The ONNX file of a demo model.
 * @throws PerfTsError BAD_OPTION for an unknown name.
 */
export const buildZooModel = (name: string, options: ZooOptions = {}): Uint8Array =>
  buildGraph(name, options).toModel();

/** The graph before it is written, with its signature and FLOPs. */
export function buildGraph(name: string, { seed = DEFAULT_SEED, fullSize = false }: ZooOptions = {}): GraphBuilder {
  const model = zooModels.find((candidate) => candidate.name === name);
  if (model === undefined) throw new PerfTsError('BAD_OPTION', unknownModel(name));
  const graph = new GraphBuilder(name, seed);
  model.build(graph, fullSize);
  return graph;
}

export interface EnsureOptions extends ZooOptions {
  /** Instead of the user's cache. */
  readonly cacheFolder?: string;
  /** Called before a model is made, which takes seconds for the large ones; not when it is there already. */
  readonly onMake?: () => void;
}

export interface ZooModelFolder {
  /** A Triton model repository that holds only this model. */
  readonly repository: string;
  readonly modelFolder: string;
}

/**
 * The demo model's repository in the cache, made on first use. Safe for processes that do so at the same time.
 * @throws PerfTsError BAD_OPTION for an unknown name, OUTPUT_UNWRITABLE when the cache cannot be written.
 */
export async function ensureZooModel(name: string, options: EnsureOptions = {}): Promise<ZooModelFolder> {
  if (!isZooModel(name)) throw new PerfTsError('BAD_OPTION', unknownModel(name));
  const { seed = DEFAULT_SEED, fullSize = false } = options;
  const variant = `${name}-v${GENERATOR_VERSION}-seed${seed}${fullSize ? '-full' : ''}`;
  const repository = join(options.cacheFolder ?? cacheFolder('zoo'), variant);
  const modelFolder = join(repository, name);
  if (!(await isModelFolder(modelFolder))) {
    options.onMake?.();
    await writeModelFolder(modelFolder, makeFiles(name, options), 'set PERF_TS_CACHE to a folder that you can write');
  }
  return { repository, modelFolder };
}

/**
 * Adds demo models to the model repository `toFolder`, which is made if needed, and returns their folders in order.
 * Nothing is written when any name is unknown or already there.
 * @throws PerfTsError BAD_OPTION with all such names, OUTPUT_UNWRITABLE when the folder cannot be written.
 */
export async function addZooModels(
  names: readonly string[],
  toFolder: string,
  options: ZooOptions = {},
): Promise<string[]> {
  const wanted = [...new Set(names)];
  const problems: Problem[] = wanted.filter((name) => !isZooModel(name)).map(unknownModel);
  const folders = wanted.map((name) => ({ name, folder: resolve(toFolder, name) }));
  for (const { name, folder } of folders.filter((entry) => isZooModel(entry.name))) {
    if (await isModelFolder(folder)) {
      problems.push({
        where: folder,
        what: `already holds the model '${name}'`,
        hint: 'remove it first or choose another folder',
      });
    }
  }
  if (problems.length > 0) throw new PerfTsError('BAD_OPTION', problems);
  for (const { name, folder } of folders) {
    await writeModelFolder(folder, makeFiles(name, options), 'choose a folder that you can write');
  }
  return folders.map(({ folder }) => folder);
}

const unknownModel = (name: string): Problem => ({
  what: `there is no demo model '${name}'`,
  hint: `the demo models are ${zooModels.map((model) => model.name).join(', ')}`,
});

/** The baseline of a repository: nothing is tuned. */
function makeFiles(name: string, options: ZooOptions): ModelFiles {
  const graph = buildGraph(name, options);
  const { inputs, outputs } = graph.signature();
  const config = formatModelConfig({
    name,
    backend: ONNX_BACKEND,
    max_batch_size: MAX_BATCH_SIZE,
    input: inputs.map((value) => toTensorConfig(value, true)),
    output: outputs.map((value) => toTensorConfig(value, true)),
  });
  const note = `# Demo model of perf-ts with random weights (seed ${options.seed ?? DEFAULT_SEED}).\n`;
  return { configText: note + config, model: graph.toModel() };
}
