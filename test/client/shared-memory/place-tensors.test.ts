import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { outputRooms, placeTensors, tensorBytes } from '../../../src/client/shared-memory/place-tensors.js';

const sizes = fc.array(fc.integer({ min: 0, max: 300 }), { minLength: 1, maxLength: 4 });

describe('tensors in shared memory', () => {
  it('lie in the region without overlapping, each request with inputs of its own', () => {
    fc.assert(
      fc.property(
        fc.array(sizes, { minLength: 1, maxLength: 6 }),
        sizes,
        fc.integer({ min: 1, max: 6 }),
        (ins, outs, places) => {
          const requests = ins.map((inputs) => ({
            template: {
              modelName: 'm',
              modelVersion: '',
              outputNames: [],
              inputs: inputs.map((size, index) => ({
                name: `I${index}`,
                dataType: 'UINT8' as const,
                shape: [size],
                bytes: new Uint8Array(size),
              })),
            },
            outputs: outs.map((byteSize, index) => ({ name: `O${index}`, byteSize })),
          }));
          const { templates, byteSize } = placeTensors('r', requests, places);
          const spans = new Map<string, number>();
          for (const [request, { inputs, outputs }] of templates.entries()) {
            expect(inputs.map(({ bytes }) => bytes.byteLength)).toEqual(inputs.map(() => 0));
            expect(inputs.map(({ sharedMemory }) => sharedMemory?.byteSize)).toEqual(ins[request]);
            expect(outputs).toEqual(templates[request % places]!.outputs);
            for (const { sharedMemory } of [...inputs, ...(outputs ?? [])]) {
              spans.set(`${sharedMemory!.offsetBytes}`, sharedMemory!.byteSize);
            }
          }
          const ordered = [...spans].map(([offset, size]) => [Number(offset), size] as const).sort(([a], [b]) => a - b);
          for (const [index, [offset, size]] of ordered.entries()) {
            expect(offset + size).toBeLessThanOrEqual(ordered[index + 1]?.[0] ?? byteSize);
          }
        },
      ),
      { numRuns: 100 },
    );
  });

  it('have room for their rows, or what was asked for where the size is not fixed', () => {
    const outputs = [
      { name: 'a', dataType: 'FP32', shape: [2, 3] },
      { name: 'b', dataType: 'FP32', shape: [-1] },
      { name: 'c', dataType: 'BYTES', shape: [1] },
    ] as const;
    expect(outputRooms(outputs, 4, 100).map(({ byteSize }) => byteSize)).toEqual([96, 400, 400]);
  });

  it('are as long as their shape says, whatever the room', () => {
    const room = Uint8Array.from([1, 0, 0, 0, 65, 2, 0, 0, 0, 66, 67, 9, 9]);
    expect(tensorBytes({ name: 'o', dataType: 'INT16', shape: [3] }, room)).toBe(6);
    expect(tensorBytes({ name: 'o', dataType: 'BYTES', shape: [2] }, room)).toBe(11);
    expect(tensorBytes({ name: 'o', dataType: 'FP64', shape: [3] }, room)).toBe(13);
  });
});
