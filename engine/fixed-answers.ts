/**
 * Writes requests into slots of a fixed layout and reads answers out of them. Rows are copied once on the way in; an
 * answer is views of the slot, and the answers of single rows are made once for each place in it.
 */
import type { Tensor } from '../src/kserve/tensor.js';
import { copyBytes } from '../src/onnxruntime/native-memory.js';
import type { InferenceOutcome } from './inference.js';
import type { InputTensor } from './input-tensor.js';
import type { SlotLayout, TensorLayout } from './instance/slot-layout.js';
import { inputNamed } from './queued-inference.js';

/** Copies a request's inputs to the rows from `row` on. */
export function writeRows(slot: Uint8Array, layout: SlotLayout, inputs: readonly InputTensor[], row: number): void {
  const layouts = layout.inputs;
  for (let place = 0; place < layouts.length; place++) {
    const { name, offset, rowBytes } = layouts[place]!;
    const input = inputNamed(inputs, name, place);
    if (input.segments === undefined) copyBytes(slot, offset + row * rowBytes, input.bytes);
    else gather(slot, offset + row * rowBytes, input.segments.pieces);
  }
}

function gather(slot: Uint8Array, offset: number, pieces: readonly Uint8Array[]): void {
  let at = offset;
  for (const piece of pieces) {
    copyBytes(slot, at, piece);
    at += piece.byteLength;
  }
}

/** Copies `rows` rows of all inputs from the beginning of one slot to behind the rows of another. */
export function moveRows(from: Uint8Array, rows: number, into: Uint8Array, row: number, layout: SlotLayout): void {
  for (const { offset, rowBytes } of layout.inputs) {
    copyBytes(into, offset + row * rowBytes, from.subarray(offset, offset + rows * rowBytes));
  }
}

interface SlotAnswers {
  /** The slot's memory that the answers are views of. */
  readonly bytes: Uint8Array;
  /** By row. */
  readonly singleRows: (InferenceOutcome | undefined)[];
}

export class FixedAnswers {
  readonly #layout: SlotLayout;
  readonly #bySlot: (SlotAnswers | undefined)[] = [];

  constructor(layout: SlotLayout) {
    this.#layout = layout;
  }

  /** All outputs of the rows [row, row + rows) of a slot; valid until the slot is released. */
  answer(slot: number, bytes: Uint8Array, row: number, rows: number): InferenceOutcome {
    if (rows !== 1) return this.#make(bytes, row, rows);
    let made = this.#bySlot[slot];
    // A slot may have been given other memory.
    if (made?.bytes !== bytes) {
      made = { bytes, singleRows: [] };
      this.#bySlot[slot] = made;
    }
    made.singleRows[row] ??= this.#make(bytes, row, 1);
    return made.singleRows[row];
  }

  #make(bytes: Uint8Array, row: number, rows: number): InferenceOutcome {
    const { outputs, hasBatchDimension } = this.#layout;
    return { state: 'ok', outputs: outputs.map((output) => readRows(bytes, output, row, rows, hasBatchDimension)) };
  }
}

function readRows(
  slot: Uint8Array,
  { name, dataType, clientDims, offset, rowBytes }: TensorLayout,
  row: number,
  rows: number,
  hasBatchDimension: boolean,
): Tensor {
  const start = offset + row * rowBytes;
  const shape = hasBatchDimension ? [rows, ...clientDims] : clientDims;
  return { name, dataType, shape, bytes: slot.subarray(start, start + rows * rowBytes) };
}
