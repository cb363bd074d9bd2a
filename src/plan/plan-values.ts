/** Decides for each input of a model where its values come from: generated, from the data files, or not sent at all. */
import { appendAll } from '../common/append-all.js';
import { closestWord } from '../common/closest-word.js';
import type { Problem } from '../common/errors.js';
import { type DataType, isDataType } from '../kserve/data-types.js';
import type { ModelMetadata, TensorMetadata } from '../kserve/metadata.js';
import type { TensorSpec } from '../kserve/tensor.js';
import type { ModelConfig } from '../model-config/model-config.js';
import { buildDataset, checkDatasetBatch } from './input-data/build-dataset.js';
import { type DataFile, shortened } from './input-data/data-files.js';
import { ABSENT, type InputDataset, shapeIndexOf } from './input-data/dataset.js';
import type { GeneratedValues, InputChoice } from './input-data/input-choice.js';
import type { Batching, ShapesByInput } from './input-shapes.js';
import type { InputSource } from './load-plan.js';

export interface ValueSettings {
  readonly inputSource: 'random' | 'zero';
  readonly inputChoices: readonly InputChoice[];
  readonly dataFiles: readonly DataFile[];
  readonly batchSizes: readonly number[];
  readonly workerCount: number;
}

/** Where the values of one model's inputs come from. */
export interface PlannedValues {
  readonly dataset: InputDataset | undefined;
  /** Undefined for an optional input that no file has. */
  sourceOf(input: string, seed: number): InputSource | undefined;
  /** Without the batch dimension; undefined where the values are generated. */
  shapeOf(input: string): readonly number[] | undefined;
}

const where = '--input-data';

export function planValues(
  settings: ValueSettings,
  { metadata, config }: { readonly metadata: ModelMetadata; readonly config: ModelConfig | undefined },
  batching: Batching,
  variants: readonly ShapesByInput[],
  problems: Problem[],
): PlannedValues {
  const { named, general, isGeneralGiven } = generatedBy(settings);
  appendAll(
    problems,
    metadata.inputs.flatMap((input) => checkRange(input, named.get(input.name) ?? general)),
  );
  const dataset = settings.dataFiles.length === 0 ? undefined : readDataset();
  if (dataset !== undefined) {
    const found: Problem[] = [];
    for (const size of settings.batchSizes) {
      // Counts that are none are reported elsewhere.
      const isCounted = [size, settings.workerCount].every((count) => Number.isSafeInteger(count) && count > 0);
      if (isCounted) checkDatasetBatch(dataset, size, settings.workerCount, found);
    }
    const varied = dataset.inputs.find((name) => new Set(variants.map((shapes) => shapes[name]?.join())).size > 1);
    if (varied !== undefined) {
      found.push({ where: '--shape', what: `input ${varied} has its values from a file, which has one shape only` });
    }
    appendAll(problems, found);
  }
  return {
    dataset,
    sourceOf(input, seed) {
      const own = named.get(input);
      if (settings.dataFiles.length === 0 || own !== undefined) return sourceFrom(own ?? general, seed);
      const column = dataset?.inputs.indexOf(input) ?? -1;
      if (dataset !== undefined && column >= 0) return { kind: 'data', rowBytes: largestRow(dataset, column) };
      return isGeneralGiven ? sourceFrom(general, seed) : undefined;
    },
    shapeOf(input) {
      const column = named.has(input) || dataset === undefined ? -1 : dataset.inputs.indexOf(input);
      return column < 0 ? undefined : firstShape(dataset!, column);
    },
  };

  function readDataset(): InputDataset | undefined {
    const found: Problem[] = [];
    const inputs = specsOf(metadata.inputs, batching);
    const optional = (config?.input ?? []).filter((input) => input.optional === true).map(({ name }) => name ?? '');
    const built = buildDataset(
      settings.dataFiles,
      {
        model: metadata.name,
        inputs,
        outputs: specsOf(metadata.outputs, batching),
        optionalInputs: new Set(optional),
        generatedInputs: new Set(isGeneralGiven ? inputs.map(({ name }) => name) : named.keys()),
        shapes: variants[0] ?? {},
      },
      found,
    );
    appendAll(problems, shortened(found));
    return built;
  }
}

