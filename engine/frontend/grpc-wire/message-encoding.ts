/** How messages are compressed, and which way answers take for a client. Names and levels as gRPC has them. */

export type MessageEncoding = 'identity' | 'gzip' | 'deflate';

export type CompressionLevel = 'none' | 'low' | 'medium' | 'high';

/**
 * What answers may be compressed as at a level, best first. gRPC's core knows no strengths: it ranks the encodings that
 * both sides have (gzip below deflate) and takes the lowest, the middle or the highest of them.
 */
export const encodingsOfLevel: Readonly<Record<CompressionLevel, readonly MessageEncoding[]>> = {
  none: [],
  low: ['gzip', 'deflate'],
  medium: ['deflate', 'gzip'],
  high: ['deflate', 'gzip'],
};

/** The first of `offered` that a `grpc-accept-encoding` such as `identity,deflate,gzip` names; identity if none is. */
export function chooseEncoding(offered: readonly MessageEncoding[], accepted: string | undefined): MessageEncoding {
  if (offered.length === 0 || accepted === undefined) return 'identity';
  const names = accepted.split(',').map((name) => name.trim());
  return offered.find((encoding) => names.includes(encoding)) ?? 'identity';
}
