/** A client that sends whatever frames a test likes and keeps every frame it gets. Grants nothing by itself. */
import { Buffer } from 'node:buffer';
import { connect, type Socket } from 'node:net';
import { FrameReader, type FrameSink } from '../../src/http2/frame-reader.js';
import { encodeFrame, encodeSettings, encodeSettingsAck, encodeWindowUpdate } from '../../src/http2/frame-writer.js';
import { decodeStatusMessage } from '../../src/http2/grpc-fields.js';
import { HpackDecoder } from '../../src/http2/hpack-decoder.js';
import { encodeHeaderBlock } from '../../src/http2/hpack-encoder.js';
import { CLIENT_PREFACE, frameFlags, frameTypes } from '../../src/http2/protocol-constants.js';

export interface ReceivedFrame {
  readonly type: number;
  readonly flags: number;
  readonly streamId: number;
  readonly payload: Buffer;
}

/** The whole answer on a stream. */
export interface ReceivedAnswer {
  readonly fields: Readonly<Record<string, string>>;
  readonly grpcStatus: number;
  readonly grpcMessage: string;
  readonly messages: readonly Buffer[];
}

/** The fields of a gRPC request; `change` replaces values, and undefined leaves a field out. */
export function requestBlock(path: string, change: Readonly<Record<string, string | undefined>> = {}): Buffer {
  const fields: Record<string, string | undefined> = {
    ':method': 'POST',
    ':scheme': 'http',
    ':path': path,
    ':authority': 'test',
    'content-type': 'application/grpc',
    te: 'trailers',
    ...change,
  };
  return encodeHeaderBlock(
    Object.entries(fields).flatMap(([name, value]) => (value === undefined ? [] : [{ name, value }])),
  );
}

/** A message with gRPC's prefix. */
export function prefixed(message: Uint8Array, flag = 0): Buffer {
  const bytes = Buffer.alloc(5 + message.length, flag);
  bytes.writeUInt32BE(message.length, 1);
  bytes.set(message, 5);
  return bytes;
}

export const headers = (streamId: number, block: Uint8Array, flags: number = frameFlags.END_HEADERS): Buffer =>
  encodeFrame(frameTypes.HEADERS, flags, streamId, block);

export const data = (streamId: number, payload: Uint8Array, flags = 0): Buffer =>
  encodeFrame(frameTypes.DATA, flags, streamId, payload);

/** HEADERS and one DATA frame that ends the request. */
export const wholeRequest = (streamId: number, path: string, message: Uint8Array): Buffer =>
  Buffer.concat([headers(streamId, requestBlock(path)), data(streamId, prefixed(message), frameFlags.END_STREAM)]);

/** Preface, SETTINGS and a window for the connection that no test uses up. */
export const opening = (settings: readonly (readonly [number, number])[] = []): Buffer =>
  Buffer.concat([CLIENT_PREFACE, encodeSettings(settings), encodeWindowUpdate(0, 2 ** 30)]);

export class WireConnection implements FrameSink {
  readonly frames: ReceivedFrame[] = [];
  readonly closed: Promise<void>;
  isClosed = false;
  readonly socket: Socket;
  private readonly decoder = new HpackDecoder({ tableBytes: 4096, listBytes: 65_536 });
  private readonly reader = new FrameReader(this, { maxFrameBytes: 2 ** 24, maxControlFrameBytes: 2 ** 20 });
  private parts: Buffer[] = [];
  private readonly watchers = new Set<() => void>();

  constructor(port: number) {
    this.socket = connect(port, '127.0.0.1');
    this.socket.setNoDelay(true);
    this.socket.on('data', (bytes: Buffer) => {
      this.reader.read(bytes, 0, bytes.length);
      for (const watcher of this.watchers) watcher();
    });
    this.socket.on('error', () => undefined);
    this.closed = new Promise((resolve) => {
      this.socket.once('close', () => {
        this.isClosed = true;
        for (const watcher of this.watchers) watcher();
        resolve();
      });
    });
  }

