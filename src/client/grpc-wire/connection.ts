/**
 * One HTTP/2 connection of a client from its opening to its end. Carries calls given to it by slot, and tells its owner
 * how each of them ended; whom they belong to and how long they may take is not known here.
 */
import type { Buffer } from 'node:buffer';
import type { Socket } from 'node:net';
import { nowNs } from '../../common/clock.js';
import { FrameReader } from '../../http2/frame-reader.js';
import { encodeGoAway, encodeRstStream, encodeSettings, encodeWindowUpdate } from '../../http2/frame-writer.js';
import { ConnectionError } from '../../http2/http2-error.js';
import {
  CLIENT_PREFACE,
  DEFAULT_MAX_FRAME_BYTES,
  DEFAULT_WINDOW_BYTES,
  type Http2ErrorName,
  MAX_31_BITS,
  settingIds,
} from '../../http2/protocol-constants.js';
import { describeTlsFault } from '../tls-files.js';
import { MAX_HEADER_LIST_BYTES } from './answer-heads.js';
import type { AnswerMessages } from './answer-messages.js';
import type { CallSlots } from './call-slots.js';
import { answered, type Ending, failedWith } from './ending.js';
import { FrameRouter, RECEIVE_WINDOW_BYTES } from './frame-router.js';
import { openSocket, type SocketTarget } from './open-socket.js';
import type { HeadFrames } from './request-heads.js';
import { type PreparedRequest, StreamSender } from './stream-sender.js';
import { StreamTable } from './stream-table.js';
import { WireOutput } from './wire-output.js';

/** A host that has not accepted and greeted a connection after this long counts as unreachable. */
const OPENING_TIMEOUT_MS = 5000;
/** How long a server may take to close after everything was said. */
const LINGER_MS = 500;

/** What all connections of a client share. */
export interface ConnectionContext {
  readonly target: SocketTarget;
  readonly slots: CallSlots;
  readonly messages: AnswerMessages;
  readonly requests: readonly (PreparedRequest | undefined)[];
  readonly heads: HeadFrames;
  readonly lastStreamId: number;
}

/** The owner. Nothing here is called from within `send`. */
export interface ConnectionOwner {
  /** The connection can carry calls. */
  onOpen(connection: Connection): void;
  /** Streams may be opened again, or limits have changed. */
  onRoom(connection: Connection): void;
  /** The connection takes no more calls, but may go on with those that it has. */
  onDraining(connection: Connection): void;
  onEnd(slot: number, receivedNs: number, ending: Ending): void;
  /** The server never saw this call: it may be sent again. */
  onUnseen(slot: number): void;
  /** Nothing of the connection is left; its calls have been told. `reason` is why, for calls that wait for it. */
  onClosed(connection: Connection, reason: Ending): void;
}

export class Connection {
  readonly number: number;
  readonly streams = new StreamTable();
  /** The greeting is over, and no end is announced. */
  isUsable = false;
  /** The greeting is over. */
  hasOpened = false;
  /** Calls that the server answered. */
  answeredCount = 0;
  /** Sum over answers of the time from their first byte to their last. */
  receiveTotalNs = 0;
  /** When the bytes being read were there; 0 while nothing is being read. */
  readingNs = 0;
  readonly output: WireOutput;
  readonly #context: ConnectionContext;
  readonly #owner: ConnectionOwner;
  readonly #socket: Socket;
  readonly #sender: StreamSender;
  readonly #router: FrameRouter;
  readonly #reader: FrameReader;
  #timer: NodeJS.Timeout | undefined;
  #fault: Ending | undefined;
  #isEnding = false;
  #isClosed = false;

