import { describe, expect, it } from 'vitest';
import { InlineModels } from '../../../engine/instance/inline-models.js';

describe('the rule for running models on the main thread', () => {
  it('holds for any number of tiny models', () => {
    const models = new InlineModels();
    const all = [models.join(true), models.join(true)];
    expect(all.map(({ mayRun }) => mayRun())).toEqual([true, true]);
  });

  it('ends for all while a larger model is served', () => {
    const models = new InlineModels();
    const tiny = models.join(true);
    const larger = models.join(false);
    const another = models.join(false);
    expect([tiny.mayRun(), larger.mayRun()]).toEqual([false, false]);
    larger.leave();
    larger.leave();
    expect(tiny.mayRun()).toBe(false);
    another.leave();
    expect(tiny.mayRun()).toBe(true);
  });
});
