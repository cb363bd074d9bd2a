import { describe, expect, it } from 'vitest';
import { studyRecordSchema } from '../../../src/record/study-record.js';
import type { VariantParameters } from '../../../src/tune/strategies/strategy.js';
import { runSimulatedStudy } from '../support/study-bench.js';
import { memberOf, subjectOf } from './members.js';

const knobs = { instance_count: [1, 2, 3, 4], intra_op_threads: [1, 'default'], dynamic_batching: [false, true] };
const members = [memberOf('a', 3, knobs), memberOf('b', 1, knobs), memberOf('idle', 1, knobs)];
/** The models want opposite things, and share four cores' worth of instances. */
const shared = (parameters: VariantParameters): number => {
  const [a, b] = [Number(parameters['a.instance_count']), Number(parameters['b.instance_count'])];
  const crowding = Math.max(1, (a + b) / 4);
  return (100 * (1 + 0.2 * (a - 2)) * (parameters['b.dynamic_batching'] === true ? 1.3 : 1)) / crowding;
};

describe('a study of several models', () => {
  it('finds what is best for all, and recommends each its own', async () => {
    const { record, header, savedVariants } = await runSimulatedStudy({
      landscape: shared,
      noise: 0.02,
      budgetSeconds: 120,
      strategy: 'forest',
      subject: subjectOf(members),
    });
    expect(studyRecordSchema.parse(JSON.parse(JSON.stringify(record)))).toEqual(record);
    expect(record.model).toBe('a+b+idle');
    expect(record.models).toEqual([
      { name: 'a', weight: 3 },
      { name: 'b', weight: 1 },
      { name: 'idle', weight: 1 },
    ]);
    expect(header.models).toEqual(record.models);
    const portable = record.recommended.portable!;
    expect(portable.gain.low).toBeGreaterThan(1.2);
    expect(portable.models!.map(({ name }) => name)).toEqual(['a', 'b', 'idle']);
    expect(portable.models![1]!.configPbtxt).toMatch(/dynamic_batching/);
    expect(portable.changes.map(({ path }) => path)).toContain('b.dynamic_batching');
    for (const { path } of portable.changes) expect(path).toMatch(/^(a|b|idle)\./);
    expect(portable.diff).toContain('+++ recommended/b/config.pbtxt');
    expect([...savedVariants.keys()]).toContain('default/idle');
    expect([...savedVariants.keys()]).toContain(`${portable.id}/b`);
  });

  it('leaves the file of a model alone that is best as it is', async () => {
    const { record } = await runSimulatedStudy({
      landscape: ({ 'b.dynamic_batching': batching }) => (batching === true ? 130 : 100),
      strategy: 'exhaustive',
      budgetSeconds: 60,
      subject: subjectOf([memberOf('a', 1, {}), memberOf('b', 1, { dynamic_batching: [false, true] })]),
    });
    const [a, b] = record.recommended.portable!.models!;
    expect(a!.configPbtxt).toBe(members[0]!.model.configPbtxt);
    expect(b!.configPbtxt).toMatch(/^# perf-ts recommends this for b: throughput of a\+b together 1\.30 times higher/);
    expect(record.recommended.portable!.diff).not.toContain('a/config.pbtxt');
  });

  it('goes on with the trials of its journal', async () => {
    const question = { landscape: shared, strategy: 'forest', subject: subjectOf(members), noise: 0.02 } as const;
    const whole = await runSimulatedStudy({ ...question, budgetSeconds: 60 });
    const trials = whole.journal.slice(0, 5);
    const earlier = {
      startedAt: new Date(0).toISOString(),
      trials,
      levelDuration: Number(whole.header.levelDurationNs) as never,
      resumedCount: 1,
      hasMoreTime: false,
    };
    const resumed = await runSimulatedStudy({ ...question, budgetSeconds: 60, earlier, usedSeconds: 20 });
    expect(resumed.record.trials.slice(0, 5)).toEqual(trials);
    expect(resumed.journal[0]!.parameters, 'the variant that came next').toEqual(whole.journal[5]!.parameters);
  });
});
