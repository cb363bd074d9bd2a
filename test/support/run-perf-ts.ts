/** Runs the real command in a folder of its own, and finds every process that a run left behind. */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { commandEntry, packageRoot } from '../../src/common/package-root.js';

export interface PerfTsRun {
  readonly child: ChildProcess;
  readonly folder: string;
  stdout(): string;
  stderr(): string;
  /** Resolves when the output contains `text`; rejects when the command ends first. */
  seen(text: string): Promise<void>;
  readonly ended: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>;
  /** Process ids of the command and everything it started that are alive now (Linux only). */
  survivors(): number[];
}

export interface PerfTsRunOptions {
  readonly folder?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Another user, which only root may choose. */
  readonly uid?: number;
}

/** Demo models are made once for all tests of this checkout. */
export const testCacheFolder = join(packageRoot, '.cache', 'test-user-cache');

export function startPerfTs(args: readonly string[], options: PerfTsRunOptions = {}): PerfTsRun {
  const mark = randomUUID();
  const folder = options.folder ?? mkdtempSync(join(tmpdir(), 'perf-ts-test-'));
  const child = spawn(process.execPath, [commandEntry, ...args], {
    cwd: folder,
    env: { ...process.env, NO_COLOR: '1', PERF_TS_CACHE: testCacheFolder, PERF_TS_TEST_MARK: mark, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(options.uid !== undefined && { uid: options.uid }),
  });
  let stdout = '';
  let stderr = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const ended = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) => {
    child.once('close', (code, signal) => resolve({ code, signal }));
  });
  let hasEnded = false;
  void ended.then(() => {
    hasEnded = true;
  });
  return {
    child,
    folder,
    stdout: () => stdout,
    stderr: () => stderr,
    ended,
    survivors: () => processesMarked(mark),
    async seen(text) {
      while (!`${stdout}${stderr}`.includes(text)) {
        if (hasEnded) throw new Error(`the command ended without saying '${text}':\n${stdout}\n${stderr}`);
        await delay(20);
      }
    },
  };
}

/** Runs to the end. */
export async function runPerfTs(args: readonly string[], options: PerfTsRunOptions = {}) {
  const run = startPerfTs(args, options);
  const { code } = await run.ended;
  return { code, stdout: run.stdout(), stderr: run.stderr(), folder: run.folder, survivors: run.survivors() };
}

function processesMarked(mark: string): number[] {
  if (!existsSync('/proc/self/environ')) throw new Error('finding left-over processes needs /proc');
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        // A zombie has no command line and no environment left.
        return readFileSync(`/proc/${pid}/environ`, 'utf8').includes(`PERF_TS_TEST_MARK=${mark}`);
      } catch {
        return false;
      }
    })
    .map(Number);
}
