import { describe, expect, it } from 'vitest';
import { createFixedRunner } from '../../../engine/instance/fixed-runner.js';
import { planSlotLayout, type TensorShape } from '../../../engine/instance/slot-layout.js';
import { loadOrtLibrary } from '../../../src/onnxruntime/library.js';
import { addressOf } from '../../../src/onnxruntime/native-memory.js';
import { OrtSession } from '../../../src/onnxruntime/session.js';
import { modelFile } from '../../support/model-files.js';

const POISON = 0xee;
const MAX_ROWS = 4;

/** A runner over memory that is full of bytes which no run writes. */
function open(name: string, isBatched: boolean) {
  const session = new OrtSession(loadOrtLibrary(), modelFile(name), { intraOpThreads: 1 });
  const shapes = (specs: typeof session.inputs): TensorShape[] =>
    specs.map(({ name: tensor, dataType, shape }) => {
      const dims = isBatched ? shape.slice(1) : shape;
      return { name: tensor, dataType, dims, clientDims: dims };
    });
  const layout = planSlotLayout(shapes(session.inputs), shapes(session.outputs), isBatched ? MAX_ROWS : 0)!;
  const runner = createFixedRunner(session, layout);
  const memory = new Uint8Array(new SharedArrayBuffer(layout.totalBytes)).fill(POISON);
  const bytesOf = (kind: 'inputs' | 'outputs', tensor: string, rows: number): Uint8Array => {
    const { offset, rowBytes } = layout[kind].find((one) => one.name === tensor)!;
    return memory.subarray(offset, offset + rowBytes * rows);
  };
  const close = (): void => {
    runner.close();
    session.close();
  };
  return { runner, memory, layout, bytesOf, close };
}

describe('outputs that are inputs too', () => {
  const { runner, memory, layout, bytesOf, close } = open('pass_through', true);

  it('come back as they were sent, for any number of rows, from the slot or from where they were left', () => {
    for (let run = 0; run < 24; run++) {
      const rows = 1 + (run % MAX_ROWS);
      const lent = layout.inputs.map(({ rowBytes }) => new Uint8Array(new SharedArrayBuffer(rowBytes * MAX_ROWS)));
      const isLent = run % 3 === 0;
      layout.inputs.forEach(({ name, dataType }, place) => {
        const input = isLent ? lent[place]! : bytesOf('inputs', name, rows);
        input.fill(dataType === 'BOOL' ? run % 2 : 1 + run);
      });
      runner.run(0, rows, memory, isLent ? Float64Array.from(lent, addressOf) : undefined);
      layout.inputs.forEach(({ name, rowBytes }, place) => {
        const input = isLent ? lent[place]!.subarray(0, rowBytes * rows) : bytesOf('inputs', name, rows);
        expect([...bytesOf('outputs', name, rows)]).toEqual([...input]);
      });
      // Rows that were not asked for are nobody's.
      const { offset, rowBytes } = layout.outputs.find(({ name }) => name === 'Z')!;
      const behind = memory.subarray(offset + rowBytes * rows, offset + rowBytes * MAX_ROWS);
      if (run === 0) expect(behind.every((byte) => byte === POISON)).toBe(true);
    }
    close();
  });
});

describe('outputs that ONNX Runtime leaves unwritten though they are no inputs', () => {
  it('are never what was in the slot before', () => {
    const { runner, memory, bytesOf, close } = open('bare_scan', false);
    for (let run = 0; run < 12; run++) {
      memory.fill(POISON);
      runner.run(0, 1, memory);
      for (const name of ['S_OUT', 'X_OUT']) expect([...bytesOf('outputs', name, 1)]).not.toContain(POISON);
    }
    close();
  });
});
