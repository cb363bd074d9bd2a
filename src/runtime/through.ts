/** Passes pieces through a transforming stream, with the faults of both sides told to the reader. */
import { type Duplex, pipeline, Readable } from 'node:stream';

export function through(pieces: AsyncIterable<Uint8Array>, transform: Duplex): AsyncIterable<Uint8Array> {
  // The pipeline hands a fault of the source to the transform, where whoever reads it meets it.
  pipeline(Readable.from(pieces, { objectMode: false }), transform, () => undefined);
  return transform;
}
