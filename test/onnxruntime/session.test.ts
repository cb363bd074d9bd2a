import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import type { DataType } from '../../src/kserve/data-types.js';
import { loadOrtLibrary } from '../../src/onnxruntime/library.js';
import { OrtSession } from '../../src/onnxruntime/session.js';
import { bytesOf, floats, framed, modelFile, tensor, toFloats } from '../support/model-files.js';

const library = loadOrtLibrary();
const opened = new Map<string, OrtSession>();
function open(name: string): OrtSession {
  const session = opened.get(name) ?? new OrtSession(library, modelFile(name), { intraOpThreads: 1 });
  opened.set(name, session);
  return session;
}
afterAll(() => {
  for (const session of opened.values()) session.close();
});

describe('a session', () => {
  it('tells what its model takes and returns', () => {
    expect(open('add_sub').inputs).toEqual([
      { name: 'INPUT0', dataType: 'FP32', shape: [-1, 4] },
      { name: 'INPUT1', dataType: 'FP32', shape: [-1, 4] },
    ]);
    expect(open('string_identity').outputs).toEqual([{ name: 'ECHO', dataType: 'BYTES', shape: [-1, 2] }]);
  });

  it('computes all outputs, with the inputs in any order', () => {
    const inputs = [floats('INPUT1', [1, 4], [1, 1, 1, 1]), floats('INPUT0', [1, 4], [1, 2, 3, 4])];
    const [sum, difference] = open('add_sub').run(inputs);
    expect(toFloats(sum!)).toEqual([2, 3, 4, 5]);
    expect(toFloats(difference!)).toEqual([0, 1, 2, 3]);
  });

  it('carries every numeric type byte by byte', () => {
    const samples: [DataType, NodeJS.TypedArray][] = [
      ['INT8', Int8Array.of(-128, 127)],
      ['INT16', Int16Array.of(-2, 3)],
      ['INT32', Int32Array.of(-(2 ** 31), 5)],
      ['INT64', BigInt64Array.of(-(2n ** 63n), 7n)],
      ['UINT8', Uint8Array.of(0, 255)],
      ['UINT16', Uint16Array.of(1, 65535)],
      ['UINT32', Uint32Array.of(2, 2 ** 32 - 1)],
      ['UINT64', BigUint64Array.of(3n, 2n ** 64n - 1n)],
      ['FP64', Float64Array.of(Math.PI, -0)],
    ];
    const names = { FP64: 'DOUBLE' } as Partial<Record<DataType, string>>;
    const inputs = samples.map(([type, values]) => tensor(names[type] ?? type, type, [2], bytesOf(values)));
    const outputs = open('all_numbers').run(inputs);
    expect(outputs.map(({ dataType, bytes }) => [dataType, [...bytes]])).toEqual(
      samples.map(([type, values]) => [type, [...bytesOf(values)]]),
    );
  });

  it('carries FP16, BF16 and BOOL', () => {
    const outputs = open('half_not').run([
      tensor('HALF', 'FP16', [1, 3], Uint8Array.of(0, 60, 0, 64, 0, 66)),
      tensor('BRAIN', 'BF16', [1, 2], Uint8Array.of(128, 63, 0, 64)),
      tensor('FLAG', 'BOOL', [1, 3], Uint8Array.of(1, 0, 1)),
    ]);
    expect(outputs.map(({ bytes }) => [...bytes])).toEqual([
      [0, 60, 0, 64, 0, 66],
      [128, 63, 0, 64],
      [0, 1, 0],
    ]);
  });

  it('carries strings of any content, zero bytes included', () => {
    const anyText = fc.string({ unit: 'binary', maxLength: 20 }).filter((text) => text.isWellFormed());
    fc.assert(
      fc.property(fc.array(fc.tuple(anyText, anyText), { maxLength: 5 }), (rows) => {
        const bytes = framed(rows.flat());
        const [echo] = open('string_identity').run([tensor('TEXT', 'BYTES', [rows.length, 2], bytes)]);
        expect(echo!.shape).toEqual([rows.length, 2]);
        expect([...echo!.bytes]).toEqual([...bytes]);
      }),
      { numRuns: 50 },
    );
  });

  it('returns outputs whose shape depends on the values, empty ones too', () => {
    const [found] = open('nonzero').run([floats('X', [4], [0, 2, 0, 4])]);
    expect(found!.shape).toEqual([1, 2]);
    expect([...new BigInt64Array(found!.bytes.buffer)]).toEqual([1n, 3n]);
    const [nothing] = open('nonzero').run([floats('X', [0], [])]);
    expect(nothing).toMatchObject({ shape: [1, 0], bytes: new Uint8Array(0) });
  });

  it('takes and returns scalars', () => {
    const [negated] = open('true_scalar').run([floats('X', [], [7])]);
    expect(negated!.shape).toEqual([]);
    expect(toFloats(negated!)).toEqual([-7]);
  });

  it('reads inputs from shared memory', () => {
    const bytes = new Uint8Array(new SharedArrayBuffer(16));
    bytes.set(bytesOf(Float32Array.of(1, 2, 3, 4)));
    const [sum] = open('add_sub').run([
      tensor('INPUT0', 'FP32', [1, 4], bytes),
      floats('INPUT1', [1, 4], [0, 0, 0, 0]),
    ]);
    expect(toFloats(sum!)).toEqual([1, 2, 3, 4]);
  });

  it('says which input is missing, unknown or of a wrong type', () => {
    const input = floats('INPUT0', [1, 4], [0, 0, 0, 0]);
    expect(() => open('add_sub').run([input])).toThrow("input 'INPUT1' is missing");
    expect(() => open('add_sub').run([input, { ...input, name: 'X' }])).toThrow("no input 'X'");
    const wrong = { ...input, name: 'INPUT1', dataType: 'INT32' } as const;
    expect(() => open('add_sub').run([input, wrong])).toThrow("input 'INPUT1' is INT32, but must be FP32");
  });

  it('fails a run with ONNX Runtime’s reason and runs on', () => {
    const index = (value: bigint) => [tensor('INDEX', 'INT64', [1, 1], bytesOf(BigInt64Array.of(value)))];
    expect(() => open('gather').run(index(9n))).toThrow(/out of data bounds/);
    expect(toFloats(open('gather').run(index(1n))[0]!)).toEqual([20]);
  });

  it('refuses a tensor of a wrong shape with ONNX Runtime’s reason', () => {
    const wrong = floats('INPUT0', [1, 3], [0, 0, 0]);
    expect(() => open('identity').run([wrong])).toThrow(/invalid dimensions/);
  });

  it('cannot be made from a file that is missing, empty, cut or something else', () => {
    const folder = mkdtempSync(join(tmpdir(), 'perf-ts-onnx-'));
    try {
      const write = (content: Uint8Array): string => {
        const file = join(folder, 'model.onnx');
        writeFileSync(file, content);
        return file;
      };
      const make = (file: string) => () => new OrtSession(library, file);
      expect(make(join(folder, 'none.onnx'))).toThrow(/doesn't exist/);
      expect(make(write(new Uint8Array(0)))).toThrow();
      expect(make(write(Buffer.from('this is not a model')))).toThrow(/Protobuf parsing failed/);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('honours its settings', () => {
    const session = new OrtSession(library, modelFile('add_sub'), {
      intraOpThreads: 1,
      interOpThreads: 2,
      graphLevel: 'disabled',
      executionMode: 'parallel',
      cpuArena: false,
      memoryPattern: false,
      configEntries: { 'session.use_device_allocator_for_initializers': '1' },
      runConfigEntries: { 'memory.enable_memory_arena_shrinkage': 'cpu:0' },
    });
    const inputs = ['INPUT0', 'INPUT1'].map((name) => floats(name, [1, 4], [1, 2, 3, 4]));
    // Shrinking an arena that was switched off is an error, so the run options do arrive.
    expect(() => session.run(inputs)).toThrow(/arena/i);
    session.close();
  });
});
