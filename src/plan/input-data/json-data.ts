/**
 * perf_analyzer's JSON for input data: `data` and `validation_data`, each a list of steps or a list of streams of steps.
 * Reads the form only; whether names and sizes fit a model is build-dataset.ts's.
 */
import { closestWord } from '../../common/closest-word.js';
import type { Problem } from '../../common/errors.js';
import { JsonFault, parseDataJson } from './parse-json.js';

/** A tensor as a file gives it: values in JSON, or its bytes as they travel. */
export interface GivenTensor {
  readonly content: readonly unknown[] | Uint8Array;
  /** Without the batch dimension; the model's own when left out. */
  readonly shape?: readonly number[];
}

/** One row of each tensor of a request, by name. */
export interface DataStep {
  /** For people, such as `inputs.json: data[3]`. */
  readonly place: string;
  readonly inputs: ReadonlyMap<string, GivenTensor>;
  /** Where the expected outputs are. */
  readonly outputPlace: string;
  readonly outputs: ReadonlyMap<string, GivenTensor>;
}

type Fields = Readonly<Record<string, unknown>>;
type Tensors = ReadonlyMap<string, GivenTensor>;

const noTensors: Tensors = new Map();

/** The streams of steps of one file; one stream where the file has none. What is wrong goes to `problems`. */
export function readJsonData(text: string, file: string, problems: Problem[]): readonly (readonly DataStep[])[] {
  const document = parseDocument(text, file, problems);
  if (document === undefined) return [];
  for (const key of Object.keys(document).filter((name) => name !== 'data' && name !== 'validation_data')) {
    const near = closestWord(key, ['data', 'validation_data']);
    const hint = near === undefined ? 'it has "data" and perhaps "validation_data"' : `did you mean "${near}"?`;
    problems.push({ where: file, what: `the key "${key}" is unknown`, hint });
  }
  const streams = readStreams(document.data, `${file}: data`, problems);
  const expected =
    document.validation_data === undefined
      ? undefined
      : readStreams(document.validation_data, `${file}: validation_data`, problems);
  if (streams.length === 0 || streams.every((steps) => steps.length === 0)) {
    if (problems.length === 0) problems.push({ where: `${file}: data`, what: 'holds no step' });
    return [];
  }
  if (expected !== undefined && sizesOf(streams) !== sizesOf(expected)) {
    problems.push({
      where: `${file}: validation_data`,
      what: 'does not have the same streams and steps as data',
      hint: 'give one entry for every step, {} for a step whose answer is not to be checked',
    });
    return [];
  }
  return streams.map((steps, stream) =>
    steps.map(([place, inputs], step) => {
      const [outputPlace, outputs] = expected?.[stream]?.[step] ?? [place, noTensors];
      return { place, inputs, outputPlace, outputs };
    }),
  );
}

const sizesOf = (streams: readonly (readonly unknown[])[]): string => streams.map(({ length }) => length).join();

function parseDocument(text: string, file: string, problems: Problem[]): Fields | undefined {
  try {
    const document = parseDataJson(text);
    if (isFields(document) && Array.isArray(document.data)) return document;
    problems.push({
      where: file,
      what: 'has no list named "data"',
      hint: 'it looks like {"data": [{"INPUT": [1, 2]}]}',
    });
  } catch (thrown) {
    if (!(thrown instanceof JsonFault)) throw thrown;
    problems.push({ where: `${file}:${thrown.line}:${thrown.column}`, what: thrown.message });
  }
  return undefined;
}

type PlacedTensors = readonly [place: string, tensors: Tensors];

function readStreams(list: unknown, path: string, problems: Problem[]): readonly (readonly PlacedTensors[])[] {
  if (!Array.isArray(list)) {
    problems.push({ where: path, what: 'is no list' });
    return [];
  }
  const nestedCount = list.filter(Array.isArray).length;
  if (nestedCount === 0) return [readSteps(list, path, problems)];
  if (nestedCount < list.length) {
    problems.push({ where: path, what: 'mixes steps with lists of steps', hint: 'put every step into a list' });
    return [];
  }
  return list.map((steps: unknown[], index) => readSteps(steps, `${path}[${index}]`, problems));
}

function readSteps(list: readonly unknown[], path: string, problems: Problem[]): readonly PlacedTensors[] {
  return list.map((entry, index) => {
    const place = `${path}[${index}]`;
    if (isFields(entry)) return [place, readTensors(entry, place, problems)];
    problems.push({ where: place, what: 'is no object of tensors by name' });
    return [place, noTensors];
  });
}

function readTensors(fields: Fields, place: string, problems: Problem[]): Tensors {
  const tensors = new Map<string, GivenTensor>();
  for (const [name, value] of Object.entries(fields)) {
    // perf_analyzer passes over this key, which other kinds of service need.
    if (name === 'model' && typeof value === 'string') continue;
    try {
      tensors.set(name, readTensor(value));
    } catch (thrown) {
      problems.push({ where: `${place}.${name}`, what: (thrown as Error).message });
    }
  }
  return tensors;
}

function readTensor(value: unknown): GivenTensor {
  if (Array.isArray(value)) return { content: value };
  if (!isFields(value)) throw new Error('is neither a list of values nor an object with "content" or "b64"');
  const { content, b64, shape, ...rest } = value;
  const [unknown] = Object.keys(rest);
  if (unknown !== undefined) throw new Error(`has the unknown key "${unknown}" (content, b64 and shape are known)`);
  if ((content === undefined) === (b64 === undefined)) throw new Error('needs either "content" or "b64"');
  const given = { content: b64 === undefined ? readContent(content) : readBase64(b64) };
  return shape === undefined ? given : { ...given, shape: readShape(shape) };
}

function readContent(content: unknown): GivenTensor['content'] {
  if (Array.isArray(content)) return content;
  if (!isFields(content) || Object.keys(content).join() !== 'b64') {
    throw new Error('has a "content" that is neither a list of values nor {"b64": "…"}');
  }
  return readBase64(content.b64);
}

function readBase64(text: unknown): Uint8Array {
  if (typeof text !== 'string' || text.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) {
    throw new Error('has a "b64" that is no base64 text');
  }
  return Buffer.from(text, 'base64');
}

function readShape(shape: unknown): readonly number[] {
  const isGood = Array.isArray(shape) && shape.every((size) => Number.isSafeInteger(size) && size >= 0);
  if (!isGood) throw new Error('has a "shape" that is no list of sizes');
  return shape as readonly number[];
}

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !('exactNumber' in value);
