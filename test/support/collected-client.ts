/** A wire-level client whose completions are kept, for tests that script the server. */
import { onTestFinished } from 'vitest';
import { createGrpcWireClient, type WireLimits } from '../../src/client/grpc-wire/grpc-wire-client.js';
import type { InferClientOptions, RequestTemplate } from '../../src/client/infer-client.js';
import { type OutcomeCode, outcomeCodes } from '../../src/client/outcome.js';
import { type RawServer, type Script, startRawServer } from './raw-grpc-server.js';

export interface Completion {
  readonly tag: number;
  readonly receivedNs: number;
  readonly outcome: OutcomeCode;
  readonly cause: string | undefined;
}

/** A request whose only input has `byteCount` bytes. */
export const requestOf = (byteCount = 16, modelName = 'echo'): RequestTemplate => ({
  modelName,
  modelVersion: '',
  inputs: [
    {
      name: 'IN',
      dataType: 'UINT8',
      shape: [byteCount],
      bytes: Uint8Array.from({ length: byteCount }, (_, index) => index % 251),
    },
  ],
  outputNames: [],
});

export async function collectFrom(endpoint: string, options: Partial<InferClientOptions> = {}, limits?: WireLimits) {
  const completions: Completion[] = [];
  const watchers = new Set<() => void>();
  const client = await createGrpcWireClient(
    {
      endpoint,
      requestTimeoutMs: 5000,
      onCompletion(tag, receivedNs, outcome, cause) {
        completions.push({ tag, receivedNs, outcome, cause });
        for (const watch of [...watchers]) watch();
      },
      ...options,
    },
    limits,
  );
  onTestFinished(() => client.close());
  /** Resolves when `count` calls have ended. */
  const ended = (count: number): Promise<void> =>
    new Promise((resolve) => {
      const watch = (): void => {
        if (completions.length < count) return;
        watchers.delete(watch);
        resolve();
      };
      watchers.add(watch);
      watch();
    });
  const send = (count: number, template: RequestTemplate = requestOf()): void => {
    const handle = client.prepare(template);
    for (let tag = 0; tag < count; tag++) client.send(handle, tag);
  };
  /** Sends one request and returns `ok` or the cause of its failure. */
  const sendOne = async (template?: RequestTemplate): Promise<string> => {
    const before = completions.length;
    send(1, template);
    await ended(before + 1);
    return endOf(completions[before]!);
  };
  return { client, completions, ended, send, sendOne };
}

export const endOf = ({ outcome, cause }: Completion): string =>
  outcome === outcomeCodes.ok ? 'ok' : (cause ?? `outcome ${outcome}`);

/** A server with a script, and a client on it; both end with the test. */
export async function collectFromScript(script: Script, options?: Partial<InferClientOptions>, limits?: WireLimits) {
  const server: RawServer = await startRawServer(script);
  onTestFinished(() => server.close());
  return { server, ...(await collectFrom(server.endpoint, options, limits)) };
}

/** Waits until `isSo`, which a test's own timeout bounds. */
export async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 2));
}
