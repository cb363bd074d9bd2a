/**
 * Runs batches of a fixed layout: native tensors are made once for each slot and number of rows, and a run is one call
 * that writes outputs to the slot. Outputs that ONNX Runtime does not write there are left to it and copied.
 */
import { nowNs } from '../../src/common/clock.js';
import type { Pointer } from '../../src/onnxruntime/api-functions.js';
import type { OrtSession } from '../../src/onnxruntime/session.js';
import { createTensorOver, describeValue, readValue } from '../../src/onnxruntime/tensor-value.js';
import type { BatchRunner } from './batch-runner.js';
import { BorrowedInputs } from './borrowed-inputs.js';
import { OutputMarks } from './output-marks.js';
import type { SlotLayout, TensorLayout } from './slot-layout.js';

/** A session that left outputs unwritten so often is given no memory for any from then on. */
const MOST_UNWRITTEN = 4;

/** Native tensors of one slot and number of rows, in the session's order, and the memory they lie over. */
interface BoundBatch {
  readonly inputs: BigUint64Array;
  /** 0n for outputs that ONNX Runtime allocates. */
  readonly outputs: BigUint64Array;
  readonly marks: OutputMarks;
  /** The slot's memory at the time; a slot may be given other memory. */
  readonly memory: Uint8Array;
}

export function createFixedRunner(session: OrtSession, layout: SlotLayout): BatchRunner {
  const binding = new LayoutBinding(session, layout);
  const bound = new Map<number, BoundBatch>();
  const borrowedInputs = new BorrowedInputs(session, layout);
  const nothing = new BigUint64Array(session.outputs.length);
  let unwrittenCount = 0;

  /** Returns the values of outputs where some are not in the slot yet. */
  const runOver = (inputs: BigUint64Array, { outputs, marks }: BoundBatch): BigUint64Array | undefined => {
    if (unwrittenCount < MOST_UNWRITTEN) {
      const values = binding.isComplete ? outputs : outputs.slice();
      marks.set();
      session.runPrepared(inputs, values);
      if (!marks.isAnyLeft()) return binding.isComplete ? undefined : values;
      unwrittenCount++;
      binding.release(values, outputs);
    }
    // All outputs anew, so that all are of the same run.
    const values = nothing.slice();
    session.runPrepared(inputs, values);
    return values;
  };

  return {
    run(slot, rows, memory, borrowed) {
      const computeStartNs = nowNs();
      const key = slot * (layout.maxRows + 1) + rows;
      let batch = bound.get(key);
      if (batch === undefined || batch.memory !== memory) {
        if (batch !== undefined) binding.close(batch);
        batch = binding.bind(rows, memory);
        bound.set(key, batch);
      }
      const inputs = borrowed === undefined ? batch.inputs : borrowedInputs.at(borrowed, rows);
      const inferStartNs = nowNs();
      const values = runOver(inputs, batch);
      const inferEndNs = nowNs();
      if (values === undefined) {
        return { times: { computeStartNs, inferStartNs, inferEndNs, computeEndNs: inferEndNs } };
      }
      try {
        binding.copy(values, batch, rows);
      } finally {
        binding.release(values, batch.outputs);
      }
      return { times: { computeStartNs, inferStartNs, inferEndNs, computeEndNs: nowNs() } };
    },
    close() {
      for (const batch of bound.values()) binding.close(batch);
      bound.clear();
      borrowedInputs.close();
    },
  };
}

/** Makes a session's native tensors over memory of a layout. */
class LayoutBinding {
  /** True when every output is written to the slot by the run itself. */
  readonly isComplete: boolean;
  readonly #session: OrtSession;
  readonly #layout: SlotLayout;
  readonly #inputs: readonly (TensorLayout | undefined)[];
  /** In the session's order; undefined for one that the config leaves out. */
  readonly #outputs: readonly (TensorLayout | undefined)[];
  /** The same without those whose value is a feed, which ONNX Runtime never copies. */
  readonly #boundOutputs: readonly (TensorLayout | undefined)[];

  constructor(session: OrtSession, layout: SlotLayout) {
    this.#session = session;
    this.#layout = layout;
    const fed = new Set([...session.inputs, ...session.overridableInputs].map(({ name }) => name));
    this.#inputs = session.inputs.map(({ name }) => layout.inputs.find((tensor) => tensor.name === name));
    this.#outputs = session.outputs.map(({ name }) => layout.outputs.find((tensor) => tensor.name === name));
    this.#boundOutputs = this.#outputs.map((tensor) => (tensor && fed.has(tensor.name) ? undefined : tensor));
    this.isComplete = this.#boundOutputs.every((tensor) => tensor !== undefined);
  }

  bind(rows: number, memory: Uint8Array): BoundBatch {
    const bind = (tensor: TensorLayout | undefined): Pointer => {
      if (tensor === undefined) return 0n;
      const bytes = memory.subarray(tensor.offset, tensor.offset + tensor.rowBytes * rows);
      return createTensorOver(this.#session.library, tensor.dataType, this.#shapeOf(tensor, rows), bytes);
    };
    const regions = this.#boundOutputs.flatMap((tensor) =>
      tensor === undefined ? [] : [{ offset: tensor.offset, byteLength: tensor.rowBytes * rows }],
    );
    return {
      inputs: BigUint64Array.from(this.#inputs, bind),
      outputs: BigUint64Array.from(this.#boundOutputs, bind),
      marks: new OutputMarks(memory, regions),
      memory,
    };
  }

  /**
   * Copies to the slot what ONNX Runtime allocated instead.
   * @throws Error when an output was not computed or is not what the layout has a place for.
   */
  copy(values: BigUint64Array, { outputs, memory }: BoundBatch, rows: number): void {
    this.#outputs.forEach((tensor, place) => {
      const value = values[place]!;
      if (tensor === undefined || (value !== 0n && value === outputs[place])) return;
      const { name, dataType, offset, rowBytes } = tensor;
      if (value === 0n) throw new Error(`the model did not compute the output '${name}'`);
      const description = describeValue(this.#session.library, value);
      const shape = this.#shapeOf(tensor, rows);
      if (description.dataType !== dataType || description.shape.join() !== shape.join()) {
        const found = `${description.dataType} with shape [${description.shape}]`;
        throw new Error(
          `the model returned the output '${name}' as ${found}, not as ${dataType} with shape [${shape}]`,
        );
      }
      readValue(this.#session.library, value, description, memory.subarray(offset, offset + rowBytes * rows));
    });
  }

  /** Releases those of `values` that are not among `bound`, which stay. */
  release(values: BigUint64Array, bound: BigUint64Array): void {
    values.forEach((value, place) => {
      if (value !== 0n && value !== bound[place]) this.#session.library.api.ReleaseValue(value);
    });
  }

  close({ inputs, outputs }: BoundBatch): void {
    for (const value of [...inputs, ...outputs]) if (value !== 0n) this.#session.library.api.ReleaseValue(value);
  }

  #shapeOf({ dims }: TensorLayout, rows: number): readonly number[] {
    return this.#layout.hasBatchDimension ? [rows, ...dims] : dims;
  }
}
