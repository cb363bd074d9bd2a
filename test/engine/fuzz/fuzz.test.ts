import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { packageRoot } from '../../../src/common/package-root.js';

interface FuzzReport {
  readonly requests: number;
  readonly goodAnswers: number;
  readonly problems: readonly string[];
}

/** The same run as by hand, `node bench/fuzz.mjs`, but shorter. */
function runFuzz(requests: number, seed: number): Promise<FuzzReport> {
  const script = join(packageRoot, 'bench', 'fuzz.mjs');
  const args = [script, '--requests', String(requests), '--seed', String(seed)];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (part: string) => {
    text += part;
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', () => {
      try {
        resolve(JSON.parse(text) as FuzzReport);
      } catch {
        reject(new Error(`the fuzz run printed no report: ${text}`));
      }
    });
  });
}

// The run watches the engine's memory and open files through /proc.
describe.skipIf(!existsSync('/proc/self/fd'))('an engine under requests that are wrong in every known way', () => {
  it('ends none, mixes up none, keeps none, and does not grow', { timeout: 120_000 }, async () => {
    const report = await runFuzz(5000, 3);
    expect(report.problems).toEqual([]);
    expect(report.requests).toBeGreaterThanOrEqual(5000);
    expect(report.goodAnswers).toBeGreaterThan(20);
  });
});
