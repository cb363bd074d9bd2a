import { describe, expect, it } from 'vitest';
import { catchWorkers, hasEnded } from '../../support/catch-workers.js';
import { ask, busyConfig, loadTestModel } from '../../support/load-test-model.js';
import { floats } from '../../support/model-files.js';

describe('an instance whose thread dies', () => {
  const input = [floats('X', [1, 64], new Array<number>(64).fill(1))];

  it('fails what is in flight and everything after it with the cause, and can be closed', async () => {
    const { loaded: model, workers } = await catchWorkers(() =>
      loadTestModel('busy', { ...busyConfig, instance_group: [{ count: 2 }] }),
    );
    const inFlight = Array.from({ length: 80 }, () => ask(model, input));
    await workers[0]!.terminate();
    const outcomes = await Promise.all(inFlight);
    const failures = outcomes.flatMap((outcome) => (outcome.state === 'failed' ? [outcome.failure] : []));
    expect(failures.length).toBeGreaterThan(0);
    for (const { message } of failures)
      expect(message).toContain("model 'busy' cannot run: a model instance's thread ended");
    expect(await ask(model, input)).toMatchObject({ state: 'failed', failure: { status: 'UNAVAILABLE' } });
    await model.close();
    expect(workers.map(hasEnded)).toEqual([true, true]);
  });
});
