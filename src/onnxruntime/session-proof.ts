/**
 * What a process of its own found out by making a session: it works, and who got which nodes; or the reason why not,
 * which providers tell only in their log. A crash in native code ends that process and nothing else.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { messageOf, type Problem } from '../common/errors.js';
import { compiledEntry } from '../common/package-root.js';
import type { ModelSignature } from '../model-config/model-signature.js';
import type { NodeCounts } from './graph-assignment.js';
import { withMissing } from './provider-libraries.js';
import { readPlacement, readReason, tidyReason } from './provider-log.js';
import type { ProviderName } from './provider-table.js';
import type { SessionSettings } from './session-settings.js';

export interface SessionToProve {
  readonly ortLibrary: string;
  readonly modelFile: string;
  /** For one device, see placeSession. */
  readonly settings: SessionSettings;
  /** Asks for the signature only: nothing is said of nodes then, and large models are told of faster. */
  readonly isQuiet?: boolean;
}

/** What the process says. */
export type ProofMessage =
  | {
      readonly kind: 'made';
      readonly createNs: number;
      readonly nodes: NodeCounts | undefined;
      readonly signature: ModelSignature;
    }
  | {
      readonly kind: 'refused';
      /** The provider that could not be appended; undefined when the session could not be made with it. */
      readonly provider: ProviderName | undefined;
      readonly message: string;
      /** What is known of missing libraries. */
      readonly libraries: string;
    }
  | { readonly kind: 'unusable'; readonly problems: readonly Problem[] };

export type SessionProof =
  | {
      readonly state: 'proven';
      readonly nodes: NodeCounts;
      /** Copies between devices that ONNX Runtime inserted. */
      readonly copyCount: number;
      /** Time to make the session, with whatever the provider builds for it. */
      readonly createNs: number;
      readonly signature: ModelSignature;
    }
  | { readonly state: 'refused'; readonly provider: ProviderName | undefined; readonly reason: string };

export interface ProofOptions {
  /** How long it may take; building an engine can take minutes. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

const TIMEOUT_MS = 30 * 60_000;
/** Of what a session writes when it tells everything; large models take some megabytes. */
const MOST_LOG_CHARS = 32 << 20;
const FALLBACK = /fallback to CPU EP has been explicitly disabled/;

/** Never rejects: whatever happens is the outcome. */
export async function proveSession(session: SessionToProve, options: ProofOptions = {}): Promise<SessionProof> {
  const child = fork(compiledEntry('src/onnxruntime/session-proof-process'), [], {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    execArgv: [],
    serialization: 'advanced',
    env: { ...process.env, ORT_DISABLE_TELEMETRY: '1' },
  });
  let log = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    log = (log + text).slice(-MOST_LOG_CHARS);
  });
  let said: ProofMessage | undefined;
  child.on('message', (message: ProofMessage) => {
    said = message;
  });
  const ended = waitForEnd(child, options);
  // The process may end before it reads this; its end then says more than the failed write.
  child.send(session, () => undefined);
  const ending = await ended;
  return said === undefined ? refuse(undefined, describeEnd(ending, log)) : judge(said, log);
}

const refuse = (provider: ProviderName | undefined, reason: string): SessionProof => ({
  state: 'refused',
  provider,
  reason,
});

function describeEnd(ending: string, log: string): string {
  const last = readReason(log);
  return `the process that tried it ended with ${ending}${last === '' ? '' : `; it said: ${last}`}`;
}

function judge(said: ProofMessage, log: string): SessionProof {
  if (said.kind === 'unusable') return refuse(undefined, said.problems.map(({ what }) => what).join('; '));
  const placement = readPlacement(log);
  if (said.kind === 'made') {
    const nodes = fuller(said.nodes, placement.nodes);
    return {
      state: 'proven',
      nodes,
      copyCount: placement.copyCount,
      createNs: said.createNs,
      signature: said.signature,
    };
  }
  const { provider, message, libraries } = said;
  if (FALLBACK.test(message)) return refuse(provider, describeLeftNodes(placement.nodes));
  // Statuses of plug-in libraries say only that they failed; the reason is in the log.
  const isVague = /^(?:.*\] )?Failed to load (provider|shared library)/.test(message);
  const reason = (isVague ? readReason(log) : '') || tidyReason(message) || message;
  return refuse(provider, withMissing(reason, libraries));
}

/**
 * ONNX Runtime counts fused nodes one by one where it records assignments, and once in its log; but its record leaves out
 * nodes whose layout a provider changes, as WebGPU's does.
 */
function fuller(recorded: NodeCounts | undefined, logged: NodeCounts): NodeCounts {
  const total = (nodes: NodeCounts): number => Object.values(nodes).reduce((sum, count) => sum + count, 0);
  return recorded !== undefined && total(recorded) >= total(logged) ? recorded : logged;
}

function describeLeftNodes(nodes: NodeCounts): string {
  const told = Object.entries(nodes).map(([name, count]) => `${name} ${count}`);
  const counts = told.length === 0 ? '' : ` (placed, fused ones counted once: ${told.join(', ')})`;
  return `it does not take every node of the model, and the CPU provider would have to run the others${counts}`;
}

function waitForEnd(child: ChildProcess, { timeoutMs = TIMEOUT_MS, signal }: ProofOptions): Promise<string> {
  return new Promise((resolve) => {
    let cut: string | undefined;
    const stop = (how: string) => (): void => {
      cut ??= how;
      child.kill('SIGKILL');
    };
    const timer = setTimeout(stop(`nothing within ${timeoutMs / 1000} s`), timeoutMs);
    const onAbort = stop('nothing, because it was stopped');
    if (signal?.aborted) onAbort();
    signal?.addEventListener('abort', onAbort, { once: true });
    const end = (text: string): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      resolve(cut ?? text);
    };
    child.once('error', (error) => end(messageOf(error)));
    // 'close' comes after the last of stderr.
    child.once('close', (code, killer) => end(killer === null ? `exit code ${code}` : `signal ${killer}`));
  });
}
