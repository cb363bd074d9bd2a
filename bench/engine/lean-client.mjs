/**
 * A closed-loop gRPC client that costs little beside the servers it measures: frames made once, one write a read, no
 * object per request. It keeps to the server's windows and checks the size and the status of every answer.
 */
import { Buffer } from 'node:buffer';
import { Socket } from 'node:net';
import { copyBytes } from '../../dist/src/http2/copy-bytes.js';
import { FrameReader } from '../../dist/src/http2/frame-reader.js';
import {
  encodeFrame,
  encodePing,
  encodeSettings,
  encodeSettingsAck,
  encodeWindowUpdate,
  patchStreamId,
} from '../../dist/src/http2/frame-writer.js';
import { HeaderBlockCache } from '../../dist/src/http2/header-block-cache.js';
import { HpackDecoder } from '../../dist/src/http2/hpack-decoder.js';
import { encodeHeaderBlock } from '../../dist/src/http2/hpack-encoder.js';
import {
  CLIENT_PREFACE,
  DEFAULT_MAX_FRAME_BYTES,
  DEFAULT_WINDOW_BYTES,
  FRAME_HEADER_BYTES,
  frameFlags,
  frameTypes,
  settingIds,
} from '../../dist/src/http2/protocol-constants.js';

const WINDOW_BYTES = 2 ** 30;
const RECEIVE_BYTES = 65_536;

/** HEADERS and DATA of one request, where each frame lies, and what it takes of the window. */
function encodeRequest(path, message, port, frameBytes) {
  const fields = {
    ':method': 'POST',
    ':scheme': 'http',
    ':path': path,
    ':authority': `127.0.0.1:${port}`,
    'content-type': 'application/grpc',
    te: 'trailers',
  };
  const block = encodeHeaderBlock(Object.entries(fields).map(([name, value]) => ({ name, value })));
  const body = Buffer.alloc(5 + message.length);
  body.writeUInt32BE(message.length, 1);
  body.set(message, 5);
  const frames = [encodeFrame(frameTypes.HEADERS, frameFlags.END_HEADERS, 0, block)];
  for (let at = 0; at < body.length; at += frameBytes) {
    const part = body.subarray(at, at + frameBytes);
    const isLast = at + part.length === body.length;
    frames.push(encodeFrame(frameTypes.DATA, isLast ? frameFlags.END_STREAM : 0, 0, part));
  }
  let start = 0;
  const places = frames.map((frame, index) => {
    const place = {
      start,
      end: start + frame.length,
      windowBytes: index === 0 ? 0 : frame.length - FRAME_HEADER_BYTES,
    };
    start = place.end;
    return place;
  });
  return { bytes: Buffer.concat(frames), frames: places };
}

class Load {
  answers = 0;
  /** Nanoseconds of each exchange, kept only for one in flight. */
  latencies = [];
  sentAt = 0n;
  answerBytes = 0;
  isStopping = false;

  constructor(port, { path, message, inFlight, frameBytes = DEFAULT_MAX_FRAME_BYTES }) {
    this.request = encodeRequest(path, message, port, frameBytes);
    this.inFlight = inFlight;
    this.staging = Buffer.allocUnsafeSlow(Math.max(1 << 20, 2 * inFlight * this.request.bytes.length));
    this.staged = 0;
    this.window = DEFAULT_WINDOW_BYTES;
    this.credit = 0;
    this.streamId = 1;
    this.waiting = 0;
    this.open = 0;
    this.nextFrame = 0;
    // The server may not keep a table, so equal blocks mean the same.
    this.decoder = new HpackDecoder({ tableBytes: 0, listBytes: 65_536 });
    this.blocks = new HeaderBlockCache();
    this.reader = new FrameReader(this, { maxFrameBytes: 2 ** 24, maxControlFrameBytes: 2 ** 20 });
    const buffer = Buffer.allocUnsafeSlow(RECEIVE_BYTES);
    const onread = {
      buffer,
      callback: (count) => {
        this.reader.read(buffer, 0, count);
        this.send();
        return true;
      },
    };
    this.socket = new Socket({ onread });
    this.socket.setNoDelay(true);
    this.ended = new Promise((resolve, reject) => {
      this.socket.once('close', resolve);
      this.socket.once('error', reject);
    });
    this.socket.connect(port, '127.0.0.1', () => {
      const settings = [
        [settingIds.HEADER_TABLE_SIZE, 0],
        [settingIds.ENABLE_PUSH, 0],
        [settingIds.INITIAL_WINDOW_SIZE, WINDOW_BYTES],
      ];
      this.socket.write(CLIENT_PREFACE);
      this.socket.write(encodeSettings(settings));
      this.socket.write(encodeWindowUpdate(0, WINDOW_BYTES));
    });
  }

