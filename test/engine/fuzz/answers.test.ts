import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { packageRoot } from '../../../src/common/package-root.js';

/** The same run as by hand, but shorter; what it prints. */
function runScript(name: string, ...flags: string[]): Promise<Record<string, unknown>> {
  const child = spawn(process.execPath, [join(packageRoot, 'bench', 'fuzz', name), ...flags], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (part: string) => {
    text += part;
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', () => {
      try {
        resolve(JSON.parse(text) as Record<string, unknown>);
      } catch {
        reject(new Error(`${name} printed no report: ${text}`));
      }
    });
  });
}

describe('every answer is its own', { timeout: 300_000 }, () => {
  it('over gRPC, HTTP and streams, with outputs of any size, while models come and go', async () => {
    const { answers, problems } = await runScript('answers.mjs', '--answers', '2400');
    expect(problems).toEqual([]);
    const counts = Object.values(answers as Record<string, number>);
    expect(Math.min(...counts)).toBeGreaterThan(600);
  });

  it('while requests are cancelled and instances come and go', async () => {
    const flags = ['--hostile', '--answers', '2400', '--in-flight', '64', '--instances', '4'];
    const { answers, cancelled, problems } = await runScript('answers.mjs', ...flags);
    expect(problems).toEqual([]);
    expect(Object.values(answers as Record<string, number>).every((count) => count > 500)).toBe(true);
    expect(cancelled).toBeGreaterThan(0);
  });

  it('while instances stall and die between any two steps of taking a batch', async () => {
    const { good, deaths, problems } = await runScript('deaths.mjs', '--runs', '3', '--requests', '600');
    expect(problems).toEqual([]);
    expect(good).toBeGreaterThan(1500);
    expect(deaths).toBeGreaterThan(0);
  });
});
