import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readQueuePolicies } from '../../../engine/scheduler/queue-policy.js';
import { micros, millis } from '../../../src/common/units.js';
import type { DynamicBatchingConfig } from '../../../src/model-config/model-config.js';
import { scriptScheduler, sizesOf } from '../../support/scripted-instances.js';

const batchesOfFour = { maxBatchSize: 4, preferredBatchSizes: [4] };

/** A scheduler as a config describes it. */
function setUp(batching: DynamicBatchingConfig, instances = 1, policy: Parameters<typeof scriptScheduler>[0] = {}) {
  const parts = { ...batchesOfFour, ...policy };
  const scripted = scriptScheduler(parts, instances, readQueuePolicies({ dynamic_batching: batching }));
  const { sink, scheduler, enqueue } = scripted;
  return {
    ...scripted,
    ask: (priority: number, timeoutUs = 0) => enqueue(1, '', { priority, timeoutUs }),
    /** Lets the running batches end and idle instances take what is then there. */
    turn() {
      for (const batch of [...sink.running]) sink.finish(batch);
      scheduler.dispatch();
      while (sink.waiting.length > 0 && sink.idleInstances() > 0) sink.take();
    },
    drops: () => sink.dropped.map((id, place) => [id, sink.dropReasons[place]]),
  };
}

describe('priority levels', () => {
  // A Triton 2.51 with this config, one slow instance and these requests executed exactly these batches.
  it('are served in order, mix in a batch, and unknown ones are the default level', () => {
    const { sink, ask, turn } = setUp({ priority_levels: 3, default_priority_level: 2 });
    ask(0);
    turn();
    for (const priority of [3, 1, 2, 99, 3, 1, 2, 1]) ask(priority);
    turn();
    turn();
    expect(sink.executed).toEqual([[0], [2, 6, 8, 3], [4, 7, 1, 5]]);
  });

  it('let a more urgent request in before those that wait for the delay, whose age still counts', () => {
    const delayed = { maxQueueDelay: micros(100) };
    const { sink, clock, ask } = setUp({ priority_levels: 2, default_priority_level: 2 }, 1, delayed);
    ask(2);
    clock.advance(60_000);
    ask(1);
    clock.advance(39_999);
    expect(sizesOf(sink)).toEqual([]);
    clock.advance(1);
    sink.take();
    expect(sink.executed).toEqual([[1, 0]]);
  });

  it('may starve a level as long as a more urgent one has requests', () => {
    const { sink, ask, turn } = setUp({ priority_levels: 2, default_priority_level: 1 });
    ask(2);
    turn();
    ask(2);
    for (let round = 0; round < 5; round++) {
      for (let i = 0; i < 4; i++) ask(1);
      turn();
    }
    expect(sink.executed.flat()).not.toContain(1);
    turn();
    expect(sink.executed.at(-1)).toEqual([1]);
  });

  it('work with any number of levels', () => {
    const { sink, ask, turn } = setUp({ priority_levels: 4_000_000_000, default_priority_level: 4_000_000_000 });
    ask(0);
    turn();
    for (let i = 0; i < 40; i++) ask(1_000_000 * (40 - i));
    for (let i = 0; i < 10; i++) turn();
    expect(sink.executed.flat()).toEqual([0, ...Array.from({ length: 40 }, (_, place) => 40 - place)]);
  });
});

describe('batches waiting before busy instances', () => {
  const formed = (batching: DynamicBatchingConfig): number[] => {
    const { sink, ask, turn } = setUp(batching);
    ask(0);
    turn();
    for (let i = 0; i < 6; i++) ask(0);
    return sizesOf(sink);
  };

  it('are formed without queue policies, and where a policy limits nothing', () => {
    expect(formed({})).toEqual([4, 2]);
    expect(formed({ default_queue_policy: { timeout_action: 'DELAY' } })).toEqual([4, 2]);
  });

  it('are not formed with a timeout, an override, a queue size or priorities', () => {
    expect(formed({ default_queue_policy: { default_timeout_microseconds: 1_000_000 } })).toEqual([]);
    expect(formed({ default_queue_policy: { allow_timeout_override: true } })).toEqual([]);
    expect(formed({ default_queue_policy: { max_queue_size: 100 } })).toEqual([]);
    expect(formed({ priority_levels: 1, default_priority_level: 1 })).toEqual([]);
  });

  it('depend on the default policy alone where there are no levels', () => {
    expect(formed({ priority_queue_policy: { 1: { max_queue_size: 1 } } })).toEqual([4, 2]);
  });

  it('still grow until the idle instance they are for takes them', () => {
    const { sink, ask } = setUp({ priority_levels: 2, default_priority_level: 1 });
    for (let i = 0; i < 3; i++) ask(0);
    expect(sizesOf(sink)).toEqual([3]);
    sink.take();
    ask(0);
    expect(sizesOf(sink)).toEqual([]);
  });

  it('are formed one for each idle instance', () => {
    const { sink, ask } = setUp({ default_queue_policy: { max_queue_size: 100 } }, 2);
    for (let i = 0; i < 9; i++) ask(0);
    expect(sizesOf(sink)).toEqual([4, 4]);
  });
});

