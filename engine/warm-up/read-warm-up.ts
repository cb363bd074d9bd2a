/**
 * model_warmup as the config has it, turned into samples: each tensor's shape for the model, and the contents of data
 * files, which lie in the folder `warmup` of the model's folder and nowhere else.
 */
import { readFile } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { messageOf, type Problem, systemCodeOf } from '../../src/common/errors.js';
import { type DataType, elementCount, elementSize, fromConfigType } from '../../src/kserve/data-types.js';
import { elementPath, entryPath, memberPath } from '../../src/model-config/field-path.js';
import type { InputConfig, ModelConfig } from '../../src/model-config/model-config.js';
import { reshapeDims } from '../tensor-shapes.js';
import type { WarmUpInput, WarmUpSample } from './warm-up-sample.js';

const FOLDER = 'warmup';
/** A larger tensor is a slip of the keyboard. */
const MOST_BYTES = 2 ** 31;

interface InputSetting {
  readonly data_type?: string;
  readonly dims?: readonly number[];
  readonly zero_data?: boolean;
  readonly random_data?: boolean;
  readonly input_data_file?: string;
}

interface SampleSetting {
  readonly name?: string;
  readonly batch_size?: number;
  readonly count?: number;
  readonly inputs?: Readonly<Record<string, InputSetting>>;
}

/** What every input of a sample is checked against. */
interface SampleContext {
  readonly config: ModelConfig;
  readonly modelFolder: string;
  readonly rows: number;
  readonly report: (path: string, what: string, hint?: string) => void;
}

/** The samples, and every problem with the path of its field; samples hold only without problems. */
export async function readWarmUp(
  config: ModelConfig,
  modelFolder: string,
): Promise<{ readonly samples: readonly WarmUpSample[]; readonly problems: readonly Problem[] }> {
  const settings = (Array.isArray(config.model_warmup) ? config.model_warmup : []) as readonly SampleSetting[];
  const problems: Problem[] = [];
  const report: SampleContext['report'] = (where, what, hint) => {
    problems.push(hint === undefined ? { where, what } : { where, what, hint });
  };
  const samples: WarmUpSample[] = [];
  for (const [index, setting] of settings.entries()) {
    samples.push(await readSample(setting, elementPath('model_warmup', index), { config, modelFolder, report }));
  }
  return { samples, problems };
}

async function readSample(
  { name = '', batch_size: batchSize = 0, count = 0, inputs: given = {} }: SampleSetting,
  path: string,
  context: Omit<SampleContext, 'rows'>,
): Promise<WarmUpSample> {
  const { config, report } = context;
  if (name === '') report(memberPath(path, 'name'), 'must be given');
  const most = Math.max(1, config.max_batch_size ?? 0);
  if (batchSize > most) report(memberPath(path, 'batch_size'), `${batchSize} is more than the model's ${most}`);
  const rows = Math.max(1, Math.min(batchSize, most));
  const wanted = config.input ?? [];
  const missing = wanted.filter((input) => input.optional !== true && !Object.hasOwn(given, input.name));
  if (missing.length > 0) {
    report(memberPath(path, 'inputs'), `lacks the model's ${missing.map((input) => `'${input.name}'`).join(', ')}`);
  }
  const inputs: WarmUpInput[] = [];
  for (const [key, setting] of Object.entries(given)) {
    const where = entryPath(memberPath(path, 'inputs'), key);
    const input = wanted.find((candidate) => candidate.name === key);
    if (input === undefined) report(where, `the model has no input '${key}'`);
    else {
      const read = await readInput(input, setting, where, { ...context, rows });
      if (read !== undefined) inputs.push(read);
    }
  }
  // As in Triton, 0 executes a sample once.
  return { name, count: Math.max(1, count), requestCount: Math.max(0, Math.min(batchSize, most)), inputs };
}

async function readInput(
  input: InputConfig,
  setting: InputSetting,
  where: string,
  context: SampleContext,
): Promise<WarmUpInput | undefined> {
  const { config, rows, report } = context;
  const dataType = fromConfigType(input.data_type);
  if (setting.data_type !== input.data_type || dataType === undefined) {
    report(memberPath(where, 'data_type'), `must be ${input.data_type}, as the model has it`);
    return undefined;
  }
  const { dims = [] } = setting;
  const fits = dims.length === input.dims.length && dims.every((size, axis) => isFitting(size, input.dims[axis]!));
  if (!fits) {
    report(memberPath(where, 'dims'), `[${dims.join(', ')}] does not fit the model's [${input.dims.join(', ')}]`);
    return undefined;
  }
  if (elementCount(dims) * rows * (elementSize(dataType) ?? 4) > MOST_BYTES) {
    report(memberPath(where, 'dims'), `[${dims.join(', ')}] is more than ${MOST_BYTES} bytes`);
    return undefined;
  }
  const modelDims = input.reshape === undefined ? dims : reshapeDims(dims, input.dims, input.reshape.shape);
  const shape = (config.max_batch_size ?? 0) > 0 ? [rows, ...modelDims] : modelDims;
  const source = await readSource(setting, dataType, elementCount(dims), where, context);
  return source && { name: input.name, dataType, shape, source };
}

const isFitting = (size: number, expected: number): boolean =>
  Number.isSafeInteger(size) && size >= 0 && (expected === -1 || size === expected);

async function readSource(
  { zero_data: isZero, random_data: isRandom, input_data_file: file }: InputSetting,
  dataType: DataType,
  count: number,
  where: string,
  { modelFolder, rows, report }: SampleContext,
): Promise<WarmUpInput['source'] | undefined> {
  if (file === undefined) {
    if (isZero === true) return { kind: 'zero' };
    if (isRandom === true) return { kind: 'random' };
    report(where, 'must have zero_data, random_data or input_data_file');
    return undefined;
  }
  const path = memberPath(where, 'input_data_file');
  let row: Uint8Array;
  try {
    row = await readDataFile(join(modelFolder, FOLDER), file);
  } catch (thrown) {
    report(path, messageOf(thrown), `it must lie in the folder ${FOLDER} of the model`);
    return undefined;
  }
  const size = elementSize(dataType);
  if (size !== undefined && row.byteLength !== count * size) {
    report(path, `'${file}' has ${row.byteLength} bytes, and one row of this shape has ${count * size}`);
    return undefined;
  }
  // A file has one row; a batch is that row so many times.
  return { kind: 'file', bytes: Buffer.concat(Array.from({ length: rows }, () => row)) };
}

/** Throws Error when there is no such file in `folder`; a name that leads out of it is not read, a link may do so. */
async function readDataFile(folder: string, file: string): Promise<Uint8Array> {
  const path = resolve(folder, file);
  const [first] = relative(resolve(folder), path).split(/[\\/]/);
  if (file.includes('\0') || first === '' || first === '..' || resolve(folder, relative(folder, path)) !== path) {
    throw new Error(`'${file}' leads out of the folder`);
  }
  try {
    return await readFile(path);
  } catch (cause) {
    if (systemCodeOf(cause) === 'ENOENT') throw new Error(`there is no file '${file}'`, { cause });
    throw new Error(`'${file}' cannot be read: ${messageOf(cause)}`, { cause });
  }
}
