/** A server that does with each connection what a test's script says, and answers nothing by itself. */
import { Buffer } from 'node:buffer';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { FrameReader, type FrameSink } from '../../src/http2/frame-reader.js';
import { encodeFrame, encodeSettings, encodeSettingsAck, encodeWindowUpdate } from '../../src/http2/frame-writer.js';
import { HpackDecoder } from '../../src/http2/hpack-decoder.js';
import { encodeHeaderBlock } from '../../src/http2/hpack-encoder.js';
import { CLIENT_PREFACE, frameFlags, frameTypes } from '../../src/http2/protocol-constants.js';
import { encodeInferResponse } from '../../src/kserve/infer-codec.js';

export interface ClientFrame {
  readonly type: number;
  readonly flags: number;
  readonly streamId: number;
  readonly payload: Buffer;
}

/** What a script is given. */
export interface RawPeer {
  readonly socket: Socket;
  readonly frames: readonly ClientFrame[];
  /** Number of this connection, from 1. */
  readonly number: number;
  send(...parts: readonly Uint8Array[]): void;
}

/** Called for each frame of the client, and once with undefined when it has connected. */
export type Script = (peer: RawPeer, frame: ClientFrame | undefined) => void;

export interface RawServer {
  readonly endpoint: string;
  readonly peers: readonly RawPeer[];
  close(): Promise<void>;
}

class Peer implements RawPeer, FrameSink {
  readonly frames: ClientFrame[] = [];
  readonly socket: Socket;
  readonly number: number;
  readonly #script: Script;
  #parts: Buffer[] = [];

  constructor(socket: Socket, number: number, script: Script) {
    this.socket = socket;
    this.number = number;
    this.#script = script;
    const reader = new FrameReader(this, { maxFrameBytes: 2 ** 24, maxControlFrameBytes: 2 ** 24 });
    let prefaceLeft = CLIENT_PREFACE.length;
    socket.on('error', () => {});
    socket.on('data', (bytes: Buffer) => {
      const skipped = Math.min(prefaceLeft, bytes.length);
      prefaceLeft -= skipped;
      if (bytes.length > skipped) reader.read(bytes, skipped, bytes.length);
    });
    script(this, undefined);
  }

  send(...parts: readonly Uint8Array[]): void {
    if (!this.socket.destroyed) this.socket.write(Buffer.concat(parts));
  }

  onFrame(type: number, flags: number, streamId: number, bytes: Buffer, start: number, end: number): void {
    const frame = { type, flags, streamId, payload: Buffer.copyBytesFrom(bytes, start, end - start) };
    this.frames.push(frame);
    this.#script(this, frame);
  }

  onDataPart(flags: number, streamId: number, bytes: Buffer, start: number, end: number, isLast: boolean): void {
    this.#parts.push(Buffer.copyBytesFrom(bytes, start, end - start));
    if (!isLast) return;
    const payload = Buffer.concat(this.#parts);
    this.#parts = [];
    this.onFrame(frameTypes.DATA, flags, streamId, payload, 0, payload.length);
  }
}

export async function startRawServer(script: Script, port = 0): Promise<RawServer> {
  const peers: Peer[] = [];
  const server = createServer((socket) => {
    peers.push(new Peer(socket, peers.length + 1, script));
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    endpoint: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    peers,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const { socket } of peers) socket.destroy();
      await closed;
    },
  };
}

/** SETTINGS of the server, and a wide window for the connection. */
export const greeting = (settings: readonly (readonly [number, number])[] = []): Buffer =>
  Buffer.concat([encodeSettings(settings), encodeSettingsAck(), encodeWindowUpdate(0, 2 ** 30)]);

export const block = (fields: Readonly<Record<string, string>>): Buffer =>
  encodeHeaderBlock(Object.entries(fields).map(([name, value]) => ({ name, value })));

export const headOf = (streamId: number, fields: Readonly<Record<string, string>> = {}): Buffer =>
  encodeFrame(
    frameTypes.HEADERS,
    frameFlags.END_HEADERS,
    streamId,
    block({ ':status': '200', 'content-type': 'application/grpc', ...fields }),
  );

export const trailersOf = (
  streamId: number,
  fields: Readonly<Record<string, string>> = { 'grpc-status': '0' },
): Buffer => encodeFrame(frameTypes.HEADERS, frameFlags.END_HEADERS | frameFlags.END_STREAM, streamId, block(fields));

/** A small ModelInferResponse. */
export const sampleResponse: Buffer = Buffer.from(
  encodeInferResponse({
    modelName: 'echo',
    modelVersion: '1',
    id: '',
    outputs: [{ name: 'OUT', dataType: 'FP32', shape: [2], bytes: new Uint8Array(8) }],
  }),
);

/** A message with gRPC's prefix. */
export function prefixed(message: Uint8Array, flag = 0): Buffer {
  const prefix = Buffer.from([flag, 0, 0, 0, 0]);
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}

export const dataOf = (streamId: number, payload: Uint8Array, flags = 0): Buffer =>
  encodeFrame(frameTypes.DATA, flags, streamId, payload);

/** An answer as most servers send it. */
export const wholeAnswer = (streamId: number, message: Uint8Array = sampleResponse): Buffer =>
  Buffer.concat([headOf(streamId), dataOf(streamId, prefixed(message)), trailersOf(streamId)]);

export const endsRequest = (frame: ClientFrame | undefined): frame is ClientFrame =>
  frame?.type === frameTypes.DATA && (frame.flags & frameFlags.END_STREAM) !== 0;

/** Greets, and has `answer` write the answer to each whole request. */
export const answering =
  (
    answer: (streamId: number, peer: RawPeer) => Buffer,
    settings: readonly (readonly [number, number])[] = [],
  ): Script =>
  (peer, frame) => {
    if (frame === undefined) peer.send(greeting(settings));
    else if (endsRequest(frame)) peer.send(answer(frame.streamId, peer));
  };

/** The fields of every request on a connection, by stream; the table is as large as the protocol's default unless told. */
export function requestFieldsOf(peer: RawPeer, tableBytes = 4096): ReadonlyMap<number, ReadonlyMap<string, string>> {
  const decoder = new HpackDecoder({ tableBytes, listBytes: 2 ** 20 });
  const all = new Map<number, ReadonlyMap<string, string>>();
  let parts: Buffer[] = [];
  for (const { type, flags, streamId, payload } of peer.frames) {
    if (type !== frameTypes.HEADERS && type !== frameTypes.CONTINUATION) continue;
    parts.push(payload);
    if ((flags & frameFlags.END_HEADERS) === 0) continue;
    const whole = Buffer.concat(parts);
    parts = [];
    const { fields } = decoder.decode(whole, 0, whole.length);
    all.set(streamId, new Map(fields.map(({ name, value }) => [name, value])));
  }
  return all;
}
