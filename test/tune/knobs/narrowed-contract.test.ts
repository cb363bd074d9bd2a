/** What the default accepts, whatever a search proposes by itself accepts. */
import { describe, expect, it } from 'vitest';
import { type KnobContext, knobs } from '../../../src/tune/knobs/knobs.js';
import { narrowedContract } from '../../../src/tune/results/narrowed-contract.js';
import { buildSearchSpace, enumerateVariants } from '../../../src/tune/variants/search-space.js';
import { createVariant } from '../../../src/tune/variants/variants.js';
import { completedPlainConfig, plainContext, plainModel } from '../support/study-bench.js';

const gpu: KnobContext = {
  ...plainContext,
  providers: ['cuda', 'tensorrt', 'openvino'],
  gpuCount: 1,
  gpuMemoryBytes: 16 * 2 ** 30,
  memoryBytes: 64 * 2 ** 30,
  canConvert: true,
};
const everything = Object.fromEntries(knobs.map(({ name }) => [name, 'auto' as const]));

describe('a search by itself', () => {
  it('offers no value of any knob that narrows what clients may send', () => {
    for (const { name, values } of buildSearchSpace(gpu, everything).dimensions) {
      const knob = knobs.find((row) => row.name === name)!;
      const from = knob.read(gpu.config);
      const narrower = values.filter((to) => to !== from && knob.narrowsContract?.(from, to, gpu) === true);
      expect([name, narrower]).toEqual([name, []]);
    }
  });

  it.each([1, 4, 8, 32, 100, 256])('keeps a max_batch_size of %i, its start points too', (size) => {
    const config = { ...completedPlainConfig, max_batch_size: size };
    const space = buildSearchSpace({ ...plainContext, config });
    const tried = [...enumerateVariants(space), ...(space.presets ?? [])];
    expect(Math.min(...tried.map(({ max_batch_size: tuned = size }) => Number(tuned)))).toBe(size);
    expect(space.presets?.some(({ dynamic_batching: batches }) => batches === true)).toBe(true);
  });

  it.each([
    ['an order', { preserve_ordering: true }],
    ['priorities', { priority_levels: 2, default_priority_level: 1 }],
    ['a queue policy', { default_queue_policy: { max_queue_size: 4 } }],
  ])('keeps the batcher where it promises %s', (_, batching) => {
    const values = (own: object) =>
      buildSearchSpace({ ...plainContext, config: { ...completedPlainConfig, dynamic_batching: own } }).dimensions.find(
        ({ name }) => name === 'dynamic_batching',
      )?.values ?? [];
    expect(values(batching)).not.toContain(false);
    expect(values({ max_queue_delay_microseconds: 100 })).toContain(false);
  });

  it('captures no graph of one shape for a model that takes many', () => {
    const valuesOf = (config: KnobContext['config']) =>
      buildSearchSpace({ ...gpu, config }, everything).dimensions.find(({ name }) => name === 'cuda_enable_cuda_graph');
    expect(valuesOf(completedPlainConfig)).toBeUndefined();
    expect(valuesOf({ ...completedPlainConfig, max_batch_size: 0 })?.values).toEqual([false, true]);
    const input = [{ name: 'x', data_type: 'TYPE_FP32', dims: [-1, 4] }];
    expect(valuesOf({ ...completedPlainConfig, max_batch_size: 0, input })).toBeUndefined();
  });
});

describe('what is asked for', () => {
  const sizes = (context: KnobContext, selection?: Parameters<typeof buildSearchSpace>[1]) =>
    buildSearchSpace(context, selection).dimensions.find(({ name }) => name === 'max_batch_size')?.values;

  it('is tried: values that a file lists, and everything with the option', () => {
    expect(sizes(plainContext, { dynamic_batching: 'auto', max_batch_size: [4, 8] })).toEqual([4, 8]);
    expect(sizes({ ...plainContext, mayNarrow: true })).toEqual([2, 4, 8, 16, 32, 64]);
  });

  it('is flagged, with what it was', () => {
    const space = buildSearchSpace(plainContext, { dynamic_batching: [true], max_batch_size: [8, 64] });
    const variantWith = (size: number) =>
      createVariant(plainModel, space, { dynamic_batching: true, max_batch_size: size }, plainContext);
    expect(narrowedContract(variantWith(8), plainContext)).toEqual(['max_batch_size 8 instead of 32']);
    expect(narrowedContract(variantWith(64), plainContext)).toEqual([]);
  });
});
