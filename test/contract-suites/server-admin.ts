/** What every ServerAdmin does, run against real servers on loopback. */
import { afterEach, describe, expect, it } from 'vitest';
import type { ServerAdmin } from '../../src/client/server-admin.js';
import { echoFacts, type ScriptOptions, type StartScriptedServer, serverFacts } from '../support/scripted-server.js';

export function describeServerAdmin(
  name: string,
  create: (endpoint: string) => ServerAdmin,
  startServer: StartScriptedServer,
): void {
  describe(name, () => {
    const open: { close(): Promise<void> }[] = [];
    afterEach(async () => {
      for (const closable of open.splice(0).reverse()) await closable.close();
    });

    async function connect(options?: ScriptOptions) {
      const server = await startServer(options);
      const admin = create(server.endpoint);
      open.push(server, admin);
      return { server, admin };
    }

    it('tells a ready server and model from one that is not', async () => {
      const { admin } = await connect();
      expect(await admin.isServerReady()).toBe(true);
      expect(await admin.isModelReady('echo')).toBe(true);
      expect(await admin.isModelReady('echo', '10')).toBe(true);
      expect(await admin.isModelReady('nobody')).toBe(false);
    });

    it('says not ready, without throwing, when nothing answers', async () => {
      const { server, admin } = await connect();
      await server.vanish();
      expect(await admin.isServerReady()).toBe(false);
      expect(await admin.isModelReady('echo')).toBe(false);
    });

    it('reads metadata in the one form', async () => {
      const { admin } = await connect();
      expect(await admin.serverMetadata()).toEqual(serverFacts);
      expect(await admin.modelMetadata('echo')).toEqual(echoFacts.metadata);
    });

    it('reads the configuration with numbers as numbers', async () => {
      const { admin } = await connect();
      expect(await admin.modelConfig('echo')).toMatchObject(echoFacts.config);
    });

    it('reads the statistics of the highest version', async () => {
      const { admin } = await connect();
      expect(await admin.modelStatistics('echo')).toEqual(echoFacts.statistics.model_stats[1]);
    });

    it('gives undefined for extensions that the server lacks', async () => {
      const { admin } = await connect({ hasExtensions: false });
      expect(await admin.modelConfig('echo')).toBeUndefined();
      expect(await admin.modelStatistics('echo')).toBeUndefined();
    });

    it("refuses an unknown model with the server's words and a hint", async () => {
      const { server, admin } = await connect();
      for (const ask of [admin.modelMetadata('nobody'), admin.modelConfig('nobody'), admin.modelStatistics('nobody')]) {
        const refused = await ask.catch((thrown: unknown) => thrown);
        expect(refused).toMatchObject({
          code: 'TARGET_REFUSED',
          problems: [
            {
              where: server.endpoint,
              what: expect.stringContaining('unknown model'),
              hint: expect.stringContaining('-m'),
            },
          ],
        });
      }
    });

    it('calls a server that is gone unreachable', async () => {
      const { server, admin } = await connect();
      await server.vanish();
      const expected = { code: 'TARGET_UNREACHABLE', problems: [{ where: server.endpoint }] };
      await expect(admin.serverMetadata()).rejects.toMatchObject(expected);
      await expect(admin.modelMetadata('echo')).rejects.toMatchObject(expected);
      await expect(admin.modelConfig('echo')).rejects.toMatchObject(expected);
      await expect(admin.modelStatistics('echo')).rejects.toMatchObject(expected);
    });
  });
}