  onFrame(type, flags, streamId, bytes, start, end) {
    if (type === frameTypes.DATA) this.takeData(end - start);
    else if (type === frameTypes.HEADERS) {
      if ((flags & frameFlags.END_STREAM) !== 0) this.finish(bytes, start, end);
    } else if (type === frameTypes.SETTINGS) {
      if ((flags & frameFlags.ACK) !== 0) return;
      this.socket.write(encodeSettingsAck());
      if (this.streamId === 1) this.waiting = this.inFlight;
    } else if (type === frameTypes.WINDOW_UPDATE) {
      if (streamId === 0) this.window += bytes.readUInt32BE(start);
    } else if (type === frameTypes.PING) {
      if ((flags & frameFlags.ACK) === 0) this.socket.write(encodePing(bytes.subarray(start, end), true));
    } else if (type === frameTypes.RST_STREAM || type === frameTypes.GOAWAY) {
      this.socket.destroy(new Error(`the server gave up: frame of type ${type}`));
    }
  }

  onDataPart(_flags, _streamId, _bytes, start, end) {
    this.takeData(end - start);
  }

  takeData(count) {
    this.answerBytes += count;
    this.credit += count;
    if (this.credit < WINDOW_BYTES / 2) return;
    this.socket.write(encodeWindowUpdate(0, this.credit));
    this.credit = 0;
  }

  finish(bytes, start, end) {
    let isOk = this.blocks.find(bytes, start, end, 0);
    if (isOk === undefined) {
      const { fields } = this.decoder.decode(bytes, start, end);
      isOk = fields.some(({ name, value }) => name === 'grpc-status' && value === '0');
      this.blocks.remember(bytes, start, end, 0, isOk);
    }
    if (!isOk) this.socket.destroy(new Error('a call failed'));
    this.answers++;
    if (this.inFlight === 1) this.latencies.push(Number(process.hrtime.bigint() - this.sentAt));
    this.open--;
    if (!this.isStopping) this.waiting++;
    else if (this.open === 0) this.socket.end();
  }

  /** Sends what waits, frame by frame, as far as the connection's window goes. A stream's window takes a whole request. */
  send() {
    const { bytes, frames } = this.request;
    if (this.socket.writableLength > 0 && this.waiting > 0) {
      setImmediate(() => this.send());
      return;
    }
    while (this.waiting > 0 || this.nextFrame > 0) {
      const { start, end, windowBytes } = frames[this.nextFrame];
      if (windowBytes > this.window) break;
      copyBytes(bytes, start, end, this.staging, this.staged);
      patchStreamId(this.staging, this.staged, this.streamId);
      this.staged += end - start;
      this.window -= windowBytes;
      if (this.nextFrame === 0) this.beginRequest();
      this.nextFrame = (this.nextFrame + 1) % frames.length;
      if (this.nextFrame === 0) this.streamId += 2;
    }
    if (this.staged === 0) return;
    this.socket.write(this.staging.subarray(0, this.staged));
    this.staged = 0;
  }

  beginRequest() {
    if (this.inFlight === 1) this.sentAt = process.hrtime.bigint();
    this.waiting--;
    this.open++;
  }

  stop() {
    this.isStopping = true;
    this.waiting = 0;
  }
}

const delay = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * Keeps `inFlight` requests under way on one connection, in DATA frames of `frameBytes`. Returns answers per second after the warm-up, over `measureMs`.
 * `onMeasuring(isBegin)` is called at both ends of the measured time. For one in flight `p50Us` is the median exchange.
 * `answerBytes` undefined leaves the sizes unchecked.
 */
export async function runClosedLoop(port, options) {
  const { warmupMs, measureMs, answerBytes, onMeasuring = () => undefined } = options;
  const load = new Load(port, options);
  await Promise.race([delay(warmupMs), load.ended]);
  const before = load.answers;
  const beginNs = process.hrtime.bigint();
  await onMeasuring(true);
  await Promise.race([delay(measureMs), load.ended]);
  const count = load.answers - before;
  const seconds = Number(process.hrtime.bigint() - beginNs) / 1e9;
  await onMeasuring(false);
  load.stop();
  await load.ended;
  if (answerBytes !== undefined && load.answerBytes !== load.answers * (answerBytes + 5)) {
    throw new Error('an answer has the wrong size');
  }
  const latencies = load.latencies.slice(before).sort((a, b) => a - b);
  return { perSec: count / seconds, count, p50Us: latencies[Math.floor(latencies.length / 2)] / 1000 };
}