/** A choice for a single input must name one that some model has. */
export function checkChoiceNames(
  choices: readonly InputChoice[],
  models: readonly ModelMetadata[],
): readonly Problem[] {
  const known = models.flatMap(({ inputs }) => inputs.map(({ name }) => name));
  return choices.flatMap((choice): readonly Problem[] => {
    if (choice.kind !== 'generated' || choice.input === undefined || known.includes(choice.input)) return [];
    const near = closestWord(choice.input, known);
    const hint = near === undefined ? `its inputs are ${known.join(', ')}` : `did you mean ${near}?`;
    return [{ where, what: `no model has the input ${choice.input}`, hint }];
  });
}

function generatedBy({ inputChoices, inputSource }: ValueSettings) {
  const named = new Map<string, GeneratedValues>();
  let general: GeneratedValues | undefined;
  for (const choice of inputChoices) {
    if (choice.kind !== 'generated') continue;
    if (choice.input === undefined) general = choice.values;
    else named.set(choice.input, choice.values);
  }
  return { named, general: general ?? ({ kind: inputSource } as const), isGeneralGiven: general !== undefined };
}

function sourceFrom(values: GeneratedValues, seed: number): InputSource {
  if (values.kind === 'zero') return { kind: 'zero' };
  return values.kind === 'random'
    ? { kind: 'random', seed }
    : { kind: 'random', seed, low: values.low, high: values.high };
}

export const specsOf = (tensors: readonly TensorMetadata[], { isBatching }: Batching): readonly TensorSpec[] =>
  tensors.map(({ name, datatype, shape }) => ({
    name,
    // A type that is unknown is reported where the inputs are planned.
    dataType: isDataType(datatype) ? datatype : 'BYTES',
    shape: isBatching ? shape.slice(1) : shape,
  }));

/** Bytes of the largest step of a column. */
function largestRow(dataset: InputDataset, column: number): number {
  const table = new Float64Array(dataset.table);
  const columnCount = dataset.inputs.length + dataset.outputs.length;
  let largest = 0;
  for (let at = column * 3; at < table.length; at += columnCount * 3) largest = Math.max(largest, table[at + 1]!);
  return largest;
}

function firstShape(dataset: InputDataset, column: number): readonly number[] {
  for (let step = 0; step < dataset.stepCount; step++) {
    const index = shapeIndexOf(dataset, column, step);
    if (index !== ABSENT) return dataset.shapes[index]!;
  }
  return [];
}

const integerBits: Readonly<Partial<Record<DataType, readonly [bits: number, isSigned: boolean]>>> = {
  UINT8: [8, false],
  UINT16: [16, false],
  UINT32: [32, false],
  UINT64: [53, false],
  INT8: [8, true],
  INT16: [16, true],
  INT32: [32, true],
  INT64: [54, true],
};

/** A range must fit whole-number inputs; BOOL and BYTES have no use for one and are generated as ever. */
function checkRange({ name, datatype }: TensorMetadata, values: GeneratedValues): readonly Problem[] {
  const integers = isDataType(datatype) ? integerBits[datatype] : undefined;
  if (values.kind !== 'range' || integers === undefined) return [];
  const [bits, isSigned] = integers;
  const [least, most] = isSigned ? [-(2 ** (bits - 1)), 2 ** (bits - 1) - 1] : [0, 2 ** bits - 1];
  const { low, high } = values;
  const isGood = [low, high].every((value) => Number.isSafeInteger(value) && value >= least && value <= most);
  if (isGood) return [];
  return [{ where, what: `the range ${low}..${high} does not fit input ${name}, which is ${datatype}` }];
}
