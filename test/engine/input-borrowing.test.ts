import { afterEach, describe, expect, it } from 'vitest';
import { borrowingFor, SMALLEST_BORROWED_BYTES } from '../../engine/input-borrowing.js';
import { planSlotLayout, type TensorShape } from '../../engine/instance/slot-layout.js';
import type { ServedModel } from '../../engine/served-model.js';
import { instant } from '../../src/common/units.js';
import type { Tensor } from '../../src/kserve/tensor.js';
import { addressOf } from '../../src/onnxruntime/native-memory.js';
import { addSubConfig, dynamicBatching, loadTestModel, outputsOf } from '../support/load-test-model.js';
import { bytesOf, floats, tensor, toFloats } from '../support/model-files.js';

const ROW_FLOATS = 1024;

function setUp(inputNames: readonly string[] = ['X']) {
  const shape = (name: string): TensorShape => ({
    name,
    dataType: 'FP32',
    dims: [ROW_FLOATS],
    clientDims: [ROW_FLOATS],
  });
  const layout = planSlotLayout(inputNames.map(shape), [shape('Y')], 8)!;
  const slot = new Uint8Array(layout.totalBytes);
  const told: unknown[] = [];
  const borrowing = borrowingFor(layout, {
    slotBytes: () => slot,
    borrowInputs: (_slot, addresses) => void told.push([...addresses]),
    keepInputs: () => void told.push('kept'),
  });
  return { borrowing, slot, layout, told };
}

const request = (inputs: readonly Tensor[]) => ({
  id: '',
  inputs,
  requestedOutputs: [],
  batchSize: 1,
  priority: 0,
  timeoutUs: 0,
  receivedAt: instant(1),
  isCancelled: () => false,
});

const rowsOf = (name: string, rows: number, value: number): Tensor =>
  floats(name, [rows, ROW_FLOATS], new Array<number>(rows * ROW_FLOATS).fill(value));

describe('inputs left where they arrived', () => {
  it('are told to the instance by their addresses, in the order of the model', () => {
    const { borrowing, told } = setUp(['X', 'Z']);
    const [x, z] = [rowsOf('X', 4, 1), rowsOf('Z', 4, 2)];
    expect(borrowing!.borrow(0, request([z, x]))).toBe(true);
    expect(told).toEqual([[addressOf(x.bytes), addressOf(z.bytes)]]);
  });

  it('are copied into the slot before more rows join them, once', () => {
    const { borrowing, slot, told, layout } = setUp();
    const x = rowsOf('X', 5, 7);
    borrowing!.borrow(3, request([x]));
    borrowing!.bringHome(3);
    borrowing!.bringHome(3);
    expect(told).toEqual([[addressOf(x.bytes)], 'kept']);
    const { offset } = layout.inputs[0]!;
    expect(Buffer.compare(slot.subarray(offset, offset + x.bytes.length), x.bytes)).toBe(0);
  });

  it('are none of a slot that is done', () => {
    const { borrowing, told } = setUp();
    borrowing!.borrow(0, request([rowsOf('X', 4, 1)]));
    borrowing!.forget(0);
    borrowing!.bringHome(0);
    expect(told).toHaveLength(1);
  });

  it('have to be large enough to be worth it', () => {
    expect(setUp().borrowing!.borrow(0, request([rowsOf('X', 3, 1)]))).toBe(false);
    expect(setUp().borrowing!.borrow(0, request([rowsOf('X', 4, 1)]))).toBe(true);
    const small = planSlotLayout([{ name: 'X', dataType: 'FP32', dims: [16], clientDims: [16] }], [], 64);
    expect(4 * 16 * 64).toBeLessThan(SMALLEST_BORROWED_BYTES);
    const pool = { slotBytes: () => new Uint8Array(0), borrowInputs: () => undefined, keepInputs: () => undefined };
    expect(borrowingFor(small, pool)).toBeUndefined();
    expect(borrowingFor(undefined, pool)).toBeUndefined();
  });

  it('have to lie where elements of their type may lie', () => {
    const memory = Buffer.allocUnsafeSlow(8 * 4 * ROW_FLOATS + 4);
    const at = (offset: number) =>
      request([tensor('X', 'FP32', [8, ROW_FLOATS], memory.subarray(offset, offset + 32 * ROW_FLOATS))]);
    expect(setUp().borrowing!.borrow(0, at(4))).toBe(true);
    expect(setUp().borrowing!.borrow(0, at(2))).toBe(false);
  });
});

describe('a model asked with large requests', () => {
  const loaded: ServedModel[] = [];
  afterEach(async () => {
    await Promise.all(loaded.splice(0).map((model) => model.close()));
  });

  const ROWS = 2048;
  const inputsOf = (rows: number, first: number, misplacedBy = 0): readonly Tensor[] => {
    const values = Float32Array.from({ length: rows * 4 }, (_, index) => first + index);
    const memory = Buffer.alloc(misplacedBy + values.byteLength);
    memory.set(bytesOf(values), misplacedBy);
    return [
      tensor('INPUT0', 'FP32', [rows, 4], memory.subarray(misplacedBy)),
      floats('INPUT1', [rows, 4], new Array<number>(rows * 4).fill(1)),
    ];
  };

  async function expectSum(model: ServedModel, rows: number, first: number, misplacedBy = 0): Promise<void> {
    const [sum] = await outputsOf(model, inputsOf(rows, first, misplacedBy));
    expect(sum!.shape).toEqual([rows, 4]);
    expect(toFloats(sum!)).toEqual(Array.from({ length: rows * 4 }, (_, index) => first + index + 1));
  }

  it.each([
    ['without batching', {}],
    ['with dynamic batching', dynamicBatching({ preferred_batch_size: [ROWS] })],
    [
      'with dynamic batching that merges waiting batches',
      dynamicBatching({ preferred_batch_size: [512], max_queue_delay_microseconds: 200 }),
    ],
  ])('answers each with its own %s, wherever its inputs lie', async (_, batching) => {
    const model = await loadTestModel('add_sub', { ...addSubConfig, max_batch_size: ROWS, ...batching });
    loaded.push(model);
    for (const rows of [1024, 1024, 512, 2048]) await expectSum(model, rows, rows);
    for (let round = 0; round < 10; round++) {
      await Promise.all(
        Array.from({ length: 24 }, (__, index) =>
          expectSum(model, 1 + ((index * 397 + round * 61) % 1500), index * 10_000, index % 3 === 0 ? index : 0),
        ),
      );
    }
  });
});
