import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { measureCommand } from '../../src/cli/commands/measure.js';
import { readLoadOptions } from '../../src/cli/commands/measure-load.js';
import { parseCommandLine } from '../../src/cli/parse-command-line.js';
import { millis, seconds } from '../../src/common/units.js';

async function read(...words: string[]) {
  const parsed = await parseCommandLine('measure', measureCommand, ['-m', 'net', ...words], 100);
  if (parsed.state !== 'run') throw new Error('answered');
  return readLoadOptions(parsed.values);
}

const open = (arrival: object, maxInFlight = 16_384) => ({ kind: 'open', arrival, maxInFlight });

describe('the load of a command line', () => {
  it('is a closed loop unless a rate, a list, a profile or the peak is asked for', async () => {
    const file = join(mkdtempSync(join(tmpdir(), 'perf-ts-gaps-')), 'gaps.txt');
    writeFileSync(file, '1000\n3000\n');
    expect((await read('--concurrency-range', '1:8')).load).toEqual({ kind: 'closed' });
    expect((await read('--request-rate-range', '100')).load).toEqual(open({ kind: 'constant' }));
    expect((await read('--request-rate-range=100', '--request-distribution=poisson')).load).toEqual(
      open({ kind: 'poisson' }),
    );
    expect(await read('--request-intervals', file)).toMatchObject({
      load: open({ kind: 'intervals', intervalsNs: [1e6, 3e6] }),
      sequence: { kind: 'stepped', values: [500] },
    });
    expect(await read('--profile', '1s@10, 1s@30')).toMatchObject({
      load: open({ kind: 'profile', isPoisson: false }),
      sequence: { kind: 'stepped', values: [20] },
    });
    expect((await read('--peak')).load).toEqual(open({ kind: 'constant' }));
  });

  it('takes a range beside --peak as where to begin and to end, and p99 for its latency', async () => {
    expect(await read('--peak', '-l', '20')).toMatchObject({ sequence: { kind: 'peak' }, latencyPercentile: 99 });
    expect(await read('--peak', '--request-rate-range', '50:800', '--percentile', '95')).toMatchObject({
      sequence: { kind: 'peak', start: 50, end: 800 },
      latencyPercentile: 95,
    });
  });

  it('searches a range by halves with its step as precision', async () => {
    const search = async (...words: string[]) => (await read('--binary-search', '-l', '10', ...words)).sequence;
    expect(await search('--concurrency-range', '1:64')).toEqual({ kind: 'binary-search', start: 1, end: 64, step: 1 });
    expect(await search('--request-rate-range', '100:1000:100')).toEqual({
      kind: 'binary-search',
      start: 100,
      end: 1000,
      step: 100,
    });
  });

  it('reads perf_analyzer’s words for when a level ends', async () => {
    const rule = async (...words: string[]) => (await read(...words)).stopRule;
    expect(await rule()).toMatchObject({ minDuration: seconds(5), maxDuration: seconds(7), targetHalfWidth: 0.1 });
    expect(await rule('-p', '2000', '-r', '4', '-s', '5')).toMatchObject({
      minDuration: seconds(2),
      maxDuration: seconds(8),
      targetHalfWidth: 0.05,
    });
    expect(await rule('-p', '10000')).toMatchObject({ minDuration: seconds(10), maxDuration: seconds(10) });
    expect(await rule('--measurement-mode', 'count_windows', '--measurement-request-count', '300')).toMatchObject({
      minRequestCount: 300,
    });
    expect(await rule('--duration', '1h')).toMatchObject({ minDuration: seconds(3600), maxDuration: seconds(3600) });
    expect((await read('--percentile', '-1', '-l', '5')).latencyPercentile).toBeUndefined();
    expect(await read('--percentile', '95', '-l', '5')).toMatchObject({
      latencyPercentile: 95,
      latencyLimit: millis(5),
    });
  });

  it('lets --max-threads cap what is in flight at a rate, unless requests are asynchronous', async () => {
    const rate = ['--request-rate-range', '100', '--max-threads', '8'];
    expect((await read(...rate)).load).toEqual({ ...open({ kind: 'constant' }, 8), waitsWhenFull: true });
    expect((await read(...rate, '-a')).load).toEqual(open({ kind: 'constant' }));
    expect((await read(...rate, '--max-in-flight', '30')).load).toEqual(open({ kind: 'constant' }, 30));
    expect((await read('--max-threads', '8')).load).toEqual({ kind: 'closed' });
  });

  it('takes 0 as no count of requests, as perf_analyzer does', async () => {
    expect(await read('--request-count', '0', '--warmup-request-count', '0')).toMatchObject({
      requestCount: undefined,
      warmupRequestCount: undefined,
    });
    expect(await read('--request-count', '500')).toMatchObject({ requestCount: 500 });
  });

  it.each<[string[], string]>([
    [['--concurrency-range', '4', '--request-rate-range', '5'], '--concurrency-range'],
    [['--profile', '1s@5', '--peak'], '--profile'],
    [['--binary-search', '--concurrency-range', '1:8'], '--binary-search'],
    [['--binary-search', '-l', '5', '--concurrency-range', '8'], '--binary-search'],
    [['-a', '--sync'], '--async'],
    [['--min-time', '9s', '--max-time', '8s'], '--min-time'],
    [['--duration', '5s', '--max-time', '8s'], '--duration'],
    [['-m', 'other', '-x', '2'], '-x'],
    [['--request-count', '5', '--peak'], '--request-count'],
    [['--percentile', '100'], '--percentile'],
  ])('is refused where options contradict one another: %j', async (words, where) => {
    await expect(read(...words)).rejects.toMatchObject({
      code: 'BAD_OPTION',
      problems: expect.arrayContaining([expect.objectContaining({ where })]),
    });
  });

  it('names the file of intervals that cannot be read', async () => {
    await expect(read('--request-intervals', '/no/such/file')).rejects.toMatchObject({
      code: 'BAD_FILE',
      problems: [{ where: '--request-intervals /no/such/file' }],
    });
  });
});
