import { describe, expect, it } from 'vitest';
import type { StudyServer } from '../../../src/tune/launchers/study-server.js';
import { describeMembers, type SweptMember } from '../../../src/tune/together/describe-members.js';
import { defaultParameters, type KnobSelection } from '../../../src/tune/variants/search-space.js';
import type { StudyModel } from '../../../src/tune/variants/variants.js';
import { plainContext } from '../support/study-bench.js';
import { memberOf } from './members.js';

const batching = memberOf('a', 1).model;
const single: StudyModel = {
  ...memberOf('b', 1).model,
  completed: { ...memberOf('b', 1).model.completed, max_batch_size: 0 },
};
const server = {
  describeContext: async () => ({ ...plainContext, config: batching.completed }),
} as unknown as StudyServer;

const swept = (name: string, weight: number, knobs?: KnobSelection): SweptMember => ({
  name,
  weight,
  knobs,
  folder: `/models/${name}`,
});
const ask = (members: readonly SweptMember[], selection?: KnobSelection, models = [batching, memberOf('b', 1).model]) =>
  describeMembers(server, models, members, { selection, runtimes: [], signal: new AbortController().signal });
const namesOf = (subject: Awaited<ReturnType<typeof ask>>) =>
  subject.without([]).space.dimensions.map(({ name }) => name);

describe('what a sweep of several models may choose from', () => {
  it('is the knobs of the file for each model without its own', async () => {
    const subject = await ask([swept('a', 3), swept('b', 1, { graph_level: ['all', 'basic'] })], {
      instance_count: [1, 2],
    });
    expect(namesOf(subject)).toEqual(['a.instance_count', 'b.graph_level']);
    expect(subject.without([]).together!.map(({ weight }) => weight)).toEqual([3, 1]);
  });

  it('is every major knob of each where nothing is named', async () => {
    const names = namesOf(await ask([swept('a', 1), swept('b', 1)]));
    expect(names.filter((name) => name.startsWith('a.')).length).toBeGreaterThan(4);
    expect(names.filter((name) => name.startsWith('a.')).length).toBe(names.length / 2);
  });

  it('has a shared knob once, wherever it is listed, with all its values', async () => {
    const subject = await ask(
      [
        swept('a', 1, { instance_count: [1, 2], client_concurrency: [4, 8] }),
        swept('b', 1, { client_concurrency: [16] }),
      ],
      { pinned_memory_pool_bytes: [0, 268435456] },
    );
    expect(namesOf(subject)).toEqual(['a.instance_count', 'pinned_memory_pool_bytes', 'client_concurrency']);
    const { space } = subject.without([]);
    expect(space.dimensions.at(-1)!.values).toEqual([4, 8, 16]);
    expect(space.isLegal({ ...defaultParameters(space), client_concurrency: 8 })).toBe(true);
  });

  it('leaves out, and names, a shared knob that only some of the models have', async () => {
    const subject = await ask([swept('a', 1), swept('b', 1)], { instance_count: [1, 2], client_batch_size: 'auto' }, [
      batching,
      single,
    ]);
    expect(namesOf(subject)).toEqual(['a.instance_count', 'b.instance_count']);
    expect(subject.leftOut).toEqual(['client_batch_size is not tuned: the models have no values of it in common']);
    const { space } = subject.without([]);
    expect(space.isLegal({ ...defaultParameters(space), 'a.instance_count': 1 })).toBe(true);
  });

  it('can be had without some knobs of one model', async () => {
    const subject = await ask([swept('a', 1), swept('b', 1)], {
      instance_count: [1, 2],
      graph_level: ['all', 'basic'],
    });
    expect(subject.without(['b.graph_level']).space.dimensions.map(({ name }) => name)).toEqual([
      'a.instance_count',
      'b.instance_count',
      'a.graph_level',
    ]);
  });

  it('is refused with the faults of every model', async () => {
    const asking = ask([swept('a', 1, { instance_count: [0] }), swept('b', 1, { graph_levl: ['all'] })]);
    const subject = await asking.catch((thrown: unknown) => thrown);
    expect(subject).toMatchObject({
      code: 'BAD_OPTION',
      problems: [
        { where: 'a: knobs.instance_count' },
        { where: 'b: knobs.graph_levl', hint: "did you mean 'graph_level'?" },
      ],
    });
  });
});
