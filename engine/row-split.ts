/** Takes one request's rows out of a batch's output. */
import { elementCount, elementSize } from '../src/kserve/data-types.js';
import type { Tensor } from '../src/kserve/tensor.js';

/** Rows [start, end) of a tensor with `rows` rows, as a view. Throws Error when its first dimension is not the batch's. */
export function splitRows(tensor: Tensor, start: number, end: number, rows: number): Tensor {
  if (tensor.shape[0] !== rows) {
    throw new Error(`the model returned '${tensor.name}' with shape [${tensor.shape}] for a batch of ${rows}`);
  }
  const shape = [end - start, ...tensor.shape.slice(1)];
  const perRow = elementCount(shape.slice(1));
  const size = elementSize(tensor.dataType);
  if (size !== undefined)
    return { ...tensor, shape, bytes: tensor.bytes.subarray(start * perRow * size, end * perRow * size) };
  const from = offsetOfElement(tensor.bytes, 0, start * perRow);
  const to = offsetOfElement(tensor.bytes, from, (end - start) * perRow);
  return { ...tensor, shape, bytes: tensor.bytes.subarray(from, to) };
}

/** Where the element `count` places after the one at `offset` begins, each with a 4-byte length before it. */
function offsetOfElement(bytes: Uint8Array, offset: number, count: number): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = offset;
  for (let i = 0; i < count; i++) at += 4 + view.getUint32(at, true);
  return at;
}
