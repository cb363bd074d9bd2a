/**
 * Do the intervals of real runs hold the mean of all? Runs the same measurement again and again on this host and counts, for the
 * interval of a repeat and for that within the run, how many hold the mean of all runs.
 *
 *   node bench/measure/coverage.mjs [RUNS] [-- perf-ts options]      default: 20 runs of -m simple_cnn --concurrency-range 4
 */
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(new URL('../../bin/perf-ts.js', import.meta.url));
const [first, ...others] = process.argv.slice(2);
const runCount = first === undefined || first === '--' ? 20 : Number(first);
const given = (first === '--' ? others : others.slice(others.indexOf('--') + 1)).filter((word) => word !== '--');
const options = given.length > 0 ? given : ['-m', 'simple_cnn', '--concurrency-range', '4'];

function measure(results) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [program, ...options, '--json', '--results', results], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    let text = '';
    child.stdout.on('data', (piece) => {
      text += piece;
    });
    child.on('error', reject);
    child.on('close', () => {
      try {
        resolve(JSON.parse(text));
      } catch (fault) {
        reject(fault);
      }
    });
  });
}

const results = await mkdtemp(join(tmpdir(), 'perf-ts-coverage-'));
const runs = [];
try {
  for (let run = 0; run < runCount; run++) {
    const begun = performance.now();
    const { levels } = await measure(results);
    const [level] = levels;
    runs.push({ level, seconds: (performance.now() - begun) / 1000 });
    const { value, low, high } = level.throughputPerSec;
    const codes = level.warnings.map(({ code }) => code).join(' ');
    console.log(
      `${run + 1}: ${value.toFixed(0)} (${low?.toFixed(0)} to ${high?.toFixed(0)}) ${level.verdict} ${codes}`,
    );
  }
} finally {
  await rm(results, { recursive: true, force: true });
}

const meanOf = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;

/** `pick` gives the value and interval of a level. */
function report(name, levels, pick) {
  const figures = levels.map(pick).filter(({ low, high }) => low !== null && high !== null && low !== undefined);
  if (figures.length < 2) return;
  const mean = meanOf(figures.map(({ value }) => value));
  const spread = Math.sqrt(
    meanOf(figures.map(({ value }) => (value - mean) ** 2)) * (figures.length / (figures.length - 1)),
  );
  const held = figures.filter(({ low, high }) => low <= mean && mean <= high).length;
  const width = meanOf(figures.map(({ value, low, high }) => (high - low) / 2 / value));
  console.log(
    `${name}: ${held} of ${figures.length} hold the mean of all (CV ${((100 * spread) / mean).toFixed(1)}%, mean half width ${(100 * width).toFixed(1)}%)`,
  );
}

const intervalOf = (bounds) => ({ low: bounds?.[0] ?? null, high: bounds?.[1] ?? null });
const all = runs.map(({ level }) => level);
for (const [which, levels] of [
  ['all', all],
  ['VALID', all.filter(({ verdict }) => verdict === 'VALID')],
]) {
  report(`${which}, throughput, repeat`, levels, (level) => level.throughputPerSec);
  report(`${which}, throughput, within run`, levels, (level) => level.repeat?.withinRun.throughputPerSec ?? {});
  report(`${which}, p50, repeat`, levels, (level) => ({
    value: level.latencyNs.p50,
    ...intervalOf(level.latencyIntervalNs?.p50),
  }));
  report(`${which}, p50, within run`, levels, (level) => ({
    value: level.latencyNs.p50,
    ...intervalOf(level.repeat?.withinRun.latencyIntervalNs?.p50),
  }));
}
console.log(`${meanOf(runs.map(({ seconds }) => seconds)).toFixed(1)} s a run`);
