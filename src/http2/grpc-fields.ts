/** The values of gRPC's header fields over HTTP/2: deadlines and status messages. */
import { Buffer } from 'node:buffer';

const unitsInMillis: Readonly<Record<string, number>> = {
  H: 3_600_000,
  M: 60_000,
  S: 1000,
  m: 1,
  u: 1e-3,
  n: 1e-6,
};

/** Milliseconds of a `grpc-timeout` such as `250m`, or undefined when it is malformed. */
export function parseTimeoutMs(text: string): number | undefined {
  const match = /^(\d{1,8})([HMSmun])$/.exec(text);
  return match === null ? undefined : Number(match[1]) * unitsInMillis[match[2]!]!;
}

/** A `grpc-timeout` that is never shorter than `timeoutMs`. */
export function formatTimeout(timeoutMs: number): string {
  const micros = Math.ceil(timeoutMs * 1000);
  if (micros < 1e8) return `${micros}u`;
  const millis = Math.ceil(timeoutMs);
  return millis < 1e8 ? `${millis}m` : `${Math.min(Math.ceil(timeoutMs / 1000), 99_999_999)}S`;
}

/** `grpc-message` on the wire: UTF-8, with a percent escape for whatever is not printable ASCII, and for the percent sign. */
export function encodeStatusMessage(text: string): string {
  let encoded = '';
  for (const byte of Buffer.from(text, 'utf8')) {
    const isPlain = byte >= 0x20 && byte <= 0x7e && byte !== 0x25;
    encoded += isPlain ? String.fromCharCode(byte) : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return encoded;
}

/** Reads what `encodeStatusMessage` writes; a malformed escape is kept as it is. */
export function decodeStatusMessage(encoded: string): string {
  const bytes: number[] = [];
  for (let at = 0; at < encoded.length; at++) {
    const hex = /^%[0-9a-fA-F]{2}$/.test(encoded.slice(at, at + 3)) ? encoded.slice(at + 1, at + 3) : undefined;
    bytes.push(hex === undefined ? encoded.charCodeAt(at) : Number.parseInt(hex, 16));
    if (hex !== undefined) at += 2;
  }
  return Buffer.from(bytes).toString('utf8');
}
