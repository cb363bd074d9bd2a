import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import koffi from 'koffi';
import { afterAll, describe, expect, it } from 'vitest';
import type { ModelConfig } from '../../src/model-config/model-config.js';
import { buildZooModel } from '../../src/onnx/zoo/zoo.js';
import type { Pointer } from '../../src/onnxruntime/api-functions.js';
import { indexInTable } from '../../src/onnxruntime/api-order.js';
import { loadOrtLibrary } from '../../src/onnxruntime/library.js';
import { openNativeLibrary } from '../../src/onnxruntime/native-library.js';
import { checkStatus } from '../../src/onnxruntime/ort-error.js';
import { OrtSession } from '../../src/onnxruntime/session.js';
import {
  createRunOptions,
  createSessionOptions,
  type SessionSettings,
} from '../../src/onnxruntime/session-settings.js';
import { readSessionSettings } from '../../src/onnxruntime/triton-settings.js';
import { floats, modelFile } from '../support/model-files.js';

const library = loadOrtLibrary();
const folder = mkdtempSync(join(tmpdir(), 'perf-ts-settings-'));
afterAll(() => rmSync(folder, { recursive: true }));
const convolution = join(folder, 'simple_cnn.onnx');
writeFileSync(convolution, buildZooModel('simple_cnn'));

/** A function of the C API that perf-ts itself has no use for. */
function apiFunction(name: string, result: string, types: readonly string[]): (...values: unknown[]) => Pointer | null {
  const base = openNativeLibrary(library.path).func('OrtGetApiBase', 'void *', [])() as Pointer;
  const table = koffi.call(
    koffi.decode(base, 'void *'),
    koffi.proto('void *', ['uint32_t']),
    library.apiVersion,
  ) as Pointer;
  const address = koffi.decode(table, indexInTable(name, library.apiVersion)! * 8, 'void *') as Pointer;
  return koffi.decode(address, koffi.proto(result, [...types])) as (...values: unknown[]) => Pointer | null;
}

const settingsOf = (config: ModelConfig): SessionSettings => {
  const { settings, problems } = readSessionSettings(config);
  expect(problems).toEqual([]);
  return settings;
};
const fromParameters = (values: Record<string, string>): SessionSettings =>
  settingsOf({
    parameters: Object.fromEntries(Object.entries(values).map(([key, text]) => [key, { string_value: text }])),
  });

function withOptions<T>(settings: SessionSettings, use: (options: Pointer) => T): T {
  const options = createSessionOptions(library, settings);
  try {
    return use(options);
  } finally {
    library.api.ReleaseSessionOptions(options);
  }
}

function withSession<T>(file: string, settings: SessionSettings, use: (session: OrtSession) => T): T {
  const session = new OrtSession(library, file, settings);
  try {
    return use(session);
  } finally {
    session.close();
  }
}

/** The graph as ONNX Runtime has optimised it, as text to search in. */
function optimised(level: number): string {
  const file = join(folder, `level${level}.onnx`);
  const setPath = apiFunction('SetOptimizedModelFilePath', 'void *', ['void *', 'str']);
  const place = new BigUint64Array(1);
  withOptions(settingsOf({ optimization: { graph: { level } } }), (options) => {
    checkStatus(library.api, setPath(options, file));
    checkStatus(library.api, library.api.CreateSession(library.env, convolution, options, place));
    library.api.ReleaseSession(place[0]!);
  });
  return readFileSync(file, 'latin1');
}

