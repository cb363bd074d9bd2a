/**
 * Our own engine as a child process on free loopback ports. A native crash in it is an error value here, and it never
 * outlives us: it is stopped by process id, and ends by itself when the channel to this process closes.
 */
import type { ChildProcess } from 'node:child_process';
import { connectAdmin } from '../client/connect-admin.js';
import { PerfTsError, type Problem } from '../common/errors.js';
import { commandEntry } from '../common/package-root.js';
import type { Protocol } from '../kserve/protocol.js';
import type { EngineMessage } from './engine-message.js';
import { spawnEngine, stopChild } from './engine-process.js';
import type { EngineStandby } from './engine-standby.js';
import type { Target } from './target.js';

const STDERR_TAIL_CHARS = 4_000;

export interface EmbeddedTargetOptions {
  /** Model repository that holds `model`; only that model is loaded. */
  readonly modelRepository: string;
  readonly model: string;
  readonly protocol: Protocol;
  readonly isDemoModel: boolean;
  /** Tries the model in a process of its own first, so that one that crashes as it loads is refused with the reason. */
  readonly isolateLoad?: boolean;
  /** Has the engine offer its metrics. */
  readonly offersMetrics?: boolean;
  /** More flags for `perf-ts serve`. */
  readonly engineFlags?: readonly string[];
  /** Where a process that stands by is taken from. */
  readonly standby?: EngineStandby;
  readonly signal?: AbortSignal;
}

/** Starts the engine and waits until the model is ready. Throws PerfTsError when the engine refuses the model or dies. */
export async function launchEmbeddedTarget(options: EmbeddedTargetOptions): Promise<Target> {
  const serveArguments = describeServing(options);
  const child = (await options.standby?.take(serveArguments)) ?? spawnEngine([commandEntry, ...serveArguments]);
  const close = (): Promise<void> => stopChild(child);
  const onAbort = (): void => void close();
  options.signal?.addEventListener('abort', onAbort, { once: true });
  if (options.signal?.aborted) onAbort();
  try {
    const stderrTail = keepTail(child);
    const endpoints = await waitUntilReady(child, options, stderrTail);
    // From here on the caller ends the engine, after it has kept what was measured.
    options.signal?.removeEventListener('abort', onAbort);
    const endpoint = options.protocol === 'grpc' ? endpoints.grpcEndpoint : endpoints.httpEndpoint;
    const admin = await connectAdmin({ endpoint, protocol: options.protocol });
    return {
      kind: 'embedded',
      endpoint,
      protocol: options.protocol,
      otherEndpoint: options.protocol === 'grpc' ? endpoints.httpEndpoint : endpoints.grpcEndpoint,
      admin,
      isDemoModel: options.isDemoModel,
      ...(child.pid === undefined ? {} : { serverProcessId: child.pid }),
      ...(endpoints.metricsEndpoint && { metricsUrl: `http://${endpoints.metricsEndpoint}/metrics` }),
      assignments: endpoints.assignments,
      failure: failureOf(child, options, stderrTail),
      async close() {
        await admin.close();
        await close();
      },
    };
  } catch (thrown) {
    options.signal?.removeEventListener('abort', onAbort);
    await close();
    throw thrown;
  }
}

function describeServing(options: EmbeddedTargetOptions): string[] {
  return [
    'serve',
    `--model-repository=${options.modelRepository}`,
    '--model-control-mode=explicit',
    `--load-model=${options.model}`,
    '--grpc-port=0',
    '--http-port=0',
    ...(options.offersMetrics === true ? ['--metrics-port=0'] : ['--allow-metrics=false']),
    ...(options.isolateLoad === true ? ['--isolate-load'] : []),
    ...(options.engineFlags ?? []),
  ];
}

function keepTail(child: ChildProcess): () => string {
  let tail = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    tail = (tail + text).slice(-STDERR_TAIL_CHARS);
  });
  return () => tail.trim();
}

type Ready = Extract<EngineMessage, { kind: 'ready' }>;

function waitUntilReady(child: ChildProcess, options: EmbeddedTargetOptions, stderrTail: () => string): Promise<Ready> {
  return new Promise((resolve, reject) => {
    let refusal: PerfTsError | undefined;
    child.on('message', (message: EngineMessage) => {
      if (message.kind === 'ready') resolve(message);
      else refusal = new PerfTsError(message.code, message.problems);
    });
    child.once('error', (cause) => reject(new PerfTsError('ENGINE_FAILED', { what: cause.message }, cause)));
    child.once('close', (code, signal) => {
      if (options.signal?.aborted) reject(new PerfTsError('INTERRUPTED', { what: 'stopped while the engine started' }));
      else reject(refusal ?? new PerfTsError('ENGINE_FAILED', describeExit(options.model, code, signal, stderrTail())));
    });
  });
}

function failureOf(child: ChildProcess, options: EmbeddedTargetOptions, stderrTail: () => string): Promise<never> {
  const failure = new Promise<never>((_, reject) => {
    child.once('close', (code, signal) =>
      reject(new PerfTsError('ENGINE_FAILED', describeExit(options.model, code, signal, stderrTail()))),
    );
  });
  // Only some callers wait for it, and a stop of our own also ends here.
  failure.catch(() => undefined);
  return failure;
}

function describeExit(model: string, code: number | null, signal: string | null, stderr: string): Problem {
  const how = signal === null ? `exit code ${code}` : `signal ${signal}`;
  const said = stderr === '' ? '' : `; it said: ${stderr.split('\n').slice(-6).join(' | ')}`;
  return {
    where: `engine serving ${model}`,
    what: `the engine process ended with ${how}${said}`,
    hint: `run 'perf-ts serve --model-repository DIR --load-model ${model} --log-verbose=1' to see more`,
  };
}
