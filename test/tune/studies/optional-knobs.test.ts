import { describe, expect, it } from 'vitest';
import { keepPossible } from '../../../src/tune/studies/optional-knobs.js';

const selection = { instance_count: [1, 2], dynamic_batching: [true], max_batch_size: [4, 8] };
const batching = { config: { max_batch_size: 8 }, cpuCount: 2 };
const single = { config: { max_batch_size: 0 }, cpuCount: 2 };

describe('knobs that nobody named', () => {
  it('are left out together where the model does not batch, with the reason once', () => {
    const { selection: kept, leftOut } = keepPossible(single, selection, Object.keys(selection));
    expect(kept).toEqual({ instance_count: [1, 2] });
    expect(leftOut).toEqual(['dynamic_batching, max_batch_size are not tuned: the model has no batch dimension']);
  });

  it('stay where the model can have them', () => {
    expect(keepPossible(batching, selection, Object.keys(selection))).toEqual({ selection, leftOut: [] });
  });

  it('are told apart from those that somebody did name, which are still faults of the file', () => {
    expect(keepPossible(single, selection, ['dynamic_batching']).selection).toEqual({
      instance_count: [1, 2],
      max_batch_size: [4, 8],
    });
    expect(keepPossible(single, selection)).toEqual({ selection, leftOut: [] });
  });
});