  /** Starts connecting. */
  constructor(number: number, context: ConnectionContext, owner: ConnectionOwner) {
    this.number = number;
    this.#context = context;
    this.#owner = owner;
    this.#socket = openSocket(context.target, {
      onOpen: () => this.#greet(),
      onBytes: (bytes, count) => this.#read(bytes, count),
      onClosed: (fault) => this.#close(fault),
    });
    this.output = new WireOutput(this.#socket, () => this.#onWritten());
    const { slots, requests, heads, messages, lastStreamId } = context;
    const { output, streams } = this;
    this.#sender = new StreamSender({
      output,
      slots,
      streams,
      requests,
      heads,
      lastStreamId,
      connectionNumber: number,
    });
    this.#router = new FrameRouter({
      output,
      slots,
      streams,
      sender: this.#sender,
      messages,
      endCall: (slot, ending, isAnswerOver) => this.#endCall(slot, ending, isAnswerOver),
      onSettings: () => this.#onSettings(),
      onGoAway: (lastId) => this.#onGoAway(lastId),
    });
    this.#reader = new FrameReader(this.#router, {
      maxFrameBytes: DEFAULT_MAX_FRAME_BYTES,
      maxControlFrameBytes: DEFAULT_MAX_FRAME_BYTES,
    });
    this.#timer = setTimeout(() => this.#socket.destroy(new Error('ETIMEDOUT')), OPENING_TIMEOUT_MS);
  }

  /** True when one more call may be sent now. */
  get hasRoom(): boolean {
    return this.isUsable && this.#sender.hasRoom;
  }

  /** Sends the call in `slot`. Only while `hasRoom`. */
  open(slot: number): void {
    this.#sender.open(slot);
    if (!this.#sender.hasIds) this.#drain();
  }

  /** Gives a call up; the owner is not told of its end. */
  cancel(slot: number): void {
    const { slots } = this.#context;
    const id = slots.streamId[slot]!;
    this.#sender.endCall(slot);
    this.streams.remove(id);
    this.output.write(encodeRstStream(id, 'CANCEL'));
    this.#endIfIdle();
  }

  /** Says goodbye and closes; calls must have been told before. */
  close(): void {
    if (this.#isEnding || this.#isClosed) return;
    if (this.hasOpened) this.#end('NO_ERROR', '');
    else this.#socket.destroy();
  }

  #greet(): void {
    const settings = encodeSettings([
      [settingIds.ENABLE_PUSH, 0],
      [settingIds.INITIAL_WINDOW_SIZE, MAX_31_BITS],
      [settingIds.MAX_HEADER_LIST_SIZE, MAX_HEADER_LIST_BYTES],
    ]);
    this.output.write(CLIENT_PREFACE);
    this.output.write(settings);
    this.output.write(encodeWindowUpdate(0, RECEIVE_WINDOW_BYTES - DEFAULT_WINDOW_BYTES));
  }

  /** Timing-critical: the instant is taken before anything else is done. */
  #read(bytes: Buffer, count: number): void {
    const instantNs = nowNs();
    if (this.#isEnding) return;
    this.readingNs = instantNs;
    this.#router.instantNs = instantNs;
    this.output.cork();
    try {
      this.#reader.read(bytes, 0, count);
      this.#sender.pump();
      this.#owner.onRoom(this);
      this.output.uncork();
    } catch (thrown) {
      if (!(thrown instanceof ConnectionError)) throw thrown;
      this.#fault = this.hasOpened ? failedWith('INTERNAL', `the server broke HTTP/2: ${thrown.message}`) : notHttp2;
      this.#end(thrown.code, thrown.message);
    } finally {
      this.readingNs = 0;
    }
  }

  #onWritten(): void {
    this.#sender.pump();
    this.#owner.onRoom(this);
  }

  #onSettings(): void {
    if (this.hasOpened) return;
    this.hasOpened = true;
    this.isUsable = true;
    clearTimeout(this.#timer);
    this.#owner.onOpen(this);
  }

  #endCall(slot: number, ending: Ending, isAnswerOver: boolean): void {
    const { slots } = this.#context;
    const id = slots.streamId[slot]!;
    const isSent = this.#sender.endCall(slot);
    this.streams.remove(id);
    if (!isAnswerOver || !isSent) this.output.write(encodeRstStream(id, isAnswerOver ? 'NO_ERROR' : 'CANCEL'));
    const receivedNs = this.#router.instantNs;
    if (ending === answered) {
      this.answeredCount++;
      this.receiveTotalNs += receivedNs - slots.firstByteNs[slot]!;
    }
    this.#owner.onEnd(slot, receivedNs, ending);
    if (!this.isUsable) this.#endIfIdle();
  }

  #onGoAway(lastStreamId: number): void {
    this.#drain();
    for (const [id, slot] of this.streams.entries()) {
      if (id <= lastStreamId) continue;
      this.#sender.endCall(slot);
      this.streams.remove(id);
      this.#owner.onUnseen(slot);
    }
    this.#endIfIdle();
  }

  #drain(): void {
    if (!this.isUsable) return;
    this.isUsable = false;
    this.#owner.onDraining(this);
  }

  #endIfIdle(): void {
    if (this.hasOpened && !this.isUsable && this.streams.size === 0 && !this.#isClosed) this.#end('NO_ERROR', '');
  }

  /** Sends what is left and closes, by force if the server does not follow; open calls are told when it is closed. */
  #end(code: Http2ErrorName, text: string): void {
    if (this.#isEnding) return;
    this.#isEnding = true;
    this.#drain();
    this.output.uncork();
    this.output.write(encodeGoAway(0, code, text));
    this.output.end();
    clearTimeout(this.#timer);
    if (code !== 'NO_ERROR') this.#socket.destroySoon();
    this.#timer = setTimeout(() => this.#socket.destroy(), LINGER_MS);
  }

  #close(fault: Error | undefined): void {
    this.#isClosed = true;
    this.isUsable = false;
    this.output.close();
    clearTimeout(this.#timer);
    const reason = this.#fault ?? endingOfFault(fault, this.hasOpened);
    const nowClosedNs = nowNs();
    for (const [, slot] of this.streams.entries()) {
      this.#sender.endCall(slot);
      this.#owner.onEnd(slot, nowClosedNs, reason);
    }
    this.#owner.onClosed(this, reason);
  }
}

function endingOfFault(fault: Error | undefined, hasOpened: boolean): Ending {
  if (fault === undefined) return hasOpened ? connectionLost : notGreeted;
  const code = 'code' in fault && typeof fault.code === 'string' ? `${fault.code} ` : '';
  return failedWith('UNAVAILABLE', describeTlsFault(fault) ?? `${code}${fault.message}`);
}

const connectionLost = failedWith('UNAVAILABLE', 'Connection dropped');
const notHttp2 = failedWith('UNAVAILABLE', 'the server does not speak HTTP/2');
const notGreeted = failedWith('UNAVAILABLE', 'the server closed the connection without a word of HTTP/2');
