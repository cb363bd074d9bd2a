/**
 * Runs batches of a fixed layout: native tensors are made once for each slot and number of rows, and a run is one call
 * that writes outputs to the slot. Outputs that ONNX Runtime does not write there are left to it and copied.
 */
import { nowNs } from '../../src/common/clock.js';
import type { Pointer } from '../../src/onnxruntime/api-functions.js';
import { OrtError } from '../../src/onnxruntime/ort-error.js';
import type { OrtSession } from '../../src/onnxruntime/session.js';
import { createTensorOver, describeValue, readValue } from '../../src/onnxruntime/tensor-value.js';
import type { BatchRunner } from './batch-runner.js';
import { BorrowedInputs } from './borrowed-inputs.js';
import { describeBatch } from './described-batch.js';
import { OutputMarks } from './output-marks.js';
import { inResponseOrder } from './output-order.js';
import type { SlotLayout, TensorLayout } from './slot-layout.js';

/** A session that left outputs unwritten so often is given no memory for any from then on. */
const MOST_UNWRITTEN = 4;
/** ONNX Runtime's words, old and new, for memory that it was given for an output of another shape. */
const OTHER_SHAPE = /computed output shape for this run|OrtValue shape verification failed/;

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
      try {
        session.runPrepared(inputs, values);
        if (!marks.isAnyLeft()) return binding.isComplete ? undefined : values;
        unwrittenCount++;
      } catch (thrown) {
        // The model declares another shape than it computes, and is given no memory for it from now on.
        if (!(thrown instanceof OrtError && OTHER_SHAPE.test(thrown.message))) throw thrown;
        unwrittenCount = MOST_UNWRITTEN;
      }
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
        const spill = binding.copy(values, batch, rows);
        const times = { computeStartNs, inferStartNs, inferEndNs, computeEndNs: nowNs() };
        return spill === undefined ? { times } : { times, spill };
      } finally {
        binding.release(values, batch.outputs);
      }
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
   * Copies to the slot what ONNX Runtime allocated instead. Where an output has another shape than the layout has a place
   * for, returns all of them in the described form.
   * @throws Error when an output was not computed.
   */
  copy(values: BigUint64Array, batch: BoundBatch, rows: number): SharedArrayBuffer | undefined {
    const { outputs, memory } = batch;
    for (const [place, tensor] of this.#outputs.entries()) {
      const value = values[place]!;
      if (tensor === undefined || (value !== 0n && value === outputs[place])) continue;
      const { name, dataType, offset, rowBytes } = tensor;
      if (value === 0n) throw new Error(`the model did not compute the output '${name}'`);
      const description = describeValue(this.#session.library, value);
      const shape = this.#shapeOf(tensor, rows);
      if (description.dataType !== dataType || description.shape.join() !== shape.join()) {
        return this.#describe(values);
      }
      readValue(this.#session.library, value, description, memory.subarray(offset, offset + rowBytes * rows));
    }
    return undefined;
  }

  /** It becomes the memory of the slot, so it is never smaller than the layout. */
  #describe(values: BigUint64Array): SharedArrayBuffer {
    const { library } = this.#session;
    const contents = inResponseOrder(
      this.#outputs.flatMap((tensor, place) => {
        if (tensor === undefined) return [];
        const description = describeValue(library, values[place]!);
        const bytes = new Uint8Array(description.byteLength);
        if (bytes.length > 0) readValue(library, values[place]!, description, bytes);
        return [{ name: tensor.name, dataType: description.dataType, shape: description.shape, parts: [bytes] }];
      }),
    );
    const described = describeBatch(contents);
    const spill = new SharedArrayBuffer(Math.max(described.totalBytes, this.#layout.totalBytes));
    described.writeTo(new Uint8Array(spill));
    return spill;
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
