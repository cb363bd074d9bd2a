/**
 * Tries a model in a process of its own before the engine loads it: what crashes or hangs in native code then ends that
 * process, and the load with it, but never the engine.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { basename } from 'node:path';
import { PerfTsError, type Problem } from '../../src/common/errors.js';
import { compiledEntry } from '../../src/common/package-root.js';
import type { ServedModelOptions } from '../served-model.js';

/** What the trial process says before it ends; anything else counts as a crash. */
export type TrialReport =
  | { readonly kind: 'passed' }
  | { readonly kind: 'refused'; readonly code: PerfTsError['code']; readonly problems: readonly Problem[] }
  | { readonly kind: 'fault'; readonly message: string };

export interface TrialOptions {
  readonly timeoutMs: number;
  /** Aborts to end trials under way. */
  readonly signal?: AbortSignal;
  /** Module of the trial process; tests give others. */
  readonly entry?: URL;
}

type Ending =
  | { readonly how: 'exit'; readonly text: string }
  | { readonly how: 'timeout' }
  | { readonly how: 'aborted' };

const STDERR_TAIL_CHARS = 2000;

/**
 * Resolves when the model could be loaded and run in a process of its own, which has ended by then.
 * Throws PerfTsError: what the load was refused for, or BAD_FILE with the signal or exit code of a crash or the timeout.
 */
export async function tryIsolated(model: ServedModelOptions, options: TrialOptions): Promise<void> {
  const child = fork(options.entry ?? compiledEntry('engine/repository/trial-load'), [], {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    execArgv: [],
    serialization: 'advanced',
    env: { ...process.env, ORT_DISABLE_TELEMETRY: '1' },
  });
  let stderr = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-STDERR_TAIL_CHARS);
  });
  let report: TrialReport | undefined;
  child.on('message', (message: TrialReport) => {
    report = message;
  });
  const ended = waitForEnd(child, options);
  // The process may end before it reads this; its end then says more than the failed write.
  child.send(model, () => undefined);
  const ending = await ended;
  if (report?.kind === 'passed') return;
  if (report?.kind === 'refused') throw new PerfTsError(report.code, report.problems);
  const said = report?.kind === 'fault' ? report.message : (stderr.trim().split('\n').at(-1) ?? '');
  throw new PerfTsError('BAD_FILE', describeEnding(model, ending, said, options));
}

function waitForEnd(child: ChildProcess, { timeoutMs, signal }: TrialOptions): Promise<Ending> {
  return new Promise((resolve) => {
    let cut: Ending | undefined;
    const stop = (how: 'timeout' | 'aborted') => (): void => {
      cut ??= { how };
      child.kill('SIGKILL');
    };
    const timer = setTimeout(stop('timeout'), timeoutMs);
    const onAbort = stop('aborted');
    if (signal?.aborted) onAbort();
    signal?.addEventListener('abort', onAbort, { once: true });
    const end = (text: string): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      resolve(cut ?? { how: 'exit', text });
    };
    child.once('error', (error) => end(`an error: ${error.message}`));
    child.once('close', (code, name) => end(name === null ? `exit code ${code}` : `signal ${name}`));
  });
}

function describeEnding(
  { modelFile }: ServedModelOptions,
  ending: Ending,
  said: string,
  { timeoutMs }: TrialOptions,
): Problem {
  const where = modelFile;
  const what = 'the process in which the model was tried first';
  if (ending.how === 'aborted') return { where, what: `${what} was stopped, because the engine is ending` };
  if (ending.how === 'timeout') {
    const hint = 'raise --isolate-load-timeout-secs if it only needs longer';
    return { where, what: `${what} was not done within ${timeoutMs / 1000} s, so it was ended`, hint };
  }
  const words = said === '' ? '' : `; it said: ${said}`;
  const hint = `${basename(modelFile)} or the ONNX Runtime library makes native code crash`;
  return { where, what: `${what} ended with ${ending.text}${words}`, hint };
}
