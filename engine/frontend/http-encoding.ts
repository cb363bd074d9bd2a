/** Which content encoding an HTTP answer gets. Pure. */
import type { MessageEncoding } from './grpc-wire/message-encoding.js';

/**
 * The encoding that an `Accept-Encoding` such as `gzip;q=0.8, deflate` likes best among gzip and deflate; of equals the
 * first. Identity where it names neither, likes identity better, or is absent.
 */
export function chooseContentEncoding(accepted: string | undefined): MessageEncoding {
  let best: MessageEncoding = 'identity';
  let bestWeight = 0;
  for (const part of (accepted ?? '').toLowerCase().split(',')) {
    const [, name, weight = '1'] = /^\s*([\w*-]+)\s*(?:;\s*q\s*=\s*(\d(?:\.\d*)?))?\s*$/.exec(part) ?? [];
    if ((name !== 'gzip' && name !== 'deflate' && name !== 'identity') || Number(weight) <= bestWeight) continue;
    best = name;
    bestWeight = Number(weight);
  }
  return best;
}
