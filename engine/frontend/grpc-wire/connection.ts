/**
 * One client's connection from its first byte to its end: puts the parts together, feeds them what arrives, stops
 * reading from a client that does not read, and closes. Whatever a peer sends, it ends at most this connection.
 */
import { Buffer } from 'node:buffer';
import type { Socket } from 'node:net';
import { systemClock } from '../../../src/common/clock.js';
import { FrameReader } from '../../../src/http2/frame-reader.js';
import {
  encodeGoAway,
  encodePing,
  encodeRstStream,
  encodeSettings,
  encodeWindowUpdate,
} from '../../../src/http2/frame-writer.js';
import { ConnectionError } from '../../../src/http2/http2-error.js';
import { CLIENT_PREFACE, type Http2ErrorName, MAX_31_BITS, settingIds } from '../../../src/http2/protocol-constants.js';
import type { Failure } from '../../../src/kserve/status.js';
import { AnswerSender } from './answer-sender.js';
import { type CallMeans, CallTable, type CallTableHost } from './call-table.js';
import { ConnectionAge } from './connection-age.js';
import { FrameRouter } from './frame-router.js';
import type { GrpcMethods } from './grpc-method.js';
import { Keepalive } from './keepalive.js';
import { ReadTarget } from './read-target.js';
import { ReceiveWindow } from './receive-window.js';
import { RequestHeads } from './request-heads.js';
import { takeSocket } from './socket-input.js';
import { type ChunkPool, SocketOutput } from './socket-output.js';
import type { WireLimits } from './wire-limits.js';

/** How long a peer may take to close after everything was sent to it, or to confirm that it saw the announced end. */
const LINGER_MS = 1000;
/** Marks the PING whose answer tells that the peer has seen the announcement of the end. */
const DRAIN_PING = Buffer.from('draining', 'latin1');
const TCP_KEEPALIVE_MS = 60_000;
const KEEPALIVE_PING = Buffer.from('are you?', 'latin1');
/** Control frames are small; only a header block may need more, and it can be continued. */
const MAX_CONTROL_FRAME_BYTES = 65_536;

/** What all connections of a front end share. */
export interface ConnectionContext extends CallMeans {
  readonly methods: GrpcMethods;
  readonly chunks: ChunkPool;
  /** False reads sockets the plain way, as on a Node without the faster one. */
  readonly reuseReceiveBuffer: boolean;
}

export class Connection implements CallTableHost {
  readonly isKept: CallTableHost['isKept'];
  private readonly socket: Socket;
  private readonly limits: WireLimits;
  private readonly output: SocketOutput;
  private readonly window: ReceiveWindow;
  private readonly sender: AnswerSender;
  private readonly calls: CallTable;
  private readonly router: FrameRouter;
  private readonly reader: FrameReader;
  /** Undefined until the first read is over. */
  private readonly target: ReadTarget | undefined;
  private readonly keepalive: Keepalive;
  private readonly age: ConnectionAge;
  /** What was read last, where each read has memory of its own. */
  private lastRead: Buffer | undefined;
  private prefaceSeen = 0;
  private isReadingPaused = false;
  private isDraining = false;
  /** Nothing that the peer sends counts any more. */
  private isEnded = false;
  private timer: NodeJS.Timeout | undefined;

  /** Takes over an accepted, paused socket. `onClosed` is called once, when nothing of the connection is left. */
  constructor(accepted: Socket, context: ConnectionContext, onClosed: (connection: Connection) => void) {
    const { limits } = context;
    this.limits = limits;
    this.isKept = context.reuseReceiveBuffer ? undefined : (bytes) => bytes === this.lastRead;
    this.socket = takeSocket(
      accepted,
      (bytes, count) => this.read(bytes, count),
      (shared) => this.target?.choose(shared) ?? shared,
      context.reuseReceiveBuffer,
    );
    this.output = new SocketOutput(this.socket, context.chunks, () => this.onProgress());
    this.window = new ReceiveWindow(this.output, limits.connectionWindowBytes);
    this.sender = new AnswerSender(this.output, limits.maxPendingWriteBytes, (call) => this.calls.finish(call));
    this.calls = new CallTable(this, this.sender, context);
    this.router = this.createRouter(context.methods);
    this.reader = new FrameReader(this.router, {
      maxFrameBytes: limits.maxFrameBytes,
      maxControlFrameBytes: MAX_CONTROL_FRAME_BYTES,
    });
    this.target = new ReadTarget(this.reader, this.calls, limits.smallestDirectReadBytes);
    this.keepalive = this.createKeepalive();
    this.age = new ConnectionAge(
      limits,
      () => this.drain(),
      () => this.destroy(),
    );
    this.socket.on('error', () => this.socket.destroy());
    this.socket.once('close', () => {
      this.close();
      onClosed(this);
    });
    this.socket.setNoDelay(true);
    // A peer that vanished without a word is found out by the system, also while no call is open.
    this.socket.setKeepAlive(true, TCP_KEEPALIVE_MS);
    this.startTimer(limits.handshakeMs, () => this.destroy());
    this.sendSettings();
    this.socket.resume();
  }

  /** Lets open calls end, refuses new ones once the peer knows, and then closes. */
  drain(): void {
    if (this.isDraining || this.isEnded) return;
    this.isDraining = true;
    if (this.prefaceSeen < CLIENT_PREFACE.length) {
      this.end();
      return;
    }
    // Calls that are already on their way shall not be lost, so the end is announced before it is fixed.
    this.output.write(encodeGoAway(MAX_31_BITS, 'NO_ERROR'));
    this.output.write(encodePing(DRAIN_PING, false));
    this.startTimer(LINGER_MS, () => this.refuseNewCalls());
  }

