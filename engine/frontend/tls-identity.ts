/** The server's certificate, its key, and whose clients it trusts: read from files and checked before anything listens. */
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { SecureVersion } from 'node:tls';
import { messageOf, PerfTsError, type Problem, systemCodeOf } from '../../src/common/errors.js';

/** Files by tritonserver's flags. */
export interface TlsOptions {
  readonly grpcUseSsl: boolean;
  readonly grpcUseSslMutual: boolean;
  readonly grpcServerCert: string | undefined;
  readonly grpcServerKey: string | undefined;
  readonly grpcRootCert: string | undefined;
}

/** PEM, as node:tls takes it. */
export interface TlsIdentity {
  readonly cert: string;
  readonly key: string;
  readonly ca?: string;
  /** Clients must show a certificate that `ca` has signed. */
  readonly requestCert: boolean;
  readonly rejectUnauthorized: boolean;
}

/** What gRPC asks of TLS: HTTP/2 by name, and no version that RFC 9113 forbids. */
export const tlsRules: { readonly ALPNProtocols: string[]; readonly minVersion: SecureVersion } = {
  ALPNProtocols: ['h2'],
  minVersion: 'TLSv1.2',
};

/** Flags that contradict each other or lack one another. */
export function findTlsProblems(options: TlsOptions): Problem[] {
  const { grpcServerCert, grpcServerKey, grpcRootCert } = options;
  const files = {
    'grpc-server-cert': grpcServerCert,
    'grpc-server-key': grpcServerKey,
    'grpc-root-cert': grpcRootCert,
  };
  const isOn = options.grpcUseSsl || options.grpcUseSslMutual;
  const needed = options.grpcUseSslMutual ? Object.keys(files) : isOn ? ['grpc-server-cert', 'grpc-server-key'] : [];
  const cause = options.grpcUseSslMutual ? '--grpc-use-ssl-mutual' : '--grpc-use-ssl';
  return Object.entries(files).flatMap(([flag, file]): Problem[] => {
    if (file === undefined && needed.includes(flag)) {
      return [{ where: `--${flag}`, what: `is required by ${cause}`, hint: 'give a PEM file' }];
    }
    if (file === undefined || isOn) return [];
    return [
      { where: `--${flag}`, what: 'would be ignored: gRPC listens without TLS', hint: 'add --grpc-use-ssl=true' },
    ];
  });
}

/**
 * Reads and checks the files; undefined where TLS is off. Throws PerfTsError BAD_FILE with the problems of all files.
 * `grpc-root-cert` counts for mutual TLS only: without it nobody's certificate is asked for.
 */
export function readTlsIdentity(options: TlsOptions): TlsIdentity | undefined {
  const { grpcUseSsl, grpcUseSslMutual: isMutual, grpcServerCert, grpcServerKey, grpcRootCert } = options;
  if (!grpcUseSsl && !isMutual) return undefined;
  const problems: Problem[] = [];
  const cert = readPem(problems, '--grpc-server-cert', grpcServerCert, parseCertificate);
  const key = readPem(problems, '--grpc-server-key', grpcServerKey, parseKey);
  const ca = isMutual ? readPem(problems, '--grpc-root-cert', grpcRootCert, parseCertificate) : undefined;
  if (cert !== undefined && key !== undefined && !cert.parsed.checkPrivateKey(key.parsed)) {
    problems.push({
      where: `--grpc-server-key ${grpcServerKey}`,
      what: `does not belong to the certificate in ${grpcServerCert}`,
      hint: 'give the key that the certificate was made with',
    });
  }
  if (problems.length > 0) throw new PerfTsError('BAD_FILE', problems);
  const trust = { requestCert: isMutual, rejectUnauthorized: isMutual };
  return { cert: cert!.text, key: key!.text, ...(ca === undefined ? {} : { ca: ca.text }), ...trust };
}

interface Pem<T> {
  readonly text: string;
  readonly parsed: T;
}

const parseCertificate = (text: string): X509Certificate => new X509Certificate(text);

function parseKey(text: string): KeyObject {
  try {
    return createPrivateKey(text);
  } catch (thrown) {
    if (systemCodeOf(thrown) !== 'ERR_MISSING_PASSPHRASE' && !/ENCRYPTED/.test(text)) throw thrown;
    throw new Error('the key is encrypted, and there is no flag for a passphrase');
  }
}

function readPem<T>(
  problems: Problem[],
  flag: string,
  file: string | undefined,
  parse: (text: string) => T,
): Pem<T> | undefined {
  const where = `${flag} ${file ?? ''}`.trim();
  try {
    if (file === undefined) throw new Error('no file was given');
    const text = readFileSync(file, 'utf8');
    return { text, parsed: parse(text) };
  } catch (thrown) {
    const isMissing = systemCodeOf(thrown) === 'ENOENT';
    const what = isMissing ? 'there is no such file' : `cannot be used: ${messageOf(thrown)}`;
    problems.push({ where, what, hint: 'give a PEM file, such as openssl writes' });
    return undefined;
  }
}
