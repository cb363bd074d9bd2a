import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { connectAdmin } from '../../src/client/connect-admin.js';
import { inferClients } from '../../src/client/create-infer-client.js';
import type { ClientKind, RequestTemplate, TlsOptions } from '../../src/client/infer-client.js';
import { readTlsFiles } from '../../src/client/tls-files.js';
import type { Protocol } from '../../src/kserve/protocol.js';
import { startScriptedGrpcServer } from '../support/scripted-grpc-server.js';
import { startScriptedHttpServer } from '../support/scripted-http-server.js';
import { makeTemporaryFolder } from '../support/temporary-folder.js';
import { makeTlsAuthority, startTlsFront, type TlsAuthority } from '../support/tls-authority.js';

const authority = makeTlsAuthority();
afterAll(() => authority?.remove());

const request: RequestTemplate = {
  modelName: 'echo',
  modelVersion: '',
  inputs: [{ name: 'IN', dataType: 'FP32', shape: [1, 1], bytes: new Uint8Array(4) }],
  outputNames: [],
};

const ways: readonly [ClientKind, Protocol][] = [
  ['grpc-wire', 'grpc'],
  ['grpc-js', 'grpc'],
  ['grpc-js-new-channel', 'grpc'],
  ['http', 'http'],
];

describe.skipIf(authority === undefined)('TLS', () => {
  const { rootFile, certificate, key, clientDer } = authority ?? ({} as TlsAuthority);
  const open: { close(): Promise<void> }[] = [];
  afterEach(async () => {
    for (const closable of open.splice(0).reverse()) await closable.close();
  });

  async function serve(protocol: Protocol, options: { name?: string; wantsClient?: boolean } = {}): Promise<string> {
    const plain = await (protocol === 'grpc' ? startScriptedGrpcServer() : startScriptedHttpServer());
    const protocols = [protocol === 'grpc' ? 'h2' : 'http/1.1'];
    const front = await startTlsFront(plain.endpoint, authority!, { protocols, ...options });
    open.push(plain, front);
    return front.endpoint;
  }

  async function infer(kind: ClientKind, endpoint: string, tls: TlsOptions) {
    const client = await inferClients[kind]({ endpoint, tls, requestTimeoutMs: 5000, onCompletion: () => undefined });
    open.push(client);
    return client.inferOnce(request, 5000);
  }

  it.each(ways)('%s talks to a server whose authority it knows, by address and by name', async (kind, protocol) => {
    const endpoint = await serve(protocol);
    const tls = { rootCertificatesFile: rootFile };
    expect(await infer(kind, endpoint, tls)).toHaveLength(1);
    expect(await infer(kind, endpoint.replace('127.0.0.1', 'localhost'), tls)).toHaveLength(1);
  });

  it.each(ways)('%s shows its certificate to a server that wants one', async (kind, protocol) => {
    const endpoint = await serve(protocol, { wantsClient: true });
    const own = { certificateChainFile: certificate('client'), privateKeyFile: key('client') };
    expect(await infer(kind, endpoint, { rootCertificatesFile: rootFile, ...own })).toHaveLength(1);
    await expect(infer(kind, endpoint, { rootCertificatesFile: rootFile })).rejects.toMatchObject({
      code: expect.stringMatching(/^TARGET_/),
    });
  });

  it.each(ways)('%s accepts any certificate, or any host name, where it is told to', async (kind, protocol) => {
    const endpoint = await serve(protocol, { name: 'elsewhere' });
    expect(await infer(kind, endpoint, { verifiesPeer: false })).toHaveLength(1);
    expect(await infer(kind, endpoint, { rootCertificatesFile: rootFile, verifiesHost: false })).toHaveLength(1);
    await expect(infer(kind, endpoint, { rootCertificatesFile: rootFile })).rejects.toThrow();
  });

  it.each(['grpc', 'http'] as const)('is found out and used by the calls that ask a %s server', async (protocol) => {
    const endpoint = await serve(protocol);
    for (const wanted of [protocol, undefined]) {
      const admin = await connectAdmin({ endpoint, protocol: wanted, tls: { rootCertificatesFile: rootFile } });
      open.push(admin);
      expect(admin.protocol).toBe(protocol);
      expect(await admin.isModelReady('echo')).toBe(true);
    }
  });

  it.each([
    ['server', {}, 'not signed by an authority that is trusted here'],
    ['expired', { rootCertificatesFile: 'root' }, 'has expired'],
    ['elsewhere', { rootCertificatesFile: 'root' }, 'for another host name'],
  ])('says what is wrong with the certificate of a server (%s)', async (name, tls, reason) => {
    const endpoint = await serve('http', { name });
    const files = 'rootCertificatesFile' in tls ? { rootCertificatesFile: rootFile } : {};
    await expect(connectAdmin({ endpoint, tls: files })).rejects.toThrow(reason);
  });

  it('says that a port does not speak TLS', async () => {
    const plain = await startScriptedHttpServer();
    open.push(plain);
    const asked = connectAdmin({ endpoint: plain.endpoint, tls: { rootCertificatesFile: rootFile } });
    await expect(asked).rejects.toThrow('does not speak TLS');
  });

  it('takes certificates and keys in DER', async () => {
    const endpoint = await serve('http', { wantsClient: true });
    const own = { certificateChainFile: clientDer.certificate, privateKeyFile: clientDer.key };
    const forms = { certificateForm: 'DER', privateKeyForm: 'DER' } as const;
    expect(await infer('http', endpoint, { rootCertificatesFile: rootFile, ...own, ...forms })).toHaveLength(1);
  });

  it('names every file that is not what it should be', async () => {
    const junk = join(await makeTemporaryFolder(), 'junk.pem');
    writeFileSync(junk, 'nothing');
    const wrong = (tls: TlsOptions): string[] => {
      try {
        readTlsFiles(tls);
      } catch (thrown) {
        return (thrown as { problems: { where: string; what: string }[] }).problems.map(({ what }) => what);
      }
      return [];
    };
    expect(wrong({ rootCertificatesFile: junk, certificateChainFile: '/nowhere', privateKeyFile: junk })).toEqual([
      expect.stringContaining('is no PEM certificate'),
      expect.stringContaining('cannot be read'),
      'holds no private key in PEM',
    ]);
    const server = { certificateChainFile: certificate('server') };
    expect(wrong(server)).toEqual([expect.stringContaining('belong together')]);
    expect(wrong({ ...server, privateKeyFile: key('client') })).toEqual([expect.stringContaining('is not the key of')]);
    const expired = { certificateChainFile: certificate('expired'), privateKeyFile: key('expired') };
    expect(wrong(expired)).toEqual([expect.stringContaining('expired on')]);
    expect(wrong({ ...server, privateKeyFile: key('server'), certificateForm: 'DER' })).toEqual([
      expect.stringContaining('is no DER certificate'),
    ]);
  });
});
