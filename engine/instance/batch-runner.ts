/** Runs the batch in a slot on one instance's session, as the batch describes. `fixed-runner.ts` has the faster way. */
import { nowNs } from '../../src/common/clock.js';
import type { OrtSession } from '../../src/onnxruntime/session.js';
import { createStringTensor, createTensorOver, describeValue, readValue } from '../../src/onnxruntime/tensor-value.js';
import { describeBatch, readBatch } from './described-batch.js';
import { compareOutputNames } from './output-order.js';
import type { ExecutionTimes } from './slot-control.js';

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

/** For models with dynamic shapes or strings: tensors are made for each run and outputs are copied from ONNX Runtime's. */
export function createDescribedRunner(session: OrtSession): BatchRunner {
  const { library } = session;
  const order = session.outputs
    .map(({ name }, place) => ({ name, place }))
    .sort((a, b) => compareOutputNames(a.name, b.name));
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
        const spill = writeOutputs(session, order, outputs, requestedOutputs, target);
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
  order: readonly { readonly name: string; readonly place: number }[],
  values: BigUint64Array,
  requestedOutputs: readonly string[],
  target: Uint8Array,
): SharedArrayBuffer | undefined {
  const contents = order.flatMap(({ name, place }) => {
    if (requestedOutputs.length > 0 && !requestedOutputs.includes(name)) return [];
    const value = values[place]!;
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
