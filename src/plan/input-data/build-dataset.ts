/** Checks what the data files hold against a model and lays it out as an InputDataset. */
import { createHash, type Hash } from 'node:crypto';
import { appendAll } from '../../common/append-all.js';
import { closestWord } from '../../common/closest-word.js';
import type { Problem } from '../../common/errors.js';
import type { TensorSpec } from '../../kserve/tensor.js';
import { type DataFile, MAX_FILE_BYTES } from './data-files.js';
import { ABSENT, FIELDS, type InputDataset, requestPeriod, shapeIndexOf, workerPeriod } from './dataset.js';
import { type EncodedTensor, type ExpectedTensor, encodeGivenTensor, tensorOfFile } from './encode-tensor.js';
import type { DataStep, GivenTensor } from './json-data.js';

/** What a model takes and returns; shapes without the batch dimension. */
export interface DatasetModel {
  readonly model: string;
  readonly inputs: readonly TensorSpec[];
  readonly outputs: readonly TensorSpec[];
  readonly optionalInputs: ReadonlySet<string>;
  /** Inputs whose values are generated where no file has them. */
  readonly generatedInputs: ReadonlySet<string>;
  /** From --shape. */
  readonly shapes: Readonly<Record<string, readonly number[]>>;
}

/** Encoded requests of all workers together. */
const MAX_PREPARED_BYTES = 2 ** 30;

/** Undefined when a problem was found; problems have the file and path of each. */
export function buildDataset(
  files: readonly DataFile[],
  model: DatasetModel,
  problems: Problem[],
): InputDataset | undefined {
  const found: Problem[] = [];
  const streams = files.flatMap((file) => (file.kind === 'json' ? file.streams : [[stepOfFolder(file, model)]]));
  const steps = streams.flat();
  const inputs = presentNames(model.inputs, steps, 'inputs');
  const outputs = presentNames(model.outputs, steps, 'outputs');
  checkNames(steps, model, found);
  const layout = new DatasetLayout(steps.length, inputs.length + outputs.length);
  for (const [index, step] of steps.entries()) {
    inputs.forEach((spec, column) => {
      const given = step.inputs.get(spec.name);
      if (given !== undefined) layout.add(index, column, given, expected(spec, model), `${step.place}.${spec.name}`);
      else if (!model.optionalInputs.has(spec.name)) {
        found.push({ where: step.place, what: `lacks the input ${spec.name}`, hint: 'other steps have it' });
      }
    });
    outputs.forEach((spec, column) => {
      const given = step.outputs.get(spec.name);
      const place = `${step.outputPlace}.${spec.name}`;
      if (given !== undefined) layout.add(index, inputs.length + column, given, expected(spec, model), place);
    });
  }
  appendAll(found, layout.problems);
  appendAll(found, missingInputs(model, inputs, files));
  appendAll(problems, found);
  if (found.length > 0) return undefined;
  return layout.finish({
    files: files.map(({ path }) => path),
    streamCount: streams.length,
    stepCount: steps.length,
    inputs: inputs.map(({ name }) => name),
    outputs: outputs.map(({ name }) => name),
  });
}

/** A level of `batchSize` rows takes rows of one shape and the same inputs; and all requests are held in memory. */
export function checkDatasetBatch(
  dataset: InputDataset,
  batchSize: number,
  workerCount: number,
  problems: Problem[],
): void {
  const period = requestPeriod(dataset.stepCount, batchSize);
  const copies = (workerPeriod(period, workerCount) * workerCount) / period;
  const rowsEach = (period * batchSize) / dataset.stepCount;
  const bytes = dataset.bytes.byteLength * rowsEach * copies;
  if (bytes > MAX_PREPARED_BYTES) {
    const what = `the requests made of it would take ${Math.ceil(bytes / 2 ** 20)} MiB, more than ${MAX_PREPARED_BYTES / 2 ** 20}`;
    const hint = 'use fewer steps, --workers 1, or a batch size that divides their number';
    problems.push({ where: '--input-data', what, hint });
    return;
  }
  if (batchSize === 1) return;
  dataset.inputs.forEach((name, column) => {
    const wrong = Array.from({ length: dataset.stepCount }, (_, step) => step).find((step) => {
      const next = (step + 1) % dataset.stepCount;
      const isTogether = dataset.stepCount % batchSize !== 0 || (step + 1) % batchSize !== 0;
      return isTogether && shapeIndexOf(dataset, column, step) !== shapeIndexOf(dataset, column, next);
    });
    if (wrong === undefined) return;
    const what = `steps ${wrong} and ${(wrong + 1) % dataset.stepCount} would be rows of one request, and ${name} differs in shape or is there in one only`;
    problems.push({ where: '-b', what, hint: 'use a batch size of 1, or steps of one shape' });
  });
}

