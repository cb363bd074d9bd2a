import { describe, expect, it } from 'vitest';
import { instant } from '../../../src/common/units.js';
import { StatisticsLog } from '../../../src/measure/server/statistics-log.js';
import { ManualClock } from '../../support/manual-clock.js';
import { statisticsOf } from '../../support/model-statistics.js';
import { createSilentAdmin } from '../../support/silent-admin.js';

describe('the statistics log', () => {
  it('compares the snapshots nearest to the window', async () => {
    const clock = new ManualClock();
    const requestsAt = (): number => clock.now() / 1e6;
    const admin = createSilentAdmin(() => statisticsOf({ requests: requestsAt(), queueNs: requestsAt() * 7 }));
    const log = new StatisticsLog(admin, 'model', '', clock);
    for (const step of [0, 1e9, 1e9, 1e9, 1e9]) {
      clock.advance(step);
      await log.take();
    }
    expect(log.between(instant(1.2e9), instant(4e9))).toMatchObject({ inferenceCount: 3000, queueNs: 7 });
    expect(log.between(instant(1.9e9), instant(4e9))).toMatchObject({ inferenceCount: 2000 });
  });

  it('takes the whole level where one snapshot is nearest to both ends of the window', async () => {
    const clock = new ManualClock();
    const admin = createSilentAdmin(() => statisticsOf({ requests: clock.now() / 1e6 }));
    const log = new StatisticsLog(admin, 'model', '', clock);
    for (const step of [0, 1e9, 1e9]) {
      clock.advance(step);
      await log.take();
    }
    expect(log.between(instant(0.9e9), instant(1.1e9))).toMatchObject({ inferenceCount: 2000 });
  });

  it('has nothing to tell of a window with one snapshot, or of none', async () => {
    const clock = new ManualClock();
    const log = new StatisticsLog(
      createSilentAdmin(() => statisticsOf({ requests: 5 })),
      'model',
      '',
      clock,
    );
    expect(log.between(instant(0), instant(1))).toBeUndefined();
    await log.take();
    expect(log.between(instant(0), instant(1))).toBeUndefined();
  });

  it('asks a server without statistics once', async () => {
    let calls = 0;
    const admin = createSilentAdmin(() => {
      calls++;
      return undefined;
    });
    const log = new StatisticsLog(admin, 'model', '', new ManualClock());
    await log.take();
    await log.take();
    expect(calls).toBe(1);
    expect(log.warnings()).toEqual([]);
  });

  it('turns a failure into a warning and goes on', async () => {
    const clock = new ManualClock();
    let calls = 0;
    const admin = createSilentAdmin(() => {
      if (++calls === 2) throw new Error('connection reset');
      return statisticsOf({ requests: calls * 10 });
    });
    const log = new StatisticsLog(admin, 'model', '', clock);
    for (let i = 0; i < 3; i++) {
      await log.take();
      clock.advance(1e9);
    }
    expect(log.between(instant(0), instant(2e9))).toMatchObject({ inferenceCount: 20 });
    expect(log.warnings()).toMatchObject([{ code: 'STATISTICS_FAILED' }]);
    expect(log.warnings()[0]!.message).toContain('connection reset');
  });
});
