import { afterAll, describe, expect, it } from 'vitest';
import { createFixedRunner } from '../../../engine/instance/fixed-runner.js';
import { planSlotLayout } from '../../../engine/instance/slot-layout.js';
import { loadOrtLibrary } from '../../../src/onnxruntime/library.js';
import { addressOf } from '../../../src/onnxruntime/native-memory.js';
import { OrtSession } from '../../../src/onnxruntime/session.js';
import { modelFile } from '../../support/model-files.js';

const shape = (name: string) => ({ name, dataType: 'FP32' as const, dims: [4], clientDims: [4] });
const layout = planSlotLayout([shape('INPUT1'), shape('INPUT0')], [shape('OUTPUT0'), shape('OUTPUT1')], 8)!;
const session = new OrtSession(loadOrtLibrary(), modelFile('add_sub'), { intraOpThreads: 1 });
const runner = createFixedRunner(session, layout);
afterAll(() => {
  runner.close();
  session.close();
});

const memory = new Uint8Array(new SharedArrayBuffer(layout.totalBytes));
const sums = (rows: number): number[] => [...new Float32Array(memory.buffer, layout.outputs[0]!.offset, rows * 4)];

function run(rows: number, first: Float32Array, second: Float32Array): number[] {
  const addresses = Float64Array.of(
    addressOf(new Uint8Array(second.buffer)),
    addressOf(new Uint8Array(first.buffer)),
    0,
  );
  runner.run(0, rows, memory, addresses);
  return sums(rows);
}

describe('a run over inputs that lie outside of its slot', () => {
  const first = new Float32Array(32).fill(3);
  const second = new Float32Array(32).fill(4);

  it('reads them where they are, each for the input that the layout names', () => {
    expect(run(2, first, second)).toEqual(new Array(8).fill(7));
    const [sumAt, differenceAt] = layout.outputs.map(({ offset }) => offset);
    expect(new Float32Array(memory.buffer, sumAt, 1)[0]).toBe(7);
    expect(new Float32Array(memory.buffer, differenceAt, 1)[0]).toBe(-1);
  });

  it('reads what is there at the time, when the memory is used again', () => {
    first.fill(10);
    expect(run(2, first, second)).toEqual(new Array(8).fill(14));
  });

  it('takes another number of rows and other memory behind the same first address', () => {
    expect(run(5, first, second)).toEqual(new Array(20).fill(14));
    const other = new Float32Array(32).fill(-1);
    expect(run(5, other, second)).toEqual(new Array(20).fill(3));
    expect(run(1, first, second)).toEqual(new Array(4).fill(14));
  });

  it('works for more different places than are kept', () => {
    for (let index = 0; index < 300; index++) {
      const mine = new Float32Array(32).fill(index);
      expect(run(1, mine, mine)).toEqual(new Array(4).fill(2 * index));
    }
  });

  it('leaves runs over the slot itself as they are', () => {
    new Float32Array(memory.buffer).fill(1);
    runner.run(0, 3, memory);
    expect(sums(3)).toEqual(new Array(12).fill(2));
  });
});
