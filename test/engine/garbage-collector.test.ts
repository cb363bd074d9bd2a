import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { compiledEntry } from '../../src/common/package-root.js';

/** Makes garbage of which enough survives for the young generation to grow to its largest (twice as large), and tells its size. */
const program = `
import { getHeapSpaceStatistics } from 'node:v8';
const { calmCollector } = await import(process.argv[1]);
const stop = calmCollector();
const kept = new Array(6_000);
for (let turn = 0, at = 0; turn < 1_500; turn++) {
  for (let i = 0; i < 2_000; i++) kept[at++ % kept.length] = { at, text: [at] };
  await new Promise((resolve) => setTimeout(resolve, 1));
}
stop();
console.log(getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space').space_size);`;

function run(): { youngBytes: number; helperMs: readonly number[] } {
  const entry = compiledEntry('engine/garbage-collector').href;
  const args = ['--trace-gc', '--trace-gc-nvp', '--input-type=module', '-e', program, entry];
  const { stdout } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  const lines = stdout.trim().split('\n');
  const helperMs = lines.flatMap((line) => {
    const time = / background\.scavenge\.parallel=([\d.]+)/.exec(line)?.[1];
    return time === undefined ? [] : [Number(time)];
  });
  return { youngBytes: Number(lines.at(-1)), helperMs };
}

describe('the garbage collector of an engine', () => {
  it('collects the young generation without helper threads, and lets it grow to 16 MiB', () => {
    const { youngBytes, helperMs } = run();
    expect(youngBytes).toBeLessThanOrEqual(16 * 2 ** 20);
    expect(helperMs.length).toBeGreaterThan(5);
    expect(Math.max(...helperMs)).toBe(0);
  });
});
