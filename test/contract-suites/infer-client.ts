/** What every InferClient does, run against real servers on loopback. */
import { afterEach, describe, expect, it } from 'vitest';
import type { CreateInferClient, InferClient, OnCompletion, RequestTemplate } from '../../src/client/infer-client.js';
import { type OutcomeCode, outcomeCodes } from '../../src/client/outcome.js';
import { nowNs } from '../../src/common/clock.js';
import { PerfTsError } from '../../src/common/errors.js';
import type { ScriptedServer, StartScriptedServer } from '../support/scripted-server.js';

interface Completion {
  readonly tag: number;
  readonly receivedNs: number;
  readonly outcome: OutcomeCode;
  readonly cause: string | undefined;
}

const template = (modelName: string, elements = 4): RequestTemplate => ({
  modelName,
  modelVersion: '',
  inputs: [{ name: 'IN', dataType: 'FP32', shape: [1, elements], bytes: floats(elements) }],
  outputNames: [],
});

function floats(count: number): Uint8Array {
  const values = Float32Array.from({ length: count }, (_, index) => index + 0.5);
  return new Uint8Array(values.buffer);
}

export function describeInferClient(name: string, create: CreateInferClient, startServer: StartScriptedServer): void {
  describe(name, () => {
    const open: { close(): Promise<void> }[] = [];
    afterEach(async () => {
      for (const closable of open.splice(0).reverse()) await closable.close();
    });

    async function serve(): Promise<ScriptedServer> {
      const server = await startServer();
      open.push(server);
      return server;
    }

    async function connect(
      endpoint: string,
      onCompletion: OnCompletion,
      requestTimeoutMs = 10_000,
    ): Promise<InferClient> {
      const client = await create({ endpoint, onCompletion, requestTimeoutMs });
      open.push(client);
      return client;
    }

    /** A client whose completions are collected; `ended(n)` waits until there are n of them. */
    async function collect(endpoint: string, requestTimeoutMs?: number) {
      const completions: Completion[] = [];
      let onEach: () => void = () => {};
      const client = await connect(
        endpoint,
        (tag, receivedNs, outcome, cause) => {
          completions.push({ tag, receivedNs, outcome, cause });
          onEach();
        },
        requestTimeoutMs,
      );
      const ended = (count: number): Promise<void> =>
        new Promise((resolve) => {
          onEach = () => completions.length >= count && resolve();
          onEach();
        });
      return { client, completions, ended };
    }

    it('returns the tensors of the answer, bytes unchanged', async () => {
      const server = await serve();
      const client = await connect(server.endpoint, () => {});
      const [output] = await client.inferOnce(template('echo', 300_000), 10_000);
      expect(output).toMatchObject({ name: 'IN', dataType: 'FP32', shape: [1, 300_000] });
      expect(Buffer.from(output!.bytes).equals(floats(300_000))).toBe(true);
    });

    it('completes each request once, with its tag and an instant between sending and now', async () => {
      const { endpoint } = await serve();
      const { client, completions, ended } = await collect(endpoint);
      const handle = client.prepare(template('echo'));
      const sentNs = nowNs();
      for (let tag = 0; tag < 100; tag++) client.send(handle, tag);
      await ended(100);
      await client.close();
      const endNs = nowNs();
      expect(completions.map(({ tag }) => tag).sort((a, b) => a - b)).toEqual(
        Array.from({ length: 100 }, (_, tag) => tag),
      );
      for (const { receivedNs, outcome, cause } of completions) {
        expect(outcome).toBe(outcomeCodes.ok);
        expect(cause).toBeUndefined();
        expect(receivedNs).toBeGreaterThan(sentNs);
        expect(receivedNs).toBeLessThanOrEqual(endNs);
      }
    });

    it('keeps prepared requests apart', async () => {
      const { endpoint } = await serve();
      const { client, completions, ended } = await collect(endpoint);
      const good = client.prepare(template('echo'));
      const bad = client.prepare(template('nobody'));
      client.send(bad, 1);
      client.send(good, 2);
      await ended(2);
      const outcomes = Object.fromEntries(completions.map(({ tag, outcome }) => [tag, outcome]));
      expect(outcomes).toEqual({ 1: outcomeCodes.error, 2: outcomeCodes.ok });
    });

    it('names a refusal by status and message, the same for requests whose messages differ only in their id', async () => {
      const { endpoint } = await serve();
      const { client, completions, ended } = await collect(endpoint);
      const handle = client.prepare(template('full'));
      client.send(handle, 0);
      client.send(handle, 1);
      await ended(2);
      expect(completions.map(({ outcome }) => outcome)).toEqual([outcomeCodes.error, outcomeCodes.error]);
      expect(completions.map(({ cause }) => cause)).toEqual(['UNAVAILABLE: queue full', 'UNAVAILABLE: queue full']);
    });

    it('ends unanswered requests as timeouts, each after its own time', async () => {
      const { endpoint } = await serve();
      const { client, completions, ended } = await collect(endpoint, 60);
      const handle = client.prepare(template('silent'));
      const firstNs = nowNs();
      client.send(handle, 1);
      await new Promise((resolve) => setTimeout(resolve, 30));
      const secondNs = nowNs();
      client.send(handle, 2);
      await ended(2);
      expect(completions.map(({ tag }) => tag)).toEqual([1, 2]);
      expect(completions.every(({ outcome }) => outcome === outcomeCodes.timeout)).toBe(true);
      expect(completions.map(({ cause }) => cause?.split(':')[0])).toEqual(['DEADLINE_EXCEEDED', 'DEADLINE_EXCEEDED']);
      expect(completions[0]!.receivedNs - firstNs).toBeGreaterThanOrEqual(60e6);
      expect(completions[1]!.receivedNs - secondNs).toBeGreaterThanOrEqual(60e6);
    });

    it('goes on working after a timeout', async () => {
      const { endpoint } = await serve();
      const { client, completions, ended } = await collect(endpoint, 100);
      client.send(client.prepare(template('silent')), 1);
      await ended(1);
      client.send(client.prepare(template('echo')), 2);
      await ended(2);
      expect(completions[1]).toMatchObject({ tag: 2, outcome: outcomeCodes.ok });
    });

    it('turns a server that is gone in mid-flight into errors, and so every later request', async () => {
      const server = await serve();
      const { client, completions, ended } = await collect(server.endpoint);
      const handle = client.prepare(template('silent'));
      for (let tag = 0; tag < 5; tag++) client.send(handle, tag);
      while (server.received() < 5) await new Promise((resolve) => setTimeout(resolve, 2));
      await server.vanish();
      await ended(5);
      client.send(handle, 5);
      await ended(6);
      expect(completions.map(({ outcome }) => outcome)).toEqual(Array(6).fill(outcomeCodes.error));
      for (const { cause } of completions) expect(cause).toMatch(/^UNAVAILABLE: connection (lost|refused)$/);
    });

    it('ends what is in flight as cancelled when closed, and never calls back after that', async () => {
      const server = await serve();
      const { client, completions } = await collect(server.endpoint);
      const handle = client.prepare(template('silent'));
      for (let tag = 0; tag < 3; tag++) client.send(handle, tag);
      while (server.received() < 3) await new Promise((resolve) => setTimeout(resolve, 2));
      await client.close();
      expect(completions.map(({ outcome }) => outcome)).toEqual(Array(3).fill(outcomeCodes.cancelled));
      await client.close();
      await new Promise((resolve) => setTimeout(resolve, 30));
      expect(completions).toHaveLength(3);
    });

    it('never calls back from inside send, not even for a request sent after close', async () => {
      const { endpoint } = await serve();
      let isSending = false;
      const ends: { readonly tag: number; readonly isInside: boolean }[] = [];
      const client = await connect(endpoint, (tag) => ends.push({ tag, isInside: isSending }));
      const handle = client.prepare(template('echo'));
      const send = (tag: number): void => {
        isSending = true;
        client.send(handle, tag);
        isSending = false;
      };
      for (let tag = 0; tag < 20; tag++) send(tag);
      await client.close();
      send(20);
      await new Promise((resolve) => setTimeout(resolve, 20));
      expect(ends).toHaveLength(21);
      expect(ends.every(({ isInside }) => !isInside)).toBe(true);
    });

    it('lets a completion send the next request at once', async () => {
      const { endpoint } = await serve();
      let left = 200;
      const done = new Promise<void>((resolve, reject) => {
        const onCompletion: OnCompletion = (tag, _receivedNs, outcome) => {
          if (outcome !== outcomeCodes.ok) reject(new Error(`outcome ${outcome}`));
          else if (--left === 0) resolve();
          else if (left >= 4) client?.send(0, tag);
        };
        let client: InferClient | undefined;
        void connect(endpoint, onCompletion).then((connected) => {
          client = connected;
          client.prepare(template('echo'));
          for (let tag = 0; tag < 4; tag++) client.send(0, tag);
        }, reject);
      });
      await done;
      expect(left).toBe(0);
    });

    it("refuses a check of an unknown model with the server's words", async () => {
      const { endpoint } = await serve();
      const client = await connect(endpoint, () => {});
      const refused = await client.inferOnce(template('nobody'), 5000).catch((thrown: unknown) => thrown);
      expect(refused).toBeInstanceOf(PerfTsError);
      expect(refused).toMatchObject({
        code: 'TARGET_REFUSED',
        message: expect.stringContaining("'nobody' is not found"),
      });
    });

    it('calls a check that is not answered in time unreachable', async () => {
      const { endpoint } = await serve();
      const client = await connect(endpoint, () => {});
      await expect(client.inferOnce(template('silent'), 50)).rejects.toMatchObject({ code: 'TARGET_UNREACHABLE' });
    });

    it('says that nothing answers when no server is there', async () => {
      const server = await serve();
      await server.vanish();
      const failed = create({ endpoint: server.endpoint, onCompletion: () => {}, requestTimeoutMs: 1000 });
      await expect(failed).rejects.toMatchObject({
        code: 'TARGET_UNREACHABLE',
        problems: [{ where: server.endpoint }],
      });
    });
  });
}
