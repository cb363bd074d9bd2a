/** The inputs that variants are compared on: seeded random rows, or the user's own from perf_analyzer's data files. */
import { PerfTsError, type Problem } from '../common/errors.js';
import { deriveSeed } from '../common/random.js';
import type { Tensor, TensorSpec } from '../kserve/tensor.js';
import { makeInputTensor } from '../load/input-values.js';
import { buildDataset } from '../plan/input-data/build-dataset.js';
import { readDataFiles } from '../plan/input-data/data-files.js';
import { readRows } from '../plan/input-data/dataset.js';

/** Length of the strings for an input that takes some. */
const STRING_LENGTH_BYTES = 16;

export type Sample = readonly Tensor[];

export interface SampleChoice {
  readonly count: number;
  readonly seed: number;
  /** For inputs with open dimensions; without the first dimension where that is open. */
  readonly shapes?: Readonly<Record<string, readonly number[]>>;
  /** JSON file or folder in perf_analyzer's form; each of its steps is a sample, and `count` and `seed` mean nothing. */
  readonly dataPath?: string;
}

/**
 * Samples for a model that takes `inputs`, one row each where the first dimension is open. Random floats lie in
 * [0, 1), whole numbers in 0..99. The same choice gives the same samples everywhere.
 * @throws PerfTsError BAD_OPTION for dimensions that nobody says, BAD_FILE for data that does not fit.
 */
export async function makeSamples(inputs: readonly TensorSpec[], choice: SampleChoice): Promise<readonly Sample[]> {
  const rows = inputs.map(withoutRows);
  if (choice.dataPath !== undefined) return readSamples(inputs, rows, choice.dataPath, choice.shapes ?? {});
  const problems: Problem[] = [];
  const shapes = rows.map((row, index) => fullShape(inputs[index]!, row, choice.shapes?.[row.name], problems));
  for (const name of Object.keys(choice.shapes ?? {})) {
    if (inputs.some((input) => input.name === name)) continue;
    problems.push({
      where: `--shape ${name}`,
      what: 'the model has no such input',
      hint: `it has ${inputs.map((input) => input.name).join(', ')}`,
    });
  }
  if (problems.length > 0) throw new PerfTsError('BAD_OPTION', problems);
  return Array.from({ length: choice.count }, (_, sample) =>
    inputs.map(({ name, dataType }, index) =>
      makeInputTensor(
        {
          name,
          dataType,
          shape: shapes[index]!,
          source: { kind: 'random', seed: choice.seed },
          stringLengthBytes: STRING_LENGTH_BYTES,
        },
        deriveSeed(choice.seed, sample * inputs.length + index),
      ),
    ),
  );
}

const hasRows = ({ shape }: TensorSpec): boolean => shape[0] === -1;
const withoutRows = (input: TensorSpec): TensorSpec =>
  hasRows(input) ? { ...input, shape: input.shape.slice(1) } : input;

function fullShape(
  input: TensorSpec,
  row: TensorSpec,
  given: readonly number[] | undefined,
  problems: Problem[],
): readonly number[] {
  const shape = given ?? row.shape;
  const listed = `[${row.shape.join(', ')}]`;
  const isFitting =
    shape.length === row.shape.length && row.shape.every((size, at) => size === -1 || size === shape[at]);
  if (given !== undefined && !isFitting) {
    problems.push({ where: `--shape ${input.name}`, what: `[${given.join(', ')}] does not fit ${listed}` });
  } else if (shape.includes(-1)) {
    const example = `--shape ${input.name}:${row.shape.map((size) => (size === -1 ? 8 : size)).join(',')}`;
    problems.push({
      where: '--shape',
      what: `input ${input.name} has open dimensions ${listed}`,
      hint: `give them, for example ${example}`,
    });
  }
  return hasRows(input) ? [1, ...shape] : shape;
}

async function readSamples(
  inputs: readonly TensorSpec[],
  rows: readonly TensorSpec[],
  path: string,
  shapes: Readonly<Record<string, readonly number[]>>,
): Promise<readonly Sample[]> {
  const problems: Problem[] = [];
  const model = {
    model: 'to compare',
    inputs: rows,
    outputs: [],
    optionalInputs: new Set<string>(),
    generatedInputs: new Set<string>(),
    shapes,
  };
  const dataset = buildDataset(await readDataFiles([path]), model, problems);
  if (dataset === undefined) throw new PerfTsError('BAD_FILE', problems);
  return Array.from({ length: dataset.stepCount }, (_, step) =>
    inputs.map((input) => {
      const found = readRows(dataset, dataset.inputs.indexOf(input.name), [step])!;
      const shape = hasRows(input) ? [1, ...found.shape] : found.shape;
      return { name: input.name, dataType: input.dataType, shape, bytes: found.bytes };
    }),
  );
}
