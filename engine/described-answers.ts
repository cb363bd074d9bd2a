/** Writes requests of any shape into a slot and reads answers out of it, in the described form of described-batch.ts. */
import { elementSize } from '../src/kserve/data-types.js';
import type { Tensor } from '../src/kserve/tensor.js';
import type { InferenceOutcome } from './inference.js';
import { type InputTensor, piecesOf } from './input-tensor.js';
import { type DescribedBatch, describeBatch, readBatch, type TensorParts } from './instance/described-batch.js';
import type { TensorShape } from './instance/slot-layout.js';
import { inputNamed, type QueuedInference } from './queued-inference.js';
import { splitRows } from './row-split.js';
import { reshapeDims } from './tensor-shapes.js';

export interface DescribedForm {
  readonly inputs: readonly TensorShape[];
  readonly outputs: readonly TensorShape[];
  readonly hasBatchDimension: boolean;
}

/** The requests' inputs as one batch of `rows` rows. All have the same inputs and shapes but for their rows. */
export function gatherBatch(form: DescribedForm, requests: readonly QueuedInference[], rows: number): DescribedBatch {
  const { inputs, hasBatchDimension } = form;
  const tensors = inputs.flatMap((input, place): TensorParts[] => {
    // Requests that leave out different inputs never share a batch.
    if (input.isOptional && !requests[0]!.request.inputs.some(({ name }) => name === input.name)) return [];
    const given = requests.map(({ request }) => inputNamed(request.inputs, input.name, place));
    if (input.isScalar) return [scalarOf(input, given[0]!)];
    const dims = hasBatchDimension ? given[0]!.shape.slice(1) : given[0]!.shape;
    const modelDims = reshapeDims(dims, input.clientDims, input.dims);
    const shape = hasBatchDimension ? [rows, ...modelDims] : modelDims;
    return [{ name: input.name, dataType: input.dataType, shape, parts: given.flatMap(piecesOf) }];
  });
  return describeBatch(tensors, outputsWanted(form, requests));
}

/** A request alone may ask for less; in a batch every listed output may be wanted by someone. */
function outputsWanted({ outputs }: DescribedForm, requests: readonly QueuedInference[]): readonly string[] {
  const requested = requests.length === 1 ? requests[0]!.request.requestedOutputs : [];
  return requested.length > 0 ? requested : outputs.map(({ name }) => name);
}

/**
 * One outcome for each request, in their order: failures where the model's answer cannot be told apart by rows.
 * Valid until the slot is released.
 */
export function splitAnswers(
  form: DescribedForm,
  slot: Uint8Array,
  requests: readonly QueuedInference[],
  rows: number,
): readonly InferenceOutcome[] {
  const { tensors } = readBatch(slot);
  let row = 0;
  try {
    return requests.map((queued) => {
      const start = row;
      row += queued.rows;
      const outputs = tensors.map((tensor) => {
        const output = form.outputs.find(({ name }) => name === tensor.name);
        if (output?.isScalar && tensor.shape.length === 0) return repeatScalar(tensor, output, queued.rows);
        const mine = form.hasBatchDimension ? splitRows(tensor, start, row, rows) : tensor;
        return toClientShape(mine, form);
      });
      return { state: 'ok', outputs };
    });
  } catch (thrown) {
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    return requests.map(() => ({ state: 'failed', failure: { status: 'INTERNAL', message } }));
  }
}

/** Requests of a batch have the same value: a scheduler keeps different ones apart. Of a request's rows the first counts, as with Triton. */
function scalarOf({ name, dataType }: TensorShape, input: InputTensor): TensorParts {
  return { name, dataType, shape: [], parts: [firstElement(input)] };
}

/** The value for the whole batch that a request brings. */
export function firstElement({ dataType, bytes }: InputTensor): Uint8Array {
  const size = elementSize(dataType);
  if (size !== undefined) return bytes.subarray(0, size);
  return bytes.subarray(0, 4 + new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true));
}

/** Each row has the batch's value; as with Triton the rows stand for the first of the config's dims. */
function repeatScalar(tensor: Tensor, { clientDims }: TensorShape, rows: number): Tensor {
  const bytes = Buffer.concat(Array.from({ length: rows }, () => tensor.bytes));
  return { ...tensor, shape: [rows, ...clientDims.slice(1)], bytes };
}

function toClientShape(tensor: Tensor, { outputs, hasBatchDimension }: DescribedForm): Tensor {
  const output = outputs.find(({ name }) => name === tensor.name);
  if (output === undefined || output.dims === output.clientDims) return tensor;
  const dims = hasBatchDimension ? tensor.shape.slice(1) : tensor.shape;
  // A shape that the config does not foresee is answered as it is.
  const isForeseen =
    dims.length === output.dims.length && dims.every((size, axis) => [-1, size].includes(output.dims[axis]!));
  if (!isForeseen) return tensor;
  const clientDims = reshapeDims(dims, output.dims, output.clientDims);
  return { ...tensor, shape: hasBatchDimension ? [tensor.shape[0]!, ...clientDims] : clientDims };
}
