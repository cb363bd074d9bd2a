import { describe, expect, it } from 'vitest';
import { catchWorkers, hasEnded } from '../../support/catch-workers.js';
import { ask, busyConfig, loadTestModel, outputsOf } from '../../support/load-test-model.js';
import { floats } from '../../support/model-files.js';

describe('an instance whose thread dies', () => {
  const input = [floats('X', [1, 64], new Array<number>(64).fill(1))];

  it('fails its own batch with its name; the others are answered and the model goes on', async () => {
    const { loaded: model, workers } = await catchWorkers(() =>
      loadTestModel('busy', { ...busyConfig, instance_group: [{ count: 2 }] }),
    );
    const inFlight = Array.from({ length: 80 }, () => ask(model, input));
    await workers[0]!.terminate();
    const outcomes = await Promise.all(inFlight);
    const failures = outcomes.flatMap((outcome) => (outcome.state === 'failed' ? [outcome.failure] : []));
    expect(failures.length).toBeLessThanOrEqual(1);
    for (const { message } of failures) expect(message).toContain("model instance 'busy_0_0' ended unexpectedly");
    await outputsOf(model, input);
    await model.close();
    expect(workers.map(hasEnded)).toEqual([true, true]);
  });

  it('three times within a minute makes the model unavailable with the reason', async () => {
    const { loaded: model, workers } = await catchWorkers(() => loadTestModel('busy', busyConfig));
    let current = workers[0]!;
    for (let death = 1; death <= 3; death++) {
      const caught = await catchWorkers(async () => {
        await current.terminate();
        return ask(model, input);
      });
      current = caught.workers[0] ?? current;
      if (death < 3) expect(caught.loaded.state).toBe('ok');
      else {
        expect(caught.loaded).toMatchObject({
          state: 'failed',
          failure: {
            status: 'UNAVAILABLE',
            message: expect.stringContaining("model 'busy' cannot run: the thread of model instance 'busy_0_0' ended"),
          },
        });
      }
    }
    await model.close();
  });
});