  /** A connection that has exchanged SETTINGS. */
  static async open(port: number, settings: readonly (readonly [number, number])[] = []): Promise<WireConnection> {
    const connection = new WireConnection(port);
    connection.send(opening(settings));
    await connection.frame(({ type, flags }) => type === frameTypes.SETTINGS && flags === 0);
    connection.send(encodeSettingsAck());
    return connection;
  }

  send(...frames: readonly Uint8Array[]): void {
    this.socket.write(Buffer.concat(frames));
  }

  onFrame(type: number, flags: number, streamId: number, bytes: Buffer, start: number, end: number): void {
    this.frames.push({ type, flags, streamId, payload: Buffer.copyBytesFrom(bytes, start, end - start) });
  }

  onDataPart(flags: number, streamId: number, bytes: Buffer, start: number, end: number, isLast: boolean): void {
    this.parts.push(Buffer.copyBytesFrom(bytes, start, end - start));
    if (!isLast) return;
    this.frames.push({ type: frameTypes.DATA, flags, streamId, payload: Buffer.concat(this.parts) });
    this.parts = [];
  }

  /** Resolves with the first frame, past or future, that `isWanted`; rejects when the connection ends without one. */
  frame(isWanted: (frame: ReceivedFrame) => boolean): Promise<ReceivedFrame> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        const found = this.frames.find(isWanted);
        if (found === undefined && !this.isClosed) return;
        this.watchers.delete(look);
        if (found !== undefined) resolve(found);
        else reject(new Error('the connection ended without the frame'));
      };
      this.watchers.add(look);
      look();
    });
  }

  frameOn(streamId: number, type: number): Promise<ReceivedFrame> {
    return this.frame((frame) => frame.streamId === streamId && frame.type === type);
  }

  /** Resolves once the connection has sent GOAWAY with an error and closed; gives the error's code and text. */
  async goAway(): Promise<{ readonly code: number; readonly text: string }> {
    const { payload } = await this.frame(
      ({ type, payload }) => type === frameTypes.GOAWAY && payload.readUInt32BE(4) > 0,
    );
    await this.closed;
    return { code: payload.readUInt32BE(4), text: payload.toString('utf8', 8) };
  }

  /** Code of the RST_STREAM on a stream. */
  async resetOf(streamId: number): Promise<number> {
    return (await this.frameOn(streamId, frameTypes.RST_STREAM)).payload.readUInt32BE(0);
  }

  /** Resolves once the stream's answer has ended. Decodes each header block of the connection at most once, in order. */
  async answer(streamId: number): Promise<ReceivedAnswer> {
    const isEnd = ({ flags }: ReceivedFrame): boolean => (flags & frameFlags.END_STREAM) !== 0;
    await this.frame((frame) => frame.streamId === streamId && frame.type <= frameTypes.HEADERS && isEnd(frame));
    const own = this.frames.filter((frame) => frame.streamId === streamId);
    const fields: Record<string, string> = {};
    for (const { payload } of own.filter(({ type }) => type === frameTypes.HEADERS)) {
      for (const { name, value } of this.decoder.decode(payload, 0, payload.length).fields) fields[name] = value;
    }
    const body = Buffer.concat(own.filter(({ type }) => type === frameTypes.DATA).map(({ payload }) => payload));
    return {
      fields,
      grpcStatus: Number(fields['grpc-status']),
      grpcMessage: decodeStatusMessage(fields['grpc-message'] ?? ''),
      messages: splitMessages(body),
    };
  }
}

function splitMessages(body: Buffer): Buffer[] {
  const messages: Buffer[] = [];
  for (let at = 0; at < body.length; ) {
    const end = at + 5 + body.readUInt32BE(at + 1);
    if (body[at] !== 0 || end > body.length) throw new Error('malformed message in an answer');
    messages.push(body.subarray(at + 5, end));
    at = end;
  }
  return messages;
}
