/** Runs a null server as a child process, so that it shares neither event loop nor garbage with the load generator. */
import { type ChildProcess, fork } from 'node:child_process';
import { PerfTsError } from '../common/errors.js';
import { compiledEntry } from '../common/package-root.js';
import type { Protocol } from '../kserve/protocol.js';
import type { NullServerConfig, NullServerReport } from './null-behavior.js';

export interface RunningNullServer {
  readonly endpoints: Readonly<Record<Protocol, string>>;
  readonly processId: number;
  /** What it did to inference requests so far. */
  report(): Promise<NullServerReport>;
  /** Safe to call twice. */
  close(): Promise<void>;
}

type Message =
  | { readonly kind: 'ready'; readonly grpcPort: number; readonly httpPort: number }
  | { readonly kind: 'report'; readonly report: NullServerReport };

/** Throws PerfTsError ENGINE_FAILED when the process ends before it listens. */
export async function launchNullServer(config: NullServerConfig): Promise<RunningNullServer> {
  const child = fork(compiledEntry('src/null-server/null-server-process'), [JSON.stringify(config)], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  try {
    const ready = await nextMessage(child, 'ready');
    return {
      endpoints: { grpc: `127.0.0.1:${ready.grpcPort}`, http: `127.0.0.1:${ready.httpPort}` },
      processId: child.pid ?? 0,
      async report() {
        const answer = nextMessage(child, 'report');
        child.send('report');
        return (await answer).report;
      },
      close: () => stop(child),
    };
  } catch (thrown) {
    await stop(child);
    throw thrown;
  }
}

function nextMessage<Kind extends Message['kind']>(
  child: ChildProcess,
  kind: Kind,
): Promise<Extract<Message, { kind: Kind }>> {
  return new Promise((resolve, reject) => {
    const onMessage = (message: Message): void => {
      if (message.kind !== kind) return;
      settle();
      resolve(message as Extract<Message, { kind: Kind }>);
    };
    const onExit = (code: number | null): void => {
      settle();
      reject(new PerfTsError('ENGINE_FAILED', { what: `the null server ended with exit code ${code}` }));
    };
    const settle = (): void => {
      child.off('message', onMessage);
      child.off('exit', onExit);
    };
    child.on('message', onMessage);
    child.on('exit', onExit);
  });
}

function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return Promise.resolve();
  return new Promise((resolve) => {
    child.once('exit', () => resolve());
    child.kill('SIGKILL');
  });
}
