import { describe, expect, it } from 'vitest';
import { LONGEST_INLINE_RUN_NS, RunWatch } from '../../../engine/instance/run-watch.js';
import { millis, nanos, seconds } from '../../../src/common/units.js';
import { ManualClock } from '../../support/manual-clock.js';

const LONG = LONGEST_INLINE_RUN_NS + 1;

function addUntilPause(watch: RunWatch): { pause: number | undefined; runs: number } {
  for (let runs = 1; runs <= 32; runs++) {
    const pause = watch.add(LONG);
    if (pause !== undefined) return { pause, runs };
  }
  return { pause: undefined, runs: 32 };
}

describe('the watch over a tiny model', () => {
  it('forgives eight long runs among thirty-two, for ever', () => {
    const watch = new RunWatch(new ManualClock());
    for (let run = 0; run < 3200; run++) expect(watch.add(run % 32 < 8 ? LONG : LONGEST_INLINE_RUN_NS)).toBeUndefined();
    expect(watch.isCalm).toBe(true);
  });

  it('pauses at the ninth long run, and is calm again when the pause is over', () => {
    const clock = new ManualClock();
    const watch = new RunWatch(clock);
    expect(addUntilPause(watch)).toEqual({ pause: seconds(1), runs: 9 });
    expect(watch.isCalm).toBe(false);
    clock.advance(millis(999));
    expect(watch.isCalm).toBe(false);
    clock.advance(millis(1));
    expect(watch.isCalm).toBe(true);
  });

  it('doubles the pause each further time, up to about a minute', () => {
    const clock = new ManualClock();
    const watch = new RunWatch(clock);
    const pauses = Array.from({ length: 9 }, () => {
      const { pause } = addUntilPause(watch);
      clock.advance(nanos(pause!));
      return pause! / 1e9;
    });
    expect(pauses).toEqual([1, 2, 4, 8, 16, 32, 64, 64, 64]);
  });

  it('pauses briefly again after ten thousand runs without a pause', () => {
    const clock = new ManualClock();
    const watch = new RunWatch(clock);
    for (let time = 0; time < 4; time++) clock.advance(nanos(addUntilPause(watch).pause!));
    for (let run = 0; run < 9_984; run++) watch.add(1);
    expect(addUntilPause(watch).pause).toBe(seconds(16));
    for (let run = 0; run < 10_016; run++) watch.add(1);
    expect(addUntilPause(watch).pause).toBe(seconds(1));
  });
});
