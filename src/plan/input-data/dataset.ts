/**
 * The values of a run's input data as its load workers use them: every step's tensors as the bytes that travel, in
 * memory that all threads share. A request takes as many steps in a row as it has rows.
 */

/** Columns are the inputs in the order of `inputs`, then the expected outputs in that of `outputs`. */
export interface InputDataset {
  /** As they were named. */
  readonly files: readonly string[];
  /** Over all bytes and shapes, so that two runs can be told to have sent the same. */
  readonly sha256: string;
  readonly streamCount: number;
  /** Steps of all streams, one stream after the other. */
  readonly stepCount: number;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** Every shape that occurs, without the batch dimension. */
  readonly shapes: readonly (readonly number[])[];
  /** Three float64 for each column of each step: offset and length in `bytes`, and the index of the shape or ABSENT. */
  readonly table: SharedArrayBuffer;
  readonly bytes: SharedArrayBuffer;
}

export const ABSENT = -1;
export const FIELDS = 3;

const greatestCommonDivisor = (a: number, b: number): number => (b === 0 ? a : greatestCommonDivisor(b, a % b));

/** Distinct requests of `batchSize` rows before the same steps come together again. */
export const requestPeriod = (stepCount: number, batchSize: number): number =>
  stepCount / greatestCommonDivisor(stepCount, batchSize);

/** Distinct requests of one worker when `workerCount` workers take the requests of a period in turn. */
export const workerPeriod = (period: number, workerCount: number): number =>
  period / greatestCommonDivisor(period, workerCount);

/** The steps of request number `request` over all workers. */
export const stepsOfRequest = ({ stepCount }: InputDataset, request: number, batchSize: number): readonly number[] => {
  const first = ((request % requestPeriod(stepCount, batchSize)) * batchSize) % stepCount;
  return Array.from({ length: batchSize }, (_, row) => (first + row) % stepCount);
};

/** The rows of one column, one after the other; undefined where a step lacks it or has another shape than the first. */
export function readRows(
  dataset: InputDataset,
  column: number,
  steps: readonly number[],
): { readonly shape: readonly number[]; readonly bytes: Uint8Array } | undefined {
  const table = new Float64Array(dataset.table);
  const columnCount = dataset.inputs.length + dataset.outputs.length;
  const at = (step: number): number => (step * columnCount + column) * FIELDS;
  const shapeIndex = table[at(steps[0]!) + 2]!;
  if (shapeIndex === ABSENT || steps.some((step) => table[at(step) + 2] !== shapeIndex)) return undefined;
  const total = steps.reduce((sum, step) => sum + table[at(step) + 1]!, 0);
  const bytes = new Uint8Array(total);
  let filled = 0;
  for (const step of steps) {
    const [offset = 0, length = 0] = table.subarray(at(step), at(step) + 2);
    bytes.set(new Uint8Array(dataset.bytes, offset, length), filled);
    filled += length;
  }
  return { shape: dataset.shapes[shapeIndex]!, bytes };
}

/** Index of the shape of a column at a step, or ABSENT. */
export const shapeIndexOf = (dataset: InputDataset, column: number, step: number): number =>
  new Float64Array(dataset.table)[(step * (dataset.inputs.length + dataset.outputs.length) + column) * FIELDS + 2]!;
