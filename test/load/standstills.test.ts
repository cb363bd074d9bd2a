import { describe, expect, it } from 'vitest';
import { commonStandstills, readStandstills, STANDSTILL_CELLS, StandstillLog } from '../../src/load/standstills.js';

const INTERVAL_NS = 100e6;

/** Plays beats, each as seconds on the monotonic clock, CPU seconds and wall seconds; `uptime` in seconds. */
function play(beats: readonly (readonly [number, number, number])[], uptime?: () => number) {
  const cells = new Float64Array(STANDSTILL_CELLS);
  const log = new StandstillLog(cells, () => (uptime === undefined ? undefined : uptime() * 1e9));
  const [first, ...others] = beats.map(([now, cpu, wall]) => ({
    nowNs: now * 1e9,
    cpuNs: cpu * 1e9,
    wallMs: wall * 1e3,
  }));
  log.begin(first!);
  for (const beat of others) log.beat(beat, INTERVAL_NS);
  return readStandstills(cells);
}

describe('standstills', () => {
  it('are gaps in the beats without the use of a CPU', () => {
    const steady = [0, 0.1, 0.2].map((at) => [at, at, at] as const);
    const found = play([...steady, [3.2, 0.21, 3.2], [3.3, 0.3, 3.3]]);
    expect(found).toHaveLength(1);
    expect(found[0]!.atNs / 1e9).toBeCloseTo(0.3);
    expect(found[0]!.durationNs / 1e9).toBeCloseTo(2.9);
  });

  it('are not a loop that was busy, nor a beat that is a little late', () => {
    expect(
      play([
        [0, 0, 0],
        [3, 2.9, 3],
      ]),
    ).toEqual([]);
    expect(
      play([
        [0, 0, 0],
        [0.4, 0, 0.4],
      ]),
    ).toEqual([]);
  });

  it('are seen of a suspended host too, whose monotonic clock stands still', () => {
    let uptime = 50;
    const steady = () => uptime;
    expect(
      play(
        [
          [0, 0, 0],
          [0.1, 0, 0.1],
        ],
        steady,
      ),
    ).toEqual([]);
    const asleep = [50, 70.1];
    uptime = 0;
    expect(
      play(
        [
          [0, 0, 0],
          [0.1, 0, 20.1],
        ],
        () => asleep[uptime++]!,
      ),
    ).toEqual([{ atNs: 0.1e9, durationNs: 20e9 }]);
  });

  it('are not a clock that was set, nor guessed where the uptime is not known', () => {
    const awake = [50, 50.1];
    let read = 0;
    expect(
      play(
        [
          [0, 0, 0],
          [0.1, 0, 3600],
        ],
        () => awake[read++]!,
      ),
    ).toEqual([]);
    expect(
      play([
        [0, 0, 0],
        [0.1, 0, 3600],
      ]),
    ).toEqual([]);
  });

  it('are kept in a room of fixed size', () => {
    expect(play(Array.from({ length: 100 }, (_, at) => [at, 0, at] as const)).length).toBe(16);
  });

  it('are those that every worker saw', () => {
    const long = { atNs: 1e9, durationNs: 2e9 };
    const near = { atNs: 1.05e9, durationNs: 1.9e9 };
    const alone = { atNs: 7e9, durationNs: 1e9 };
    expect(commonStandstills([[long, alone], [near]])).toEqual([long]);
    expect(commonStandstills([[long]])).toEqual([long]);
    expect(commonStandstills([])).toEqual([]);
  });
});
