import { describe, expect, it } from 'vitest';
import { PinnedMemoryPool } from '../../../engine/memory/pinned-memory-pool.js';
import type { ModelConfig } from '../../../src/model-config/model-config.js';
import {
  addSubConfig,
  dynamicBatching,
  loadTestModel,
  outputsOf,
  tensorConfig,
} from '../../support/load-test-model.js';
import { floats, framed, tensor, toFloats } from '../../support/model-files.js';

const inputs = (rows: number) =>
  ['INPUT0', 'INPUT1'].map((name) =>
    floats(
      name,
      [rows, 4],
      Array.from({ length: rows * 4 }, (_, at) => at),
    ),
  );

describe('a model whose batches lie in the pinned memory pool', () => {
  it('answers as ever, tells how much it holds there, and leaves nothing behind', async () => {
    const tensorMemory = new PinnedMemoryPool(1 << 20);
    const config = { ...addSubConfig, ...dynamicBatching() };
    const model = await loadTestModel('add_sub', config, { tensorMemory });
    const held = tensorMemory.usage().usedBytes;
    expect(held).toBeGreaterThan(0);
    expect(model.gauges().memoryUsage).toContainEqual({ type: 'cpu_pinned', id: 0, byteSize: held });
    const sums = await Promise.all(Array.from({ length: 50 }, () => outputsOf(model, inputs(2))));
    for (const [sum] of sums) expect(toFloats(sum!)).toEqual([0, 2, 4, 6, 8, 10, 12, 14]);
    await model.close();
    expect(tensorMemory.usage().usedBytes).toBe(0);
  });

  it('grows its slots there as requests grow, and goes elsewhere when the pool is full', async () => {
    const tensorMemory = new PinnedMemoryPool(64 << 10);
    const config: ModelConfig = {
      input: [tensorConfig('TEXT', 'STRING', [2])],
      output: [tensorConfig('ECHO', 'STRING', [2])],
      max_batch_size: 8,
    };
    const model = await loadTestModel('string_identity', config, { tensorMemory });
    const used: number[] = [];
    for (const size of [100, 20_000, 200_000]) {
      const text = framed(['a'.repeat(size), 'b']);
      const [echo] = await outputsOf(model, [tensor('TEXT', 'BYTES', [1, 2], text)]);
      expect(Buffer.compare(echo!.bytes, text)).toBe(0);
      used.push(tensorMemory.usage().usedBytes);
    }
    expect(used[0]).toBeGreaterThan(0);
    expect(used[1]).toBeGreaterThan(20_000);
    expect(used[2]).toBeLessThan(used[1]!);
    await model.close();
    expect(tensorMemory.usage().usedBytes).toBe(0);
  });

  it('uses it only when its config wants pinned memory', async () => {
    const tensorMemory = new PinnedMemoryPool(1 << 20);
    const off = { enable: false };
    const optimization = { input_pinned_memory: off, output_pinned_memory: off };
    const model = await loadTestModel('add_sub', { ...addSubConfig, optimization }, { tensorMemory });
    expect(tensorMemory.usage().usedBytes).toBe(0);
    expect(model.gauges().memoryUsage.map(({ type }) => type)).toEqual(['cpu']);
    await model.close();
  });
});
