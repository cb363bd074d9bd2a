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

const tokens = /"[^"\\]*(?:\\.[^"\\]*)*"|-?Inf(?:inity)?|-?NaN|-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?/gs;
const longInteger = /^-?\d{16,}$/;

function keepExactly(token: string): string {
  if (longInteger.test(token)) return `{"exactNumber":"${token}"}`;
  if (token.endsWith('NaN')) return '{"exactNumber":"NaN"}';
  const special = /^(-?)Inf/.exec(token);
  return special === null ? token : `{"exactNumber":"${special[1]}Infinity"}`;
}

/**
 * Parses a document; throws ProtocolError with the position of the fault. `what` it is of is for that message. Long
 * integers are kept where the document names a type that has them, or `keepsIntegers` says so.
 */
export function parseJson(text: string, what: 'request' | 'response', keepsIntegers = false): unknown {
  // Rewriting costs as much as parsing, so it is done only where the plain parser would lose or refuse something.
  const hasLongIntegers = (keepsIntegers || text.includes('INT64')) && /\d{16}/.test(text);
  if (!hasLongIntegers) {
    try {
      return JSON.parse(text);
    } catch (cause) {
      if (!/NaN|Inf/.test(text)) throw unparsable(what, cause);
    }
  }
  try {
    return JSON.parse(text.replace(tokens, keepExactly));
  } catch (cause) {
    throw unparsable(what, cause);
  }
}

const unparsable = (what: string, cause: unknown): ProtocolError =>
  new ProtocolError(`failed to parse the ${what} JSON buffer: ${messageOf(cause)}`, 'INTERNAL');

/** The number as it was written, if `value` is one that JavaScript could not have held. */
export function exactNumberOf(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null || !('exactNumber' in value)) return undefined;
  const { exactNumber } = value;
  return typeof exactNumber === 'string' && /^(-?\d+|NaN|-?Infinity)$/.test(exactNumber) ? exactNumber : undefined;
}
