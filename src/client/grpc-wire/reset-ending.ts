/** What RST_STREAM means for a call. */
import { errorCodes } from '../../http2/protocol-constants.js';
import { type Ending, failedWith } from './ending.js';

/** gRPC's own names for the codes that have one. */
const statusNames: Readonly<Record<number, string>> = {
  [errorCodes.REFUSED_STREAM]: 'UNAVAILABLE',
  [errorCodes.CANCEL]: 'CANCELLED',
  [errorCodes.ENHANCE_YOUR_CALM]: 'RESOURCE_EXHAUSTED',
};

const endings = new Map<number, Ending>();

/** The ending for a stream that the server reset with `code`. */
export function endingOfReset(code: number): Ending {
  const known = endings.get(code);
  if (known !== undefined) return known;
  const name = Object.entries(errorCodes).find(([, number]) => number === code)?.[0];
  const ending = failedWith(statusNames[code] ?? 'INTERNAL', `the server reset the stream (${name ?? 'unknown code'})`);
  // A hostile server may send any number.
  if (name !== undefined) endings.set(code, ending);
  return ending;
}
