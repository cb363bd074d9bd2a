/**
 * JSON as inference clients and servers write it: 64-bit integers in full, and NaN and Infinity, which strict JSON
 * lacks but Python's encoder and Triton use. What a JavaScript number cannot hold is kept as an `ExactNumber`.
 */
import { messageOf } from '../common/errors.js';
import { ProtocolError } from './protocol-error.js';

/** A number kept as it was written. */
export interface ExactNumber {
  readonly exactNumber: string;
}

const tokens = /"[^"\\]*(?:\\.[^"\\]*)*"|-?Infinity|NaN|-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?/gs;
const longInteger = /^-?\d{16,}$/;

const keepExactly = (token: string): string =>
  longInteger.test(token) || token.endsWith('Infinity') || token === 'NaN' ? `{"exactNumber":"${token}"}` : token;

/** Parses a document; throws ProtocolError with the position of the fault. */
export function parseJson(text: string): unknown {
  // Rewriting costs as much as parsing, so it is done only where the plain parser would lose or refuse something.
  const hasLongIntegers = text.includes('INT64') && /\d{16}/.test(text);
  if (!hasLongIntegers) {
    try {
      return JSON.parse(text);
    } catch (cause) {
      if (!/NaN|Infinity/.test(text)) throw new ProtocolError(`failed to parse JSON: ${messageOf(cause)}`);
    }
  }
  try {
    return JSON.parse(text.replace(tokens, keepExactly));
  } catch (cause) {
    throw new ProtocolError(`failed to parse JSON: ${messageOf(cause)}`);
  }
}

/** The number as it was written, if `value` is one that JavaScript could not have held. */
export function exactNumberOf(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null || !('exactNumber' in value)) return undefined;
  return typeof value.exactNumber === 'string' ? value.exactNumber : undefined;
}
