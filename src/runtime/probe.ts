/** Asks about a library in a child process. A crash, a hang and what native code printed all become reasons. */
import { spawn } from 'node:child_process';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';
import { compiledEntry } from '../common/package-root.js';
import { makeTemporaryFolder } from '../common/temporary-folder.js';
import { tidyReason } from '../onnxruntime/provider-log.js';
import type { ProviderName } from '../onnxruntime/provider-table.js';
import type { LibraryFacts } from './library-facts.js';
import type { DriverFacts, ProbeAnswer, ProbeQuestion } from './probe-messages.js';
import { proofModel } from './proof-model.js';

export type Outcome<T> =
  | { readonly state: 'ok'; readonly value: T }
  | { readonly state: 'failed'; readonly reason: string };

const TIMEOUT_MS = 120_000;
const OUTPUT_TAIL_CHARS = 4_000;

/** Version, API version and compiled-in providers of the library at `libraryPath`. */
export async function describeLibrary(libraryPath: string, signal?: AbortSignal): Promise<Outcome<LibraryFacts>> {
  const answer = await ask({ kind: 'describe', libraryPath }, signal);
  if (answer.kind === 'described') return { state: 'ok', value: answer.facts };
  return { state: 'failed', reason: reasonOf(answer) };
}

/** Whether a session with this provider alone gives the right answer. */
export async function proveProvider(
  libraryPath: string,
  provider: ProviderName,
  signal?: AbortSignal,
): Promise<Outcome<undefined>> {
  const folder = await makeTemporaryFolder('perf-ts-proof-');
  try {
    const modelFile = join(folder, 'proof.onnx');
    await writeFile(modelFile, proofModel());
    const answer = await ask({ kind: 'prove', libraryPath, provider, modelFile }, signal);
    return answer.kind === 'proven' ? { state: 'ok', value: undefined } : { state: 'failed', reason: reasonOf(answer) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The NVIDIA driver of this host. */
export async function describeDriver(signal?: AbortSignal): Promise<DriverFacts> {
  const answer = await ask({ kind: 'driver' }, signal);
  if (answer.kind === 'driver') return answer.facts;
  return { version: undefined, cudaVersion: undefined, devices: [], problem: reasonOf(answer) };
}

const reasonOf = (answer: ProbeAnswer): string => (answer.kind === 'failed' ? answer.reason : 'it gave no answer');

function ask(question: ProbeQuestion, signal: AbortSignal | undefined): Promise<ProbeAnswer> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [fileURLToPath(compiledEntry('src/runtime/probe-child'))], {
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      env: { ...process.env, ORT_DISABLE_TELEMETRY: '1', NO_COLOR: '1' },
    });
    let said = '';
    const keep = (text: string): void => {
      said = (said + text).slice(-OUTPUT_TAIL_CHARS);
    };
    for (const stream of [child.stdout, child.stderr]) stream?.setEncoding('utf8').on('data', keep);
    let answer: ProbeAnswer | undefined;
    let isLate = false;
    const stop = (): void => void child.kill('SIGKILL');
    const timer = setTimeout(() => {
      isLate = true;
      stop();
    }, TIMEOUT_MS);
    signal?.addEventListener('abort', stop, { once: true });
    const settle = (reason: string): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', stop);
      resolve(
        answer?.kind === 'failed'
          ? { ...answer, reason: withOutput(answer.reason, said) }
          : (answer ?? { kind: 'failed', reason }),
      );
    };
    child.on('message', (message: ProbeAnswer) => {
      answer = message;
    });
    child.once('error', (cause) => settle(`its process cannot be started: ${cause.message}`));
    child.once('close', (code, ended) => {
      const how = isLate ? `no answer within ${TIMEOUT_MS / 1000} s` : `it crashed (${ended ?? `exit code ${code}`})`;
      settle(withOutput(signal?.aborted ? 'stopped' : how, said));
    });
    child.send(question, () => undefined);
  });
}

/** Lines that say why, from what a library prints; its log prefixes are taken off. */
function withOutput(reason: string, said: string): string {
  const lines = stripVTControlCharacters(said)
    .split('\n')
    .filter((line) => /error|fail|cannot|not |invalid|unable|assert/i.test(line) && !/^\s*at /.test(line))
    .map((line) => tidyReason(line.replace(/^\d{4}-\d\d-\d\d [\d:.]+ \[[^\]]*\]\s*/, '')))
    .filter((line) => line !== '' && !reason.includes(line) && !tidyReason(reason).includes(line));
  return lines.length === 0 ? reason : `${reason} | ${[...new Set(lines)].slice(-2).join(' | ')}`;
}
