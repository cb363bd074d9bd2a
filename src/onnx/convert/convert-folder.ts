/**
 * Converts a model of a Triton model repository, or a lone ONNX file, into a model folder of its own: every version
 * converted, other files copied, config.pbtxt with the types that changed. The folder is there whole or not at all.
 */
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { copyFile, cp, mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { messageOf, PerfTsError, systemCodeOf } from '../../common/errors.js';
import { ONNX_BACKEND, toTensorConfig } from '../../model-config/complete-config.js';
import { formatModelConfig } from '../../model-config/format-config.js';
import type { ModelConfig } from '../../model-config/model-config.js';
import { parseModelConfig } from '../../model-config/parse-config.js';
import { findVersionFile, listVersions } from '../model-location.js';
import { readModelSignature } from '../read-signature.js';
import { toHalfConfig } from './config-types.js';
import { convertToHalf, type HalfOptions, type HalfReport } from './convert-model.js';
import { readModelFile, writeModelFile } from './model-file.js';

const CONFIG_FILE = 'config.pbtxt';
const DEFAULT_MODEL_FILE = 'model.onnx';
/** As the demo models have it: what a newcomer's config.pbtxt says. */
const MAX_BATCH_SIZE = 32;

export interface ConvertFolderOptions extends HalfOptions {
  /** A model folder (config.pbtxt, 1/model.onnx, ...) or an ONNX file. */
  readonly source: string;
  /** Model repository to write into; made if needed. */
  readonly toRepository: string;
  /** The new model's name and folder. */
  readonly name: string;
}

export interface ConvertedFolder {
  readonly folder: string;
  readonly versions: readonly { readonly version: string; readonly report: HalfReport; readonly sizes: ModelSizes }[];
}

/** Of the model's file and its weights beside it. */
export interface ModelSizes {
  readonly beforeBytes: number;
  readonly afterBytes: number;
}

interface Source {
  readonly config: ModelConfig | undefined;
  /** Folder of the model; undefined for a lone file. */
  readonly folder: string | undefined;
  readonly modelFileName: string;
  readonly files: readonly { readonly version: string; readonly file: string }[];
}

/** The name that a model from `source` has: of its folder, or of its file where that says something. */
export function nameOfSource(source: string): string {
  const path = resolve(source);
  if (!path.endsWith('.onnx')) return basename(path);
  const name = basename(path, '.onnx');
  const folder = dirname(path);
  return name === 'model' && /^\d+$/.test(basename(folder)) ? basename(dirname(folder)) : name;
}

/**
 * @throws PerfTsError BAD_FILE when the source is no convertible model, BAD_OPTION for words of `keepFp32` that it does
 * not have or when the place is taken, OUTPUT_UNWRITABLE when it cannot be written. Nothing is left behind then.
 */
export async function convertFolder(options: ConvertFolderOptions): Promise<ConvertedFolder> {
  const folder = resolve(options.toRepository, options.name);
  if (existsSync(folder)) throw taken(folder);
  const source = await findSource(options.source);
  const draft = join(dirname(folder), `.making-${randomUUID()}`);
  try {
    await mkdir(draft, { recursive: true });
    const versions = [];
    for (const { version, file } of source.files) {
      const target = join(draft, version, source.modelFileName);
      await mkdir(dirname(target), { recursive: true });
      const { report, externalFiles } = await convertFile(file, target, options);
      if (source.folder !== undefined)
        await copyOthers(dirname(file), dirname(target), [basename(file), ...externalFiles]);
      const sizes = {
        beforeBytes: await sizeOf([file, ...externalFiles.map((name) => join(dirname(file), name))]),
        afterBytes: await sizeOf([target, `${target}.data`]),
      };
      versions.push({ version, report, sizes });
    }
    await writeConfig(source, draft, options.name, versions[0]!.report);
    if (source.folder !== undefined) {
      await copyOthers(source.folder, draft, [CONFIG_FILE, ...source.files.map(({ version }) => version)]);
    }
    if (existsSync(folder)) throw taken(folder);
    await rename(draft, folder);
    return { folder, versions };
  } catch (cause) {
    if (cause instanceof PerfTsError || systemCodeOf(cause) === undefined) throw cause;
    throw new PerfTsError(
      'OUTPUT_UNWRITABLE',
      {
        where: folder,
        what: `the model cannot be written: ${messageOf(cause)}`,
        hint: 'choose a folder that you can write',
      },
      cause,
    );
  } finally {
    await rm(draft, { recursive: true, force: true }).catch(() => undefined);
  }
}

const taken = (folder: string): PerfTsError =>
  new PerfTsError('BAD_OPTION', {
    where: folder,
    what: 'is there already and is not overwritten',
    hint: 'remove it first, or choose another place with --to or --name',
  });

async function convertFile(
  file: string,
  target: string,
  options: HalfOptions,
): Promise<{ readonly report: HalfReport; readonly externalFiles: readonly string[] }> {
  const model = await readModelFile(file);
  const report = convertToHalf(model.message, options, file, model.loadExternal);
  await writeModelFile(model, target);
  return { report, externalFiles: model.externalFiles };
}

async function findSource(path: string): Promise<Source> {
  const found = await stat(path).catch(() => undefined);
  const bad = (what: string, hint: string): PerfTsError => new PerfTsError('BAD_FILE', { where: path, what, hint });
  if (found === undefined) throw bad('does not exist', 'give a model folder, an ONNX file or the name of a demo model');
  if (found.isFile()) {
    return {
      config: undefined,
      folder: undefined,
      modelFileName: DEFAULT_MODEL_FILE,
      files: [{ version: '1', file: path }],
    };
  }
  const configFile = join(path, CONFIG_FILE);
  const config = existsSync(configFile) ? parseModelConfig(await readFile(configFile, 'utf8'), configFile) : undefined;
  const modelFileName = config?.default_model_filename || DEFAULT_MODEL_FILE;
  const versions = await listVersions(path);
  if (versions.length === 0) {
    throw bad(`holds no ONNX model ${join('1', modelFileName)}`, 'a model folder has config.pbtxt and 1/model.onnx');
  }
  const files = await Promise.all(
    versions.toReversed().map(async (version) => ({
      version,
      file: await findVersionFile(join(path, version), config, configFile),
    })),
  );
  return { config, folder: path, modelFileName, files };
}

/** The newest version's types count, as they do where the server completes a config. */
async function writeConfig(source: Source, draft: string, name: string, report: HalfReport): Promise<void> {
  if (source.folder !== undefined && source.config === undefined) return;
  const config = source.config ?? (await configOf(source.files[0]!.file));
  const text = formatModelConfig({ ...toHalfConfig(config, report), name });
  await writeFile(
    join(draft, CONFIG_FILE),
    `# Converted to FP16 by perf-ts from ${nameOfSource(source.folder ?? source.files[0]!.file)}.\n${text}`,
  );
}

/** For a lone file: batches when every input and output leaves its first dimension open. */
async function configOf(file: string): Promise<ModelConfig> {
  const { inputs, outputs } = await readModelSignature(file);
  const isBatched = [...inputs, ...outputs].every(({ shape }) => shape[0] === -1);
  return {
    backend: ONNX_BACKEND,
    max_batch_size: isBatched ? MAX_BATCH_SIZE : 0,
    input: inputs.map((value) => toTensorConfig(value, isBatched)),
    output: outputs.map((value) => toTensorConfig(value, isBatched)),
  };
}

async function copyOthers(from: string, to: string, except: readonly string[]): Promise<void> {
  const skipped = new Set(except);
  for (const entry of await readdir(from, { withFileTypes: true })) {
    if (skipped.has(entry.name)) continue;
    if (entry.isDirectory()) await cp(join(from, entry.name), join(to, entry.name), { recursive: true });
    else await copyFile(join(from, entry.name), join(to, entry.name));
  }
}

async function sizeOf(files: readonly string[]): Promise<number> {
  const sizes = await Promise.all(
    files.map((file) =>
      stat(file).then(
        ({ size }) => size,
        () => 0,
      ),
    ),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}
