/** Bytes that can be read from any place, whether they lie in a file or behind a server that answers ranges. */
import { type FileHandle, open } from 'node:fs/promises';

export interface ByteSource {
  /** For messages: a file name, never an address with credentials. */
  readonly name: string;
  /** Tells this content from another of the same name, so that a part fetched earlier can be continued. */
  readonly identity: string;
  readonly sizeBytes: number;
  /** True where reading costs a transfer that is worth keeping when it is cut short. */
  readonly isRemote: boolean;
  /** `length` bytes from `offset`, in pieces. Throws when fewer can be had. */
  read(offset: number, length: number): AsyncIterable<Uint8Array>;
  close(): Promise<void>;
  /** Removes what was fetched for it, which otherwise waits for a later run. */
  forget?(): Promise<void>;
}

/** All of a short piece at once. */
export async function readPiece(source: ByteSource, offset: number, length: number): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of source.read(offset, length)) pieces.push(piece);
  return Buffer.concat(pieces);
}

/** A file on disk. Throws the system's error when it cannot be opened. */
export async function openFileSource(path: string, name: string): Promise<ByteSource> {
  const file = await open(path, 'r');
  const { size } = await file.stat();
  return {
    name,
    identity: path,
    sizeBytes: size,
    isRemote: false,
    read: (offset, length) => readPieces(file, path, offset, length),
    close: () => file.close(),
  };
}

const PIECE_BYTES = 1 << 18;

async function* readPieces(file: FileHandle, path: string, offset: number, length: number): AsyncGenerator<Uint8Array> {
  for (let done = 0; done < length; ) {
    const piece = Buffer.allocUnsafe(Math.min(PIECE_BYTES, length - done));
    const { bytesRead } = await file.read(piece, 0, piece.length, offset + done);
    if (bytesRead === 0) throw new Error(`${path} ends before byte ${offset + length}`);
    done += bytesRead;
    yield piece.subarray(0, bytesRead);
  }
}
