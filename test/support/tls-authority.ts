/** A certificate authority made by openssl for one test, and what it signs; undefined where there is no openssl. */
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer, type TlsOptions } from 'node:tls';

export interface TlsAuthority {
  readonly rootFile: string;
  /** Files by name, in PEM: `server`, `client`, `elsewhere` (another host) and `expired`. */
  certificate(name: string): string;
  key(name: string): string;
  /** The same in DER, and a key of the old form that openssl writes by itself. */
  readonly clientDer: { readonly certificate: string; readonly key: string };
  remove(): void;
}

export function makeTlsAuthority(): TlsAuthority | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'perf-ts-test-'));
  const at = (name: string): string => join(folder, name);
  const openssl = (...words: string[]): boolean => spawnSync('openssl', words, { cwd: folder }).status === 0;
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  const sign = (name: string, subject: string, ...more: string[]): boolean => {
    writeFileSync(at(`${name}.ext`), `subjectAltName=${subject}\n`);
    return (
      openssl('req', ...newKey, '-keyout', `${name}.key`, '-subj', `/CN=${name}`, '-out', `${name}.csr`) &&
      openssl(
        'x509',
        '-req',
        '-in',
        `${name}.csr`,
        '-CA',
        'ca.pem',
        '-CAkey',
        'ca.key',
        '-CAcreateserial',
        '-extfile',
        `${name}.ext`,
        '-out',
        `${name}.pem`,
        ...(more.length > 0 ? more : ['-days', '2']),
      )
    );
  };
  const isMade =
    openssl(
      'req',
      '-x509',
      ...newKey,
      '-keyout',
      'ca.key',
      '-subj',
      '/CN=test authority',
      '-days',
      '2',
      '-out',
      'ca.pem',
    ) &&
    sign('server', 'DNS:localhost,IP:127.0.0.1') &&
    sign('client', 'DNS:client') &&
    sign('elsewhere', 'DNS:elsewhere.example') &&
    sign('expired', 'DNS:localhost,IP:127.0.0.1', '-days', '-1') &&
    openssl('x509', '-in', 'client.pem', '-outform', 'DER', '-out', 'client.cer') &&
    openssl('ec', '-in', 'client.key', '-outform', 'DER', '-out', 'client.key.der');
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  if (!isMade) {
    remove();
    return undefined;
  }
  return {
    rootFile: at('ca.pem'),
    certificate: (name) => at(`${name}.pem`),
    key: (name) => at(`${name}.key`),
    clientDer: { certificate: at('client.cer'), key: at('client.key.der') },
    remove,
  };
}

/** Takes TLS connections and passes their bytes to the plain server at `endpoint`. */
export async function startTlsFront(
  endpoint: string,
  authority: TlsAuthority,
  options: { readonly name?: string; readonly wantsClient?: boolean; readonly protocols: readonly string[] },
): Promise<{ readonly endpoint: string; close(): Promise<void> }> {
  const { name = 'server', wantsClient = false, protocols } = options;
  const settings: TlsOptions = {
    cert: readFileSync(authority.certificate(name)),
    key: readFileSync(authority.key(name)),
    ca: readFileSync(authority.rootFile),
    requestCert: wantsClient,
    rejectUnauthorized: wantsClient,
    ALPNProtocols: [...protocols],
  };
  const sockets = new Set<{ destroy(): unknown }>();
  const server = createServer(settings, (secure) => {
    const [host, port] = endpoint.split(':');
    const plain = connect({ host, port: Number(port) });
    for (const socket of [secure, plain]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
    }
    secure.pipe(plain).pipe(secure);
    secure.on('close', () => plain.destroy());
    plain.on('close', () => secure.destroy());
  });
  server.on('tlsClientError', () => undefined);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    endpoint: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
