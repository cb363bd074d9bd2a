/**
 * A process between perf-ts and a tritonserver: passes on what the server says and how it ended, and ends the server
 * with all its children when it is told to or when perf-ts is gone, be it killed.
 */
import { spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { setPriority } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';

export interface SupervisorOrder {
  readonly command: string;
  readonly arguments: readonly string[];
  /** Removed after the server when perf-ts is gone and so cannot. */
  readonly folder: string;
  /** The server yields the CPU to the load generator by as much. */
  readonly niceness: number;
}

export type SupervisorReport =
  | { readonly kind: 'started'; readonly processId: number }
  | { readonly kind: 'said'; readonly text: string }
  | { readonly kind: 'failed'; readonly reason: string }
  | { readonly kind: 'ended'; readonly how: string };

/** Asked nicely first: a tritonserver that is killed leaves its shared memory behind. */
const STOP_GRACE_MS = 20_000;
const POLL_MS = 50;

let group: number | undefined;
let hasEnded = false;

function report(message: SupervisorReport): void {
  if (process.connected) process.send?.(message);
}

process.once('message', (order: SupervisorOrder) => {
  try {
    setPriority(order.niceness);
  } catch {
    // Some containers forbid it; the run is then only less quiet.
  }
  process.once('disconnect', () => void stop().then(() => leave(order.folder)));
  start(order);
});
for (const name of ['SIGINT', 'SIGHUP', 'SIGTERM'] as const) process.on(name, () => undefined);

function start({ command, arguments: words }: SupervisorOrder): void {
  // Its own process group: a script that starts the server, and the server's own children, end together with it.
  const server = spawn(command, words, { detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  group = server.pid;
  for (const stream of [server.stdout, server.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => report({ kind: 'said', text }));
  }
  server.once('spawn', () => report({ kind: 'started', processId: server.pid ?? 0 }));
  server.once('error', ({ message }) => {
    hasEnded = true;
    report({ kind: 'failed', reason: message });
  });
  server.once('exit', (code, signal) => {
    hasEnded = true;
    signalGroup('SIGKILL');
    report({ kind: 'ended', how: signal === null ? `exit code ${code}` : `signal ${signal}` });
  });
}

async function stop(): Promise<void> {
  const deadline = Date.now() + STOP_GRACE_MS;
  if (!hasEnded) signalGroup('SIGTERM');
  while (!hasEnded && Date.now() < deadline) await delay(POLL_MS);
  signalGroup('SIGKILL');
}

function signalGroup(name: NodeJS.Signals): void {
  try {
    if (group !== undefined) process.kill(-group, name);
  } catch {
    // Nobody of it is left.
  }
}

function leave(folder: string): void {
  if (folder !== '') rmSync(folder, { recursive: true, force: true });
  process.exit(0);
}
