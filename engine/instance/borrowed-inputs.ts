/**
 * Native tensors over inputs that were left where they arrived. Buffers of requests are used again and again, so the
 * tensors made for them are kept for the next time.
 */
import type { Pointer } from '../../src/onnxruntime/api-functions.js';
import type { OrtSession } from '../../src/onnxruntime/session.js';
import { createTensorAt } from '../../src/onnxruntime/tensor-value.js';
import type { SlotLayout } from './slot-layout.js';

/** As many requests as may reasonably be under way; beyond, all are made anew. */
const MOST_KEPT = 128;
const NOT_GIVEN = -1;

interface Bound {
  readonly rows: number;
  readonly addresses: readonly number[];
  /** In the session's order. */
  readonly inputs: BigUint64Array;
}

export class BorrowedInputs {
  readonly #session: OrtSession;
  readonly #layout: SlotLayout;
  /** For each of the session's inputs its place in the layout. */
  readonly #places: readonly number[];
  /** By the address of the first input. */
  readonly #kept = new Map<number, Bound>();

  constructor(session: OrtSession, layout: SlotLayout) {
    this.#session = session;
    this.#layout = layout;
    this.#places = session.inputs.map(({ name }) => layout.inputs.findIndex((tensor) => tensor.name === name));
  }

  /**
   * The native inputs of `rows` rows at these addresses, in the session's order; valid until the next call. Whether the
   * memory is there is the caller's promise.
   */
  at(addresses: Float64Array, rows: number): BigUint64Array {
    const first = addresses[0]!;
    const kept = this.#kept.get(first);
    if (kept !== undefined) {
      if (kept.rows === rows && kept.addresses.every((address, place) => address === addresses[place])) {
        return kept.inputs;
      }
      this.#release(kept);
      this.#kept.delete(first);
    } else if (this.#kept.size >= MOST_KEPT) this.close();
    const bound = this.#bind(addresses, rows);
    this.#kept.set(first, bound);
    return bound.inputs;
  }

  close(): void {
    for (const bound of this.#kept.values()) this.#release(bound);
    this.#kept.clear();
  }

  #bind(addresses: Float64Array, rows: number): Bound {
    const { inputs, hasBatchDimension } = this.#layout;
    const bind = (place: number): Pointer => {
      if (place === NOT_GIVEN) return 0n;
      const { dataType, dims, rowBytes } = inputs[place]!;
      const shape = hasBatchDimension ? [rows, ...dims] : dims;
      return createTensorAt(this.#session.library, dataType, shape, BigInt(addresses[place]!), rowBytes * rows);
    };
    return {
      rows,
      addresses: [...addresses.subarray(0, inputs.length)],
      inputs: BigUint64Array.from(this.#places, bind),
    };
  }

  #release({ inputs }: Bound): void {
    for (const value of inputs) if (value !== 0n) this.#session.library.api.ReleaseValue(value);
  }
}
