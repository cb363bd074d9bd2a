/** Runs the batch in a slot on one instance's session. Two ways: bound once to a fixed layout, or as the batch describes. */
import { nowNs } from '../../src/common/clock.js';
import type { Pointer } from '../../src/onnxruntime/api-functions.js';
import type { OrtSession } from '../../src/onnxruntime/session.js';
import { createStringTensor, createTensorOver, describeValue, readValue } from '../../src/onnxruntime/tensor-value.js';
import { BorrowedInputs } from './borrowed-inputs.js';
import { describeBatch, readBatch } from './described-batch.js';
import type { ExecutionTimes } from './slot-control.js';
import type { SlotLayout, TensorLayout } from './slot-layout.js';

export interface BatchResult {
  readonly times: ExecutionTimes;
  /** Outputs that did not fit the slot's buffer. */
  readonly spill?: SharedArrayBuffer;
}

export interface BatchRunner {
  /**
   * `borrowed` are the addresses of the inputs, in the layout's order, where they do not lie in `memory`. Throws OrtError
   * or Error when the execution fails.
   */
  run(slot: number, rows: number, memory: Uint8Array, borrowed?: Float64Array): BatchResult;
  close(): void;
}

/** Native tensors of one slot and number of rows, in the session's order, and the memory they lie over. */
interface BoundBatch {
  readonly inputs: BigUint64Array;
  readonly outputs: BigUint64Array;
  /** The slot's memory at the time; a slot may be given other memory. */
  readonly memory: Uint8Array;
}

/** For models with a layout: native tensors are made once for each slot and number of rows, and a run is one call. */
export function createFixedRunner(session: OrtSession, layout: SlotLayout): BatchRunner {
  const bound = new Map<number, BoundBatch>();
  // An output that the config leaves out is allocated by ONNX Runtime on each run and let go at once.
  const hasUnlisted = session.outputs.length > layout.outputs.length;
  const borrowedInputs = new BorrowedInputs(session, layout);
  return {
    run(slot, rows, memory, borrowed) {
      const computeStartNs = nowNs();
      const key = slot * (layout.maxRows + 1) + rows;
      let batch = bound.get(key);
      if (batch === undefined || batch.memory !== memory) {
        if (batch !== undefined) releaseBatch(session, batch);
        batch = bindBatch(session, layout, rows, memory);
        bound.set(key, batch);
      }
      const outputs = hasUnlisted ? batch.outputs.slice() : batch.outputs;
      const inputs = borrowed === undefined ? batch.inputs : borrowedInputs.at(borrowed, rows);
      const inferStartNs = nowNs();
      session.runPrepared(inputs, outputs);
      const inferEndNs = nowNs();
      if (hasUnlisted) releaseUnlisted(session, batch.outputs, outputs);
      return { times: { computeStartNs, inferStartNs, inferEndNs, computeEndNs: hasUnlisted ? nowNs() : inferEndNs } };
    },
    close() {
      for (const batch of bound.values()) releaseBatch(session, batch);
      bound.clear();
      borrowedInputs.close();
    },
  };
}

function bindBatch(session: OrtSession, layout: SlotLayout, rows: number, memory: Uint8Array): BoundBatch {
  const bind = (tensor: TensorLayout | undefined): Pointer => {
    if (tensor === undefined) return 0n;
    const shape = layout.hasBatchDimension ? [rows, ...tensor.dims] : tensor.dims;
    const bytes = memory.subarray(tensor.offset, tensor.offset + tensor.rowBytes * rows);
    return createTensorOver(session.library, tensor.dataType, shape, bytes);
  };
  const byName = (list: readonly TensorLayout[], name: string) => list.find((tensor) => tensor.name === name);
  return {
    inputs: BigUint64Array.from(session.inputs, ({ name }) => bind(byName(layout.inputs, name))),
    outputs: BigUint64Array.from(session.outputs, ({ name }) => bind(byName(layout.outputs, name))),
    memory,
  };
}

function releaseBatch(session: OrtSession, { inputs, outputs }: BoundBatch): void {
  for (const value of [...inputs, ...outputs]) if (value !== 0n) session.library.api.ReleaseValue(value);
}

function releaseUnlisted(session: OrtSession, before: BigUint64Array, after: BigUint64Array): void {
  after.forEach((value, index) => {
    if (before[index] === 0n && value !== 0n) session.library.api.ReleaseValue(value);
  });
}

/** For models with dynamic shapes or strings: tensors are made for each run and outputs are copied from ONNX Runtime's. */
export function createDescribedRunner(session: OrtSession): BatchRunner {
  const { library } = session;
  return {
    run(_slot, _rows, target) {
      const computeStartNs = nowNs();
      const { requestedOutputs, tensors } = readBatch(target);
      const names = new BigUint64Array(tensors.length);
      const inputs = new BigUint64Array(tensors.length);
      const outputs = new BigUint64Array(session.outputs.length);
      try {
        // An optional input that the requests leave out is not in the batch, and the model's own value is used.
        tensors.forEach(({ name, dataType, shape, bytes }, index) => {
          const pointer = session.inputNamePointer(name);
          if (pointer === undefined) throw new Error(`the model has no input '${name}'`);
          names[index] = pointer;
          inputs[index] =
            dataType === 'BYTES'
              ? createStringTensor(library, shape, bytes)
              : createTensorOver(library, dataType, shape, bytes);
        });
        const inferStartNs = nowNs();
        session.runNamed(names, inputs, outputs);
        const inferEndNs = nowNs();
        const spill = writeOutputs(session, outputs, requestedOutputs, target);
        const times = { computeStartNs, inferStartNs, inferEndNs, computeEndNs: nowNs() };
        return spill === undefined ? { times } : { times, spill };
      } finally {
        for (const value of [...inputs, ...outputs]) if (value !== 0n) library.api.ReleaseValue(value);
      }
    },
    close: () => undefined,
  };
}

/** Writes outputs over the batch's inputs, or into a new buffer where they do not fit. */
function writeOutputs(
  session: OrtSession,
  values: BigUint64Array,
  requestedOutputs: readonly string[],
  target: Uint8Array,
): SharedArrayBuffer | undefined {
  const contents = session.outputs.flatMap(({ name }, index) => {
    if (requestedOutputs.length > 0 && !requestedOutputs.includes(name)) return [];
    const value = values[index]!;
    const description = describeValue(session.library, value);
    const bytes = new Uint8Array(description.byteLength);
    if (bytes.length > 0) readValue(session.library, value, description, bytes);
    return [{ name, dataType: description.dataType, shape: description.shape, parts: [bytes] }];
  });
  const batch = describeBatch(contents);
  if (batch.totalBytes <= target.length) {
    batch.writeTo(target);
    return undefined;
  }
  const spill = new SharedArrayBuffer(batch.totalBytes);
  batch.writeTo(new Uint8Array(spill));
  return spill;
}