describe('a timeout', () => {
  const timeoutOf = (policy: NonNullable<DynamicBatchingConfig['default_queue_policy']>) =>
    setUp({ default_queue_policy: { default_timeout_microseconds: 100, ...policy } });

  it('refuses a request that waited longer, at once and not only when an instance is free', () => {
    const { sink, clock, ask, turn, drops } = timeoutOf({});
    ask(0);
    turn();
    ask(0);
    clock.advance(50_000);
    ask(0);
    clock.advance(50_000);
    expect(drops()).toEqual([]);
    clock.advance(1);
    expect(drops()).toEqual([[1, 'expired']]);
    turn();
    expect(sink.executed).toEqual([[0], [2]]);
  });

  it('ends with being placed: what an instance has does not expire', () => {
    const { clock, ask, turn, drops } = timeoutOf({});
    ask(0);
    turn();
    clock.advance(1_000_000);
    expect(drops()).toEqual([]);
  });

  // Requests every 60 ms, 100 ms to wait, 300 ms to run: batches of a Triton 2.51 with this config.
  it('puts an overdue request behind all others where the action is DELAY, and never refuses it', () => {
    const { sink, clock, ask, turn, drops } = timeoutOf({
      timeout_action: 'DELAY',
      default_timeout_microseconds: 100_000,
    });
    ask(0);
    turn();
    for (let i = 1; i <= 6; i++) {
      clock.advance(millis(60));
      ask(0);
    }
    turn();
    for (let i = 7; i <= 8; i++) {
      clock.advance(millis(60));
      ask(0);
    }
    clock.advance(millis(180));
    turn();
    expect(sink.executed).toEqual([[0], [5, 6, 1, 2], [3, 4, 7, 8]]);
    expect(drops()).toEqual([]);
  });

  it('is shortened by the request where the policy allows it, and never lengthened', () => {
    const { clock, ask, turn, drops } = timeoutOf({ allow_timeout_override: true });
    ask(0);
    turn();
    ask(0);
    ask(0, 20);
    ask(0, 500);
    clock.advance(20_001);
    expect(drops()).toEqual([[2, 'expired']]);
    clock.advance(80_000);
    expect(drops().map(([id]) => id)).toEqual([2, 1, 3]);
  });

  it('of a request counts for nothing where the policy does not allow it or has no default', () => {
    for (const policy of [{}, { allow_timeout_override: true, default_timeout_microseconds: 0 }]) {
      const { clock, ask, turn, drops } = timeoutOf(policy);
      ask(0);
      turn();
      ask(0, 20);
      clock.advance(90_000);
      expect(drops()).toEqual([]);
    }
  });

  it('of one level is that of its own policy', () => {
    const { clock, ask, turn, drops } = setUp({
      priority_levels: 2,
      default_priority_level: 2,
      default_queue_policy: { default_timeout_microseconds: 100 },
      priority_queue_policy: { 1: { default_timeout_microseconds: 300 } },
    });
    ask(1);
    turn();
    ask(1);
    ask(2);
    clock.advance(100_001);
    expect(drops()).toEqual([[2, 'expired']]);
    clock.advance(200_000);
    expect(drops().at(-1)).toEqual([1, 'expired']);
  });
});

describe('a queue size', () => {
  it('refuses what comes when so many wait, each level by itself', () => {
    const { sink, ask, turn, drops } = setUp({
      priority_levels: 2,
      default_priority_level: 2,
      default_queue_policy: { max_queue_size: 3 },
      priority_queue_policy: { 1: { max_queue_size: 1 } },
    });
    ask(2);
    turn();
    for (const priority of [2, 1, 1, 1, 2, 2, 2, 1]) ask(priority);
    expect(drops()).toEqual([
      [3, 'queue full'],
      [4, 'queue full'],
      [7, 'queue full'],
      [8, 'queue full'],
    ]);
    turn();
    expect(sink.executed).toEqual([[0], [2, 1, 5, 6]]);
  });

  it('counts overdue requests that still are to be served', () => {
    const { clock, ask, turn, drops } = setUp({
      default_queue_policy: { max_queue_size: 2, timeout_action: 'DELAY', default_timeout_microseconds: 10 },
    });
    ask(0);
    turn();
    ask(0);
    clock.advance(1_000_000);
    ask(0);
    ask(0);
    expect(drops()).toEqual([[3, 'queue full']]);
  });

  it('does not count cancelled and expired requests', () => {
    const { clock, ask, turn, drops } = setUp({
      default_queue_policy: { max_queue_size: 2, default_timeout_microseconds: 10_000_000 },
    });
    ask(0);
    turn();
    const waiting = [ask(0), ask(0)];
    for (const request of waiting) request.isGone = true;
    ask(0);
    ask(0);
    expect(drops()).toEqual([
      [1, 'cancelled'],
      [2, 'cancelled'],
    ]);
    clock.advance(1_000);
    ask(0);
    expect(drops().at(-1)).toEqual([5, 'queue full']);
  });

  it('is held without dynamic batches too, where each request is its own', () => {
    const { sink, ask, turn, drops } = setUp({ default_queue_policy: { max_queue_size: 2 } }, 1, { isDynamic: false });
    for (let i = 0; i < 4; i++) ask(0);
    expect(drops()).toEqual([[3, 'queue full']]);
    turn();
    turn();
    turn();
    expect(sink.executed).toEqual([[0], [1], [2]]);
  });
});