  /** Answers open calls with `failure` and closes. */
  giveUp(failure: Failure): void {
    if (this.isEnded) return;
    this.output.cork();
    this.output.write(encodeGoAway(this.router.lastStreamId, 'NO_ERROR'));
    this.calls.refuseAll(failure);
    this.output.uncork();
    this.end();
  }

  /** Cuts the connection off. */
  destroy(): void {
    this.socket.destroy();
  }

  credit(streamId: number, byteCount: number): void {
    if (streamId === 0) this.window.credit(byteCount);
    else {
      this.window.grantCount++;
      this.output.write(encodeWindowUpdate(streamId, byteCount));
    }
  }

  resetStream(streamId: number, code: Http2ErrorName): void {
    this.output.write(encodeRstStream(streamId, code));
  }

  isBackedUp(): boolean {
    const { maxPendingWriteBytes } = this.limits;
    return this.output.isFull(maxPendingWriteBytes) || this.sender.waitingBytes > maxPendingWriteBytes;
  }

  /** Refuses requests of which nothing came since the last call. */
  refuseStalled(): void {
    if (this.isEnded) return;
    this.output.cork();
    this.calls.refuseStalled();
    this.output.uncork();
  }

  onIdle(): void {
    if (this.router.acceptedUpTo < MAX_31_BITS) this.end();
  }

  private createKeepalive(): Keepalive {
    return new Keepalive(this.limits.keepalive, systemClock, {
      hasCalls: () => !this.calls.isIdle,
      sentCount: () => this.sender.sentCount + this.window.grantCount,
      sendPing: () => this.output.write(encodePing(KEEPALIVE_PING, false)),
      onLost: () => this.destroy(),
    });
  }

  private createRouter(methods: GrpcMethods): FrameRouter {
    return new FrameRouter({
      output: this.output,
      sender: this.sender,
      calls: this.calls,
      heads: new RequestHeads(methods, this.limits.maxHeaderListBytes),
      window: this.window,
      maxMessageBytes: this.limits.maxMessageBytes,
      onEstablished: () => this.stopTimer(),
      onPing: () => this.keepalive.onPing(),
      onPong: (opaque) => {
        if (this.isDraining && DRAIN_PING.equals(opaque)) this.refuseNewCalls();
      },
    });
  }

  private read(bytes: Buffer, count: number): void {
    if (this.isEnded) return;
    if (this.isKept !== undefined) this.lastRead = bytes;
    this.keepalive.onHeard();
    this.output.cork();
    try {
      this.reader.read(bytes, this.readPreface(bytes, count), count);
      this.router.openAwaited();
    } catch (thrown) {
      if (!(thrown instanceof ConnectionError)) throw thrown;
      this.endWith(thrown);
    }
    this.output.uncork();
    if (this.isEnded || !this.output.isFull(this.limits.maxPendingWriteBytes)) return;
    this.isReadingPaused = true;
    this.socket.pause();
  }

  /** Returns where the frames begin. */
  private readPreface(bytes: Buffer, count: number): number {
    let at = 0;
    while (this.prefaceSeen < CLIENT_PREFACE.length && at < count) {
      if (bytes[at++] !== CLIENT_PREFACE[this.prefaceSeen++]) {
        throw new ConnectionError('PROTOCOL_ERROR', 'this is not HTTP/2 with prior knowledge');
      }
    }
    return at;
  }

  private sendSettings(): void {
    const { limits } = this;
    this.output.write(
      encodeSettings([
        [settingIds.MAX_CONCURRENT_STREAMS, limits.maxConcurrentStreams],
        [settingIds.INITIAL_WINDOW_SIZE, limits.streamWindowBytes],
        [settingIds.MAX_FRAME_SIZE, limits.maxFrameBytes],
        [settingIds.MAX_HEADER_LIST_SIZE, limits.maxHeaderListBytes],
      ]),
    );
    this.window.announce();
  }

  private onProgress(): void {
    if (this.isReadingPaused && this.output.pendingBytes <= this.limits.maxPendingWriteBytes / 2) {
      this.isReadingPaused = false;
      this.socket.resume();
    }
    this.sender.pump();
    this.calls.resumeHeld();
  }

  private refuseNewCalls(): void {
    if (this.router.acceptedUpTo < MAX_31_BITS || this.isEnded) return;
    this.stopTimer();
    this.router.acceptedUpTo = this.router.lastStreamId;
    this.output.write(encodeGoAway(this.router.lastStreamId, 'NO_ERROR'));
    if (this.calls.isIdle) this.end();
  }

  private endWith(error: ConnectionError): void {
    this.output.write(encodeGoAway(this.router.lastStreamId, error.code, error.message));
    this.calls.cancelAll();
    this.end();
  }

  /** Sends what is left and closes, by force if the peer does not follow. */
  private end(): void {
    if (this.isEnded) return;
    this.isEnded = true;
    this.output.end();
    this.startTimer(LINGER_MS, () => this.destroy());
  }

  private close(): void {
    this.isEnded = true;
    this.stopTimer();
    this.keepalive.stop();
    this.age.stop();
    this.calls.cancelAll();
    this.target?.release();
    this.output.close();
  }

  private startTimer(delayMs: number, onElapsed: () => void): void {
    this.stopTimer();
    this.timer = setTimeout(onElapsed, delayMs);
  }

  private stopTimer(): void {
    if (this.timer !== undefined) clearTimeout(this.timer);
    this.timer = undefined;
  }
}
