/** A child process of ours that is, or will be, an engine: how it starts and how it is stopped. */
import { type ChildProcess, spawn } from 'node:child_process';
import { setPriority } from 'node:os';

const STOP_GRACE_MS = 10_000;
/**
 * The engine yields the CPU to the load generator where both share it: a generator that waits for a CPU sends late and
 * stamps answers late, and would be measuring itself (docs/performance.md has what this changed).
 */
export const ENGINE_NICENESS = 5;

/** Node with `nodeArguments`, a channel for messages, and what it says on its stderr. */
export function spawnEngine(nodeArguments: readonly string[]): ChildProcess {
  const child = spawn(process.execPath, nodeArguments, {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    env: { ...process.env, ORT_DISABLE_TELEMETRY: '1', NO_COLOR: '1' },
  });
  yieldCpu(child);
  return child;
}

/** Set on the main thread before it makes others, which inherit it. */
function yieldCpu({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) setPriority(pid, ENGINE_NICENESS);
  } catch {
    // Some containers forbid it; the run is then only less quiet.
  }
}

/** SIGTERM, then SIGKILL after a grace time; resolves when the process is gone. */
export function stopChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return Promise.resolve();
  return new Promise((resolve) => {
    const force = setTimeout(() => child.kill('SIGKILL'), STOP_GRACE_MS);
    child.once('exit', () => {
      clearTimeout(force);
      resolve();
    });
    child.kill('SIGTERM');
  });
}