describe('a setting of a model config arrives in ONNX Runtime', () => {
  it('graph level: what is fused grows from off over basic and extended to all', () => {
    const [off, basic, extended, all] = [2, -1, 1, 0].map(optimised) as [string, string, string, string];
    const count = (operator: string): number[] =>
      [off, basic, extended, all].map((graph) => graph.split(operator).length - 1);
    // Basic folds normalisation into weights, extended fuses activations, all may choose another layout as well.
    const [normalisations, activations] = [count('BatchNormalization'), count('Relu')];
    expect(normalisations[0]).toBeGreaterThan(0);
    expect(normalisations.slice(1)).toEqual([0, 0, 0]);
    expect(activations[1]).toBe(activations[0]);
    expect(activations[2]).toBeLessThan(activations[1]!);
    expect(activations[3]).toBeLessThan(activations[1]!);
    expect(count('FusedConv').slice(0, 2)).toEqual([0, 0]);
  });

  it('execution mode and memory pattern', () => {
    const read = (name: string, settings: SessionSettings): number =>
      withOptions(settings, (options) => {
        const value = new Int32Array(1);
        checkStatus(library.api, apiFunction(name, 'void *', ['void *', 'void *'])(options, value));
        return value[0]!;
      });
    expect(['0', '1'].map((mode) => read('GetSessionExecutionMode', fromParameters({ execution_mode: mode })))).toEqual(
      [0, 1],
    );
    const patterns = ['on', 'off'].map((word) =>
      read('GetMemPatternEnabled', fromParameters({ enable_mem_pattern: word })),
    );
    expect(patterns).toEqual([1, 0]);
  });

  it('session configuration entries', () => {
    const key = 'session.use_device_allocator_for_initializers';
    const read = apiFunction('GetSessionConfigEntry', 'void *', ['void *', 'str', 'void *', 'void *']);
    withOptions(fromParameters({ [key]: '1' }), (options) => {
      const text = new Uint8Array(8);
      const size = new BigUint64Array([8n]);
      checkStatus(library.api, read(options, key, text, size));
      expect(Buffer.from(text.subarray(0, Number(size[0]) - 1)).toString()).toBe('1');
    });
  });

  it('run configuration entries', () => {
    const key = 'memory.enable_memory_arena_shrinkage';
    const options = createRunOptions(library, fromParameters({ [key]: 'cpu:0' }))!;
    expect(apiFunction('GetRunConfigEntry', 'str', ['void *', 'str'])(options, key)).toBe('cpu:0');
    library.api.ReleaseRunOptions(options);
  });

  it('the arena: one that is on tells its size, and one that is off is not there', () => {
    const arenaAfterRun = (enable_mem_arena: string): number | undefined =>
      withSession(modelFile('busy'), fromParameters({ enable_mem_arena }), (session) => {
        session.run([floats('X', [1, 64], new Array<number>(64).fill(1))]);
        return session.arenaBytes();
      });
    expect(arenaAfterRun('true')).toBeGreaterThan(0);
    expect(arenaAfterRun('false')).toBeUndefined();
  });

  it('arena shrinkage: memory that a large batch took is given back after the run', () => {
    const arenaAfterLarge = (values: Record<string, string>): number =>
      withSession(modelFile('busy'), fromParameters({ intra_op_thread_count: '1', ...values }), (session) => {
        session.run([floats('X', [4096, 64], new Array<number>(4096 * 64).fill(1))]);
        return session.arenaBytes()!;
      });
    const kept = arenaAfterLarge({});
    expect(arenaAfterLarge({ 'memory.enable_memory_arena_shrinkage': 'cpu:0' })).toBeLessThan(kept);
  });

  // Linux lists a process's threads as files.
  it.skipIf(process.platform !== 'linux')('thread counts: the session has as many threads as were asked for', () => {
    const threads = (): number => readdirSync('/proc/self/task').length;
    const added = (values: Record<string, string>): number => {
      const before = threads();
      return withSession(convolution, fromParameters(values), () => threads() - before);
    };
    // The thread that calls Run counts as one of them.
    expect(added({ intra_op_thread_count: '1', inter_op_thread_count: '1' })).toBe(0);
    expect(added({ intra_op_thread_count: '4' })).toBe(3);
    expect(added({ intra_op_thread_count: '1', inter_op_thread_count: '3', execution_mode: '1' })).toBe(2);
  });
});
