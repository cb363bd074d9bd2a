import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type BatchPolicy,
  type BatchTarget,
  decideBatch,
  newBatch,
  type QueueView,
} from '../../../engine/scheduler/batch-decision.js';
import { instant, micros } from '../../../src/common/units.js';

const policy = (parts: Partial<BatchPolicy> = {}): BatchPolicy => ({
  isDynamic: true,
  maxBatchSize: 8,
  preferredBatchSizes: [8],
  maxQueueDelay: micros(0),
  preservesOrdering: false,
  ...parts,
});

interface Queued {
  readonly rows?: number;
  readonly at?: number;
  readonly shape?: string;
}

function queueOf(requests: readonly Queued[]): QueueView {
  const views = requests.map(({ rows = 1, at = 0, shape = '' }) => ({ rows, queuedAt: instant(at), shapeKey: shape }));
  return {
    length: views.length,
    rows: views.reduce((sum, { rows }) => sum + rows, 0),
    at: (place) => views[place]!,
  };
}
const singles = (count: number): Queued[] => Array.from({ length: count }, () => ({}));
const decide = (queue: readonly Queued[], parts: Partial<BatchPolicy> = {}, now = 0, target: BatchTarget = newBatch) =>
  decideBatch(queueOf(queue), policy(parts), instant(now), target);
const dispatch = (requestCount: number, isSaturated: boolean) => ({ kind: 'dispatch', requestCount, isSaturated });

describe('the batching decision without a delay', () => {
  it('never waits, even for a single request', () => {
    expect(decide(singles(1))).toEqual(dispatch(1, false));
  });

  it('takes all that fits the max batch size', () => {
    expect(decide(singles(20))).toEqual(dispatch(8, true));
    expect(decide([{ rows: 5 }, { rows: 2 }, { rows: 3 }])).toEqual(dispatch(2, true));
  });

  it('prefers the largest preferred size that the queue passes through', () => {
    const sizes = { preferredBatchSizes: [2, 4] };
    expect(decide(singles(3), sizes)).toEqual(dispatch(2, true));
    expect(decide(singles(6), sizes)).toEqual(dispatch(4, true));
  });

  it('takes what there is below every preferred size, and lets it grow', () => {
    expect(decide(singles(3), { preferredBatchSizes: [4] })).toEqual(dispatch(3, false));
  });

  it('stops before requests that would jump over the largest preferred size', () => {
    expect(decide([{ rows: 3 }, { rows: 3 }], { preferredBatchSizes: [4] })).toEqual(dispatch(1, true));
  });

  it('keeps requests of different shapes apart', () => {
    const queue = [{ shape: 'a' }, { shape: 'a' }, { shape: 'b' }, { shape: 'a' }];
    expect(decide(queue)).toEqual(dispatch(2, true));
  });

  it('leaves something for other idle instances', () => {
    expect(decide(singles(5), {}, 0, { ...newBatch, share: 2 })).toEqual(dispatch(3, false));
    expect(decide(singles(1), {}, 0, { ...newBatch, share: 4 })).toEqual(dispatch(1, false));
  });
});

describe('the batching decision for a batch that can still grow', () => {
  const holding = (rows: number, shapeKey = ''): BatchTarget => ({ rows, shapeKey, share: 1 });

  it('adds what fits', () => {
    expect(decide(singles(3), {}, 0, holding(2))).toEqual(dispatch(3, false));
    expect(decide(singles(9), {}, 0, holding(2))).toEqual(dispatch(6, true));
  });

  it('adds nothing that does not fit, and closes the batch', () => {
    expect(decide([{ rows: 3 }], {}, 0, holding(6))).toEqual(dispatch(0, true));
  });

  it('adds nothing of another shape, and closes the batch', () => {
    expect(decide([{ shape: 'b' }], {}, 0, holding(1, 'a'))).toEqual(dispatch(0, true));
  });

  it('counts the rows it has towards the preferred sizes', () => {
    expect(decide(singles(3), { preferredBatchSizes: [4] }, 0, holding(3))).toEqual(dispatch(1, true));
  });
});

describe('the batching decision with a delay', () => {
  const delayed = { maxQueueDelay: micros(100), preferredBatchSizes: [4, 8] };

  it('waits for the rest of the delay while no preferred size is reached', () => {
    expect(decide([{ at: 5_000 }, { at: 9_000 }], delayed, 10_000)).toEqual({
      kind: 'wait',
      until: 105_000,
      untilRows: 4,
    });
  });

  it('does not wait once a preferred size is reached', () => {
    expect(decide(singles(4), delayed, 10)).toEqual(dispatch(4, false));
    expect(decide(singles(5), delayed, 10)).toEqual(dispatch(4, false));
  });

  it('takes everything up to the max batch size once the oldest has waited long enough', () => {
    expect(decide(singles(5), delayed, 100_000)).toEqual(dispatch(5, false));
    expect(decide(singles(9), delayed, 100_000)).toEqual(dispatch(8, true));
  });

  it('does not wait for what cannot come: the next request is of another shape', () => {
    expect(decide([{ shape: 'a' }, { shape: 'b' }], delayed, 10)).toEqual(dispatch(1, true));
  });

  it('does not look again before the next preferred size can be reached', () => {
    const queue = singles(1);
    const target = { rows: 6, shapeKey: '', share: 1 };
    expect(decide(queue, delayed, 10, target)).toMatchObject({ kind: 'wait', untilRows: 2 });
  });
});

describe('the batching decision without dynamic batching', () => {
  it('takes one request at a time, whatever the max batch size is', () => {
    expect(decide(singles(5), { isDynamic: false })).toEqual(dispatch(1, true));
  });
});

describe('every batching decision', () => {
  const anyQueue = fc.array(
    fc.record({ rows: fc.integer({ min: 1, max: 8 }), at: fc.nat(200_000), shape: fc.constantFrom('a', 'b') }),
    { minLength: 1, maxLength: 20 },
  );
  const anyPolicy = fc.record({
    preferredBatchSizes: fc
      .uniqueArray(fc.integer({ min: 1, max: 8 }), { minLength: 1 })
      .map((sizes) => sizes.sort((a, b) => a - b)),
    maxQueueDelay: fc.constantFrom(micros(0), micros(100)),
  });
  const anyTarget = fc.record({
    rows: fc.integer({ min: 0, max: 7 }),
    shapeKey: fc.constant('a'),
    share: fc.integer({ min: 1, max: 3 }),
  });

  it('keeps to the max batch size, to one shape and to the order, and makes progress', () => {
    fc.assert(
      fc.property(anyQueue, anyPolicy, anyTarget, fc.nat(400_000), (queue, parts, growing, now) => {
        const target = growing.rows === 0 ? { ...newBatch, share: growing.share } : growing;
        const decision = decide(queue, parts, now, target);
        if (decision.kind === 'wait') {
          expect(parts.maxQueueDelay).toBeGreaterThan(0);
          expect(decision.until).toBeGreaterThan(now);
          expect(decision.untilRows).toBeGreaterThan(0);
          return;
        }
        const taken = queue.slice(0, decision.requestCount);
        const rows = taken.reduce((sum, request) => sum + request.rows, target.rows);
        expect(rows).toBeLessThanOrEqual(8);
        const shapes = new Set<string>(taken.map(({ shape }) => shape));
        if (target.shapeKey !== undefined) shapes.add(target.shapeKey);
        expect(shapes.size).toBeLessThanOrEqual(1);
        expect(decision.requestCount > 0 || (decision.isSaturated && target.rows > 0)).toBe(true);
      }),
    );
  });
});