const expected = ({ name, dataType, shape }: TensorSpec, { shapes }: DatasetModel): ExpectedTensor => ({
  name,
  dataType,
  declared: shape,
  given: Object.hasOwn(shapes, name) ? shapes[name] : undefined,
});

const presentNames = (
  specs: readonly TensorSpec[],
  steps: readonly DataStep[],
  kind: 'inputs' | 'outputs',
): readonly TensorSpec[] => specs.filter(({ name }) => steps.some((step) => step[kind].has(name)));

/** Files that no tensor is named after are left alone, as perf_analyzer does. */
function stepOfFolder(file: DataFile & { readonly kind: 'folder' }, model: DatasetModel): DataStep {
  const tensors = (specs: readonly TensorSpec[]): ReadonlyMap<string, GivenTensor> =>
    new Map(
      specs.flatMap(({ name, dataType }) => {
        const bytes = file.contents.get(name);
        return bytes === undefined ? [] : [[name, tensorOfFile(bytes, dataType)] as const];
      }),
    );
  const { path } = file;
  return { place: path, inputs: tensors(model.inputs), outputPlace: path, outputs: tensors(model.outputs) };
}

function checkNames(steps: readonly DataStep[], { model, inputs, outputs }: DatasetModel, problems: Problem[]): void {
  const check = (place: string, names: Iterable<string>, kind: string, specs: readonly TensorSpec[]): void => {
    const known = specs.map(({ name }) => name);
    for (const name of names) {
      if (known.includes(name)) continue;
      const near = closestWord(name, known);
      const hint = near === undefined ? `its ${kind}s are ${known.join(', ')}` : `did you mean ${near}?`;
      problems.push({ where: place, what: `model ${model} has no ${kind} ${name}`, hint });
    }
  };
  for (const { place, inputs: given, outputPlace, outputs: wanted } of steps) {
    check(place, given.keys(), 'input', inputs);
    check(outputPlace, wanted.keys(), 'output', outputs);
  }
}

function missingInputs(
  { inputs, optionalInputs, generatedInputs }: DatasetModel,
  present: readonly TensorSpec[],
  files: readonly DataFile[],
): readonly Problem[] {
  return inputs
    .filter((input) => !present.includes(input))
    .filter(({ name }) => !optionalInputs.has(name) && !generatedInputs.has(name))
    .map(({ name }) => ({
      where: files.map(({ path }) => path).join(', '),
      what: `has no values for the input ${name}`,
      hint: `give them, or --input-data ${name}:random`,
    }));
}

/** Collects the encoded tensors in the order of their adding. */
class DatasetLayout {
  readonly problems: Problem[] = [];
  readonly #columnCount: number;
  readonly #table: Float64Array<SharedArrayBuffer>;
  readonly #pieces: Uint8Array[] = [];
  readonly #shapes = new Map<string, number>();
  readonly #hash: Hash = createHash('sha256');
  #size = 0;

  constructor(stepCount: number, columnCount: number) {
    this.#columnCount = columnCount;
    this.#table = new Float64Array(new SharedArrayBuffer(stepCount * columnCount * FIELDS * 8));
    for (let at = FIELDS - 1; at < this.#table.length; at += FIELDS) this.#table[at] = ABSENT;
  }

  add(step: number, column: number, given: GivenTensor, tensor: ExpectedTensor, place: string): void {
    try {
      this.#put(step, column, encodeGivenTensor(given, tensor));
    } catch (thrown) {
      this.problems.push({ where: place, what: (thrown as Error).message });
    }
  }

  finish(rest: Pick<InputDataset, 'files' | 'streamCount' | 'stepCount' | 'inputs' | 'outputs'>): InputDataset {
    const bytes = new SharedArrayBuffer(this.#size);
    const target = new Uint8Array(bytes);
    let at = 0;
    for (const piece of this.#pieces) {
      target.set(piece, at);
      at += piece.byteLength;
    }
    const shapes = [...this.#shapes.keys()].map((key) => JSON.parse(key) as number[]);
    const sha256 = this.#hash.digest('hex');
    return { ...rest, sha256, shapes, table: this.#table.buffer, bytes };
  }

  #put(step: number, column: number, { shape, bytes }: EncodedTensor): void {
    if (this.#size + bytes.byteLength > MAX_FILE_BYTES) {
      throw new Error(`brings the input data to more than ${MAX_FILE_BYTES / 2 ** 20} MiB`);
    }
    const key = JSON.stringify(shape);
    const shapeIndex = this.#shapes.get(key) ?? this.#shapes.size;
    this.#shapes.set(key, shapeIndex);
    this.#table.set([this.#size, bytes.byteLength, shapeIndex], (step * this.#columnCount + column) * FIELDS);
    this.#pieces.push(bytes);
    this.#size += bytes.byteLength;
    this.#hash.update(`${step}:${column}:${key}:`).update(bytes);
  }
}
