/**
 * Large inputs that are not copied: as long as a batch is one request, the session reads its tensors where they were put
 * when they arrived. More rows bring them into the slot, in front of the others.
 */
import { elementSize } from '../src/kserve/data-types.js';
import { addressOf } from '../src/onnxruntime/native-memory.js';
import { writeRows } from './fixed-answers.js';
import type { InferenceRequest } from './inference.js';
import type { InstancePool } from './instance/instance-pool.js';
import { MOST_BORROWED_INPUTS } from './instance/slot-control.js';
import type { SlotLayout } from './instance/slot-layout.js';
import { inputNamed } from './queued-inference.js';

/** Copying less is cheaper than telling an instance where it lies. */
export const SMALLEST_BORROWED_BYTES = 16_384;

type BorrowingPool = Pick<InstancePool, 'slotBytes' | 'borrowInputs' | 'keepInputs'>;

/** Undefined where no request can be large enough, or has more inputs than a batch can borrow. */
export function borrowingFor(layout: SlotLayout | undefined, pool: BorrowingPool): InputBorrowing | undefined {
  if (layout === undefined || layout.inputs.length > MOST_BORROWED_INPUTS) return undefined;
  const rowBytes = layout.inputs.reduce((sum, input) => sum + input.rowBytes, 0);
  return rowBytes * layout.maxRows < SMALLEST_BORROWED_BYTES ? undefined : new InputBorrowing(layout, pool);
}

export class InputBorrowing {
  readonly #layout: SlotLayout;
  readonly #pool: BorrowingPool;
  /** By slot: the request whose inputs it borrows, kept until it is done so that their memory is not collected. */
  readonly #lenders: (InferenceRequest | undefined)[] = [];
  /** By slot: false once its inputs were brought home, while an instance may still be reading the lender's. */
  readonly #isAway: boolean[] = [];
  readonly #addresses: number[] = [];

  constructor(layout: SlotLayout, pool: BorrowingPool) {
    this.#layout = layout;
    this.#pool = pool;
  }

  /** True when the slot, which has no rows yet, takes the request's inputs where they are; false: they must be copied. */
  borrow(slot: number, request: InferenceRequest): boolean {
    if (!this.#locate(request)) return false;
    this.#lenders[slot] = request;
    this.#isAway[slot] = true;
    this.#pool.borrowInputs(slot, this.#addresses);
    return true;
  }

  /** Copies borrowed inputs to the slot's first rows, so that more can follow them. Does nothing where they are there. */
  bringHome(slot: number): void {
    if (this.#isAway[slot] !== true) return;
    this.#isAway[slot] = false;
    writeRows(this.#pool.slotBytes(slot, 0), this.#layout, this.#lenders[slot]!.inputs, 0);
    this.#pool.keepInputs(slot);
  }

  /** Copies the inputs that a withdrawn slot borrows to another slot, from `row` on; false where it borrows none. */
  writeTo(from: number, into: number, row: number): boolean {
    if (this.#isAway[from] !== true) return false;
    writeRows(this.#pool.slotBytes(into, 0), this.#layout, this.#lenders[from]!.inputs, row);
    return true;
  }

  /** The slot is done. */
  forget(slot: number): void {
    this.#lenders[slot] = undefined;
    this.#isAway[slot] = false;
  }

  /** Finds the addresses of the inputs; false where they are small, in pieces, or not on places of their data type. */
  #locate({ inputs }: InferenceRequest): boolean {
    let byteLength = 0;
    for (let place = 0; place < inputs.length; place++) {
      const input = inputs[place]!;
      // Pieces are put together, and that may as well be done in the slot.
      if (input.segments !== undefined) return false;
      byteLength += input.bytes.byteLength;
    }
    if (byteLength < SMALLEST_BORROWED_BYTES) return false;
    const layouts = this.#layout.inputs;
    this.#addresses.length = layouts.length;
    for (let place = 0; place < layouts.length; place++) {
      const { name, dataType } = layouts[place]!;
      const { bytes } = inputNamed(inputs, name, place);
      const address = addressOf(bytes);
      if (address % elementSize(dataType)! !== 0) return false;
      this.#addresses[place] = address;
    }
    return true;
  }
}