describe('a cancelled request in a long queue', () => {
  it('leaves it within 10 ms, however far from the head it stands', () => {
    const { clock, scheduler, ask, turn, drops } = setUp({});
    ask(0);
    turn();
    const requests = Array.from({ length: 500 }, () => ask(0));
    const far = requests.at(-1)!;
    far.isGone = true;
    clock.advance(millis(10));
    expect(drops()).toEqual([[far.id, 'cancelled']]);
    expect(scheduler.queuedCount).toBe(500 - 8 - 1);
  });
});

describe('an instance that comes without a word', () => {
  it('gets what waits within 10 ms', () => {
    const { sink, clock, ask } = setUp({ default_queue_policy: { max_queue_size: 9 } });
    ask(0);
    const batch = sink.take();
    ask(0);
    sink.finish(batch);
    expect(sizesOf(sink)).toEqual([]);
    clock.advance(millis(10));
    expect(sizesOf(sink)).toEqual([1]);
  });
});

describe('whatever the policies are', () => {
  const anyPolicy = fc.record({
    timeout_action: fc.constantFrom('REJECT' as const, 'DELAY' as const),
    default_timeout_microseconds: fc.constantFrom(0, 50, 200),
    allow_timeout_override: fc.boolean(),
    max_queue_size: fc.constantFrom(0, 1, 5),
  });
  const anyBatching = fc.record({
    priority_levels: fc.constantFrom(0, 1, 3),
    default_priority_level: fc.constant(1),
    default_queue_policy: anyPolicy,
    priority_queue_policy: fc.dictionary(fc.constantFrom('1', '3'), anyPolicy, { maxKeys: 2 }),
  });
  const step = fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        kind: fc.constant('ask' as const),
        priority: fc.nat(4),
        timeoutUs: fc.constantFrom(0, 20, 90),
        isGone: fc.boolean(),
      }),
    },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('advance' as const), us: fc.nat(120) }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('turn' as const) }) },
  );

  it('every request is executed or dropped once, and those of one level in order where none is put back', () => {
    const cases = fc.tuple(
      anyBatching,
      fc.array(step, { maxLength: 80 }),
      fc.constantFrom(0, 100),
      fc.constantFrom(1, 2),
    );
    fc.assert(
      fc.property(cases, ([batching, steps, delayUs, instances]) => {
        const policy = { maxQueueDelay: micros(delayUs) };
        const { sink, scheduler, clock, ask, turn } = setUp(batching, instances, policy);
        const levels: number[] = [];
        for (const action of steps) {
          if (action.kind === 'ask') {
            const request = ask(action.priority, action.timeoutUs);
            request.isGone = action.isGone && action.priority === 3;
            levels.push(action.priority);
          } else if (action.kind === 'advance') clock.advance(action.us * 1000);
          else turn();
        }
        for (let round = 0; round < 200 && (scheduler.queuedCount > 0 || sink.batches.size > 0); round++) {
          clock.advance(1_000_000);
          turn();
        }
        const executed = sink.executed.flat();
        const all = [...executed, ...sink.dropped].sort((a, b) => a - b);
        expect(all).toEqual(levels.map((_, id) => id));
        expect(sink.executed.every((batch) => batch.length <= 4)).toBe(true);
        const canDelay = [batching.default_queue_policy, ...Object.values(batching.priority_queue_policy)].some(
          (policy) => policy?.timeout_action === 'DELAY' && policy.default_timeout_microseconds > 0,
        );
        // Two instances are given their share of the queue at the same time.
        if (canDelay || instances > 1) return;
        const count = batching.priority_levels;
        const levelOf = (id: number): number => {
          const level = levels[id]!;
          return level >= 1 && level <= count ? level : count === 0 ? 0 : 1;
        };
        for (const level of new Set(levels.map((_, id) => levelOf(id)))) {
          const mine = executed.filter((id) => levelOf(id) === level);
          expect(mine).toEqual([...mine].sort((a, b) => a - b));
        }
      }),
    );
  });
});
