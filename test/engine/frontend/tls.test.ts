import { writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { Client, credentials, type ServiceError } from '@grpc/grpc-js';
import { afterAll, describe, expect, it } from 'vitest';
import { createGrpcWireFrontEnd } from '../../../engine/frontend/grpc-wire/grpc-wire-front-end.js';
import { findTlsProblems, readTlsIdentity, type TlsOptions } from '../../../engine/frontend/tls-identity.js';
import { PerfTsError } from '../../../src/common/errors.js';
import { grpcMethodPath } from '../../../src/kserve/grpc-service.js';
import { FakeModel, sourceOf } from '../../support/fake-model.js';
import { makeTemporaryFolder } from '../../support/temporary-folder.js';
import { makeTestCertificate } from '../../support/test-certificate.js';

const own = makeTestCertificate();
const other = makeTestCertificate();
afterAll(() => {
  own?.remove();
  other?.remove();
});

const off: TlsOptions = {
  grpcUseSsl: false,
  grpcUseSslMutual: false,
  grpcServerCert: undefined,
  grpcServerKey: undefined,
  grpcRootCert: undefined,
};

const problemsOf = (run: () => unknown): readonly string[] => {
  try {
    run();
  } catch (thrown) {
    if (thrown instanceof PerfTsError) return thrown.problems.map(({ where, what }) => `${where}: ${what}`);
    throw thrown;
  }
  return [];
};

describe('TLS flags', () => {
  it('that lack their files are refused together', () => {
    expect(findTlsProblems({ ...off, grpcUseSslMutual: true }).map(({ where }) => where)).toEqual([
      '--grpc-server-cert',
      '--grpc-server-key',
      '--grpc-root-cert',
    ]);
    expect(findTlsProblems({ ...off, grpcUseSsl: true }).map(({ where }) => where)).toEqual([
      '--grpc-server-cert',
      '--grpc-server-key',
    ]);
  });

  it('that name files without TLS are refused', () => {
    expect(findTlsProblems({ ...off, grpcServerKey: 'key.pem' })).toMatchObject([{ where: '--grpc-server-key' }]);
    expect(findTlsProblems(off)).toEqual([]);
  });

  it('name every file that is missing or is no PEM', async () => {
    const file = join(await makeTemporaryFolder(), 'text.pem');
    writeFileSync(file, 'no certificate');
    const options = { ...off, grpcUseSsl: true, grpcServerCert: file, grpcServerKey: '/nowhere/key.pem' };
    const problems = problemsOf(() => readTlsIdentity(options));
    expect(problems).toHaveLength(2);
    expect(problems[0]).toContain(`--grpc-server-cert ${file}: cannot be used`);
    expect(problems[1]).toBe('--grpc-server-key /nowhere/key.pem: there is no such file');
  });
});

describe.skipIf(own === undefined || other === undefined)('gRPC over TLS', () => {
  const options = (isMutual: boolean): TlsOptions => ({
    grpcUseSsl: true,
    grpcUseSslMutual: isMutual,
    grpcServerCert: own!.certificateFile,
    grpcServerKey: own!.keyFile,
    grpcRootCert: isMutual ? own!.certificateFile : undefined,
  });

  async function withServer<T>(isMutual: boolean, run: (port: number) => Promise<T>): Promise<T> {
    const tls = readTlsIdentity(options(isMutual));
    const frontEnd = createGrpcWireFrontEnd({ address: '127.0.0.1', port: 0, tls }, sourceOf(new FakeModel()));
    const port = await frontEnd.start();
    try {
      return await run(port);
    } finally {
      await frontEnd.close(AbortSignal.abort());
    }
  }

  /** `OK`, or the status of the failure. */
  async function askLive(port: number, client?: { certificateFile: string; keyFile: string }): Promise<string> {
    const root = await readFile(own!.certificateFile);
    const key = client && (await readFile(client.keyFile));
    const chain = client && (await readFile(client.certificateFile));
    const channel = new Client(`localhost:${port}`, credentials.createSsl(root, key ?? null, chain ?? null));
    const same = (bytes: Buffer): Buffer => bytes;
    const deadline = Date.now() + 5000;
    const failure = await new Promise<ServiceError | null>((resolve) => {
      channel.makeUnaryRequest(grpcMethodPath('ServerLive'), same, same, Buffer.alloc(0), { deadline }, (error) =>
        resolve(error),
      );
    });
    channel.close();
    return failure === null ? 'OK' : String(failure.code);
  }

  it('answers clients that trust its certificate', async () => {
    expect(await withServer(false, (port) => askLive(port))).toBe('OK');
  });

  it('answers with mutual TLS only clients whose certificate the root has signed', async () => {
    const answers = await withServer(true, async (port) => [
      await askLive(port, own!),
      await askLive(port, other!),
      await askLive(port),
    ]);
    expect(answers).toEqual(['OK', '14', '14']);
  });

  it('closes on clients without TLS and on those that do not ask for HTTP/2', async () => {
    await withServer(false, async (port) => {
      const plain = connect(port, '127.0.0.1');
      plain.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
      plain.on('error', () => undefined).resume();
      await new Promise((resolve) => plain.once('close', resolve));
      const silent = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false });
      silent.on('error', () => undefined).resume();
      await new Promise((resolve) => silent.once('close', resolve));
    });
  });

  it('refuses a key that belongs to another certificate', () => {
    const problems = problemsOf(() => readTlsIdentity({ ...options(false), grpcServerKey: other!.keyFile }));
    expect(problems).toEqual([
      `--grpc-server-key ${other!.keyFile}: does not belong to the certificate in ${own!.certificateFile}`,
    ]);
  });
});
