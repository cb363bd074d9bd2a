/**
 * The certificates and keys of a client, read and checked before anything connects, and the faults of a TLS connection
 * in words for people.
 */
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { messageOf, PerfTsError, type Problem, systemCodeOf } from '../common/errors.js';
import type { TlsFileForm, TlsOptions } from './infer-client.js';

/** PEM contents, and what is verified. */
export interface TlsMaterial {
  readonly roots?: Buffer;
  readonly certificateChain?: Buffer;
  readonly privateKey?: Buffer;
  readonly verifiesPeer: boolean;
  readonly verifiesHost: boolean;
}

/** Throws PerfTsError BAD_FILE with every file that is unreadable, no certificate or key, out of date or of another pair. */
export function readTlsFiles(tls: TlsOptions): TlsMaterial {
  const problems: Problem[] = [];
  const roots = read(tls.rootCertificatesFile, problems, (bytes, file) => pemCertificates(bytes, 'PEM', file));
  const certificate = read(tls.certificateChainFile, problems, (bytes, file) =>
    checkedDates(pemCertificates(bytes, tls.certificateForm ?? 'PEM', file)),
  );
  const key = read(tls.privateKeyFile, problems, (bytes) => privateKey(bytes, tls.privateKeyForm ?? 'PEM'));
  const where = tls.certificateChainFile ?? tls.privateKeyFile;
  const isHalf = (tls.certificateChainFile === undefined) !== (tls.privateKeyFile === undefined);
  if (problems.length === 0 && isHalf && where !== undefined) {
    problems.push({ where, what: 'a client certificate and its private key belong together, and only one was given' });
  }
  if (certificate !== undefined && key !== undefined && !new X509Certificate(certificate).checkPrivateKey(key)) {
    problems.push({
      where: tls.privateKeyFile!,
      what: `is not the key of the certificate ${tls.certificateChainFile}`,
    });
  }
  if (problems.length > 0) throw new PerfTsError('BAD_FILE', problems);
  const pem = key?.export({ type: 'pkcs8', format: 'pem' });
  return {
    ...(roots && { roots }),
    ...(certificate && { certificateChain: certificate }),
    ...(pem !== undefined && { privateKey: Buffer.from(pem) }),
    verifiesPeer: tls.verifiesPeer ?? true,
    verifiesHost: tls.verifiesHost ?? true,
  };
}

/** The part of node:tls's options that is decided here. */
export interface TlsConnectionOptions {
  readonly ca?: Buffer;
  readonly cert?: Buffer;
  readonly key?: Buffer;
  readonly rejectUnauthorized: boolean;
  readonly ALPNProtocols: string[];
  readonly servername?: string;
  readonly checkServerIdentity?: () => undefined;
}

/** For a server at `host`. Throws as `readTlsFiles`. */
export function tlsConnectionOptions(
  host: string,
  tls: TlsOptions,
  protocols: readonly string[],
): TlsConnectionOptions {
  const { roots, certificateChain, privateKey, verifiesPeer, verifiesHost } = readTlsFiles(tls);
  return {
    ...(roots && { ca: roots }),
    ...(certificateChain && { cert: certificateChain }),
    ...(privateKey && { key: privateKey }),
    rejectUnauthorized: verifiesPeer,
    ALPNProtocols: [...protocols],
    // An address cannot be named to a server; Node then checks the certificate against `host` itself.
    ...(isIP(host) === 0 ? { servername: host } : {}),
    ...(verifiesHost ? {} : { checkServerIdentity: () => undefined }),
  };
}

function read<T>(
  file: string | undefined,
  problems: Problem[],
  convert: (bytes: Buffer, file: string) => T,
): T | undefined {
  if (file === undefined) return undefined;
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch (cause) {
    problems.push({ where: file, what: `cannot be read: ${messageOf(cause)}` });
    return undefined;
  }
  try {
    return convert(bytes, file);
  } catch (cause) {
    problems.push({ where: file, what: messageOf(cause) });
    return undefined;
  }
}

/** The same certificates as PEM. */
function pemCertificates(bytes: Buffer, form: TlsFileForm, file: string): Buffer {
  const isText = bytes.includes('-----BEGIN');
  if (form === 'PEM' && !isText) throw new Error(otherForm('certificate', 'PEM', file));
  if (form === 'DER' && isText) throw new Error(otherForm('certificate', 'DER', file));
  try {
    const first = new X509Certificate(bytes);
    return form === 'PEM' ? bytes : Buffer.from(first.toString());
  } catch (cause) {
    throw new Error(`holds no ${form} certificate: ${messageOf(cause)}`);
  }
}

const otherForm = (what: string, form: TlsFileForm, file: string): string =>
  `is no ${form} ${what}${/\.(der|cer)$/i.test(file) || form === 'DER' ? `; say its type, ${form === 'PEM' ? 'DER' : 'PEM'}` : ''}`;

function checkedDates(pem: Buffer): Buffer {
  const { validFrom, validTo } = new X509Certificate(pem);
  if (Date.parse(validTo) < Date.now()) throw new Error(`expired on ${validTo}`);
  if (Date.parse(validFrom) > Date.now()) throw new Error(`is not valid before ${validFrom}`);
  return pem;
}

function privateKey(bytes: Buffer, form: TlsFileForm): KeyObject {
  if (form === 'PEM') return parsedKey(() => createPrivateKey(bytes), form);
  // The three forms in which a key without a header may come.
  for (const type of ['pkcs8', 'pkcs1', 'sec1'] as const) {
    try {
      return createPrivateKey({ key: bytes, format: 'der', type });
    } catch {
      // The next form.
    }
  }
  throw new Error('holds no private key in DER');
}

function parsedKey(parse: () => KeyObject, form: TlsFileForm): KeyObject {
  try {
    return parse();
  } catch (cause) {
    const isLocked = /passphrase|interrupted or cancelled|bad decrypt/i.test(messageOf(cause));
    if (isLocked) throw new Error('is a private key behind a passphrase, which perf-ts cannot ask for');
    throw new Error(`holds no private key in ${form}`);
  }
}

const faults: readonly [code: RegExp, text: string][] = [
  [/CERT_HAS_EXPIRED|certificate has expired|certificate expired/i, "the server's certificate has expired"],
  [/CERT_NOT_YET_VALID/, "the server's certificate is not valid yet"],
  [
    /SELF_SIGNED_CERT|UNABLE_TO_VERIFY_LEAF_SIGNATURE|UNABLE_TO_GET_ISSUER_CERT|self-signed certificate|unable to (?:verify|get (?:local )?issuer)/i,
    "the server's certificate is not signed by an authority that is trusted here; name its root certificate file",
  ],
  [/ERR_TLS_CERT_ALTNAME_INVALID|altnames/, "the server's certificate is for another host name"],
  [
    /CERTIFICATE_REQUIRED|certificate required|HANDSHAKE_FAILURE|handshake failure/i,
    'the server wants a client certificate',
  ],
  [/BAD_CERTIFICATE|UNKNOWN_CA|bad certificate|unknown ca/i, 'the server does not accept the client certificate'],
  [/WRONG_VERSION_NUMBER|wrong version number|packet length too long/i, 'the server does not speak TLS on this port'],
  [/no application protocol|NO_APPLICATION_PROTOCOL/i, 'the server speaks TLS but not this protocol'],
];

/** What is wrong with a TLS connection, or undefined where `thrown` is about something else. */
export function describeTlsFault(thrown: unknown): string | undefined {
  const text = `${systemCodeOf(thrown) ?? ''} ${messageOf(thrown)}`;
  return faults.find(([pattern]) => pattern.test(text))?.[1];
}
