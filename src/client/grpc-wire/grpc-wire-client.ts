/**
 * InferClient on an HTTP/2 of our own: requests are frames made once, a call is a slot in typed arrays, and nothing is
 * allocated for it. Owns the calls, their deadlines and the choice of the connection; bytes are the connection's.
 */
import { nowNs } from '../../common/clock.js';
import { PerfTsError } from '../../common/errors.js';
import { MAX_31_BITS } from '../../http2/protocol-constants.js';
import { decodeInferResponse, encodeInferRequest } from '../../kserve/infer-codec.js';
import type { Tensor } from '../../kserve/tensor.js';
import { tellOutputs } from '../answer-outputs.js';
import { readAnswer, refusedInference } from '../failure-cause.js';
import type {
  ClientTimes,
  CreateInferClient,
  InferClient,
  InferClientOptions,
  RequestTemplate,
} from '../infer-client.js';
import { AnswerMessages } from './answer-messages.js';
import { CallSlots, callFlags } from './call-slots.js';
import { Connection, type ConnectionContext, type ConnectionOwner } from './connection.js';
import { Deadlines } from './deadlines.js';
import { answered, closedByClient, type Ending, failedWith, malformedAnswer, timedOut } from './ending.js';
import { readTarget } from './open-socket.js';
import { Reconnector } from './reconnector.js';
import { checkHeaders, requestFields } from './request-fields.js';
import { frameBody } from './request-frames.js';
import { makeHeadFrames } from './request-heads.js';
import { SlotList } from './slot-list.js';
import type { PreparedRequest } from './stream-sender.js';

/**
 * The deadline that servers are told lies this much later, so that it is this side that decides, for every server at the
 * same time; theirs only ends work for a client that has gone.
 */
const serverDeadlineMs = (timeoutMs: number): number => timeoutMs + Math.min(1000, Math.max(50, timeoutMs / 10));

/** Every so many calls, one is timed on its way to the socket. */
const TIMED_EVERY = 16;

const seenByNobody = failedWith('UNAVAILABLE', 'the server turned the request away twice');

/** A check that waits for its answer. */
interface Check {
  end(ending: Ending, message: Uint8Array | undefined): void;
}

/** For tests. */
export interface WireLimits {
  readonly lastStreamId: number;
}

/** Connects; throws PerfTsError TARGET_UNREACHABLE when nothing answers gRPC at the endpoint, BAD_OPTION or BAD_FILE for options. */
export const createGrpcWireClient = async (
  options: InferClientOptions,
  limits: WireLimits = { lastStreamId: MAX_31_BITS },
): Promise<InferClient> => {
  checkHeaders(options.headers);
  if (options.compression !== undefined && options.compression !== 'none') {
    const what = `this gRPC client does not compress requests (${options.compression})`;
    throw new PerfTsError('BAD_OPTION', { what, where: '--client grpc-wire', hint: 'use --client grpc-js' });
  }
  const client = new GrpcWireClient(options, limits);
  await client.connect();
  return client;
};
createGrpcWireClient satisfies CreateInferClient;

class GrpcWireClient implements InferClient, ConnectionOwner {
  readonly #options: InferClientOptions;
  readonly #context: ConnectionContext;
  readonly #slots = new CallSlots();
  readonly #requests: (PreparedRequest | undefined)[] = [];
  readonly #checks = new Map<number, Check>();
  readonly #deadlines: Deadlines;
  readonly #reconnector = new Reconnector(() => this.#beginConnection());
  /** Calls that are not on a connection. */
  readonly #waiting = new SlotList();
  /** The connection for new calls, open or being opened. */
  #current: Connection | undefined;
  /** All connections that are not closed. */
  readonly #connections = new Set<Connection>();
  #connectionCount = 0;
  #sendCount = 0;
  #isClosed = false;
  #onFirst: ((reason: Ending) => void) | undefined;
  #past: ClientTimes = { answerCount: 0, receiveTotalNs: 0, timedCount: 0, sendTotalNs: 0 };

  constructor(options: InferClientOptions, { lastStreamId }: WireLimits) {
    this.#options = options;
    this.#deadlines = new Deadlines(this.#slots, options.requestTimeoutMs, (slot, now) => this.#expire(slot, now));
    this.#context = {
      target: readTarget(options.endpoint, options.tls),
      slots: this.#slots,
      messages: new AnswerMessages(this.#slots),
      requests: this.#requests,
      heads: makeHeadFrames(requestFields(options, serverDeadlineMs(options.requestTimeoutMs))),
      lastStreamId,
    };
  }

  /** Resolves when the first connection can carry calls. */
  async connect(): Promise<void> {
    const reason = await new Promise<Ending>((resolve) => {
      this.#onFirst = resolve;
      this.#beginConnection();
    });
    this.#onFirst = undefined;
    if (reason === answered) return;
    this.#closeAll();
    const what = `nothing answers gRPC here: ${reason.cause}`;
    const hint = "check that the server is up and that this is its gRPC port (Triton's is 8001), or use -i http";
    throw new PerfTsError('TARGET_UNREACHABLE', { what, where: this.#options.endpoint, hint });
  }

  prepare(template: RequestTemplate): number {
    return this.#requests.push({ ...frameBody(encodeInferRequest({ ...template, id: '' })), head: undefined }) - 1;
  }

  /** Timing-critical. */
  send(handle: number, tag: number): void {
    if (this.#isClosed) {
      setImmediate(() => this.#options.onCompletion(tag, nowNs(), closedByClient.outcome, closedByClient.cause));
      return;
    }
    const slots = this.#slots;
    const current = this.#current;
    const isTimed = this.#sendCount++ % TIMED_EVERY === 0;
    // The instant of the read that made this call possible is near enough for a deadline, and costs nothing.
    const readingNs = current === undefined ? 0 : current.readingNs;
    const slot = slots.take(tag, handle, isTimed || readingNs === 0 ? nowNs() : readingNs);
    if (isTimed) slots.flags[slot] = callFlags.isTimed;
    if (this.#options.onOutputs !== undefined) slots.flags[slot] = slots.flags[slot]! | callFlags.isRead;
    slots.inOrder.push(slot);
    this.#deadlines.watch();
    this.#dispatch(slot);
  }

  async inferOnce(template: RequestTemplate, timeoutMs: number): Promise<readonly Tensor[]> {
    const fields = requestFields(this.#options, serverDeadlineMs(timeoutMs));
    const head = makeHeadFrames(fields).plain;
    const request = this.#requests.push({ ...frameBody(encodeInferRequest({ ...template, id: '' })), head }) - 1;
    const { ending, message } = await this.#check(request, timeoutMs);
    this.#requests[request] = undefined;
    const { endpoint } = this.#options;
    if (message === undefined) {
      throw refusedInference(endpoint, template.modelName, ending.statusName, ending.details);
    }
    return readAnswer(endpoint, () => decodeInferResponse(message));
  }

  clientTimes(): ClientTimes {
    let { answerCount, receiveTotalNs, timedCount, sendTotalNs } = this.#past;
    for (const connection of this.#connections) {
      answerCount += connection.answeredCount;
      receiveTotalNs += connection.receiveTotalNs;
      timedCount += connection.output.timedCount;
      sendTotalNs += connection.output.timedTotalNs;
    }
    return { answerCount, receiveTotalNs, timedCount, sendTotalNs };
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#closeAll();
    const now = nowNs();
    const { inOrder } = this.#slots;
    while (!inOrder.isEmpty) this.#finish(inOrder.first, now, closedByClient);
    for (const slot of [...this.#checks.keys()]) this.#finish(slot, now, closedByClient);
  }

  onOpen(connection: Connection): void {
    if (this.#onFirst !== undefined) this.#onFirst(answered);
    else this.onRoom(connection);
  }

  onRoom(connection: Connection): void {
    if (this.#waiting.isEmpty || connection !== this.#current) return;
    while (!this.#waiting.isEmpty && connection.hasRoom) connection.open(this.#waiting.shift());
  }

  onDraining(connection: Connection): void {
    if (connection !== this.#current) return;
    this.#current = undefined;
    if (!this.#isClosed) this.#reconnector.request();
  }

  onEnd(slot: number, receivedNs: number, ending: Ending): void {
    if (!this.#isClosed) this.#finish(slot, receivedNs, ending);
  }

  onUnseen(slot: number): void {
    const flags = this.#slots.flags[slot]!;
    this.#context.messages.drop(slot);
    if (this.#isClosed) return;
    if ((flags & callFlags.isRetried) !== 0) {
      this.#finish(slot, nowNs(), seenByNobody);
      return;
    }
    this.#slots.flags[slot] = flags | callFlags.isRetried;
    this.#dispatch(slot);
  }

  onClosed(connection: Connection, reason: Ending): void {
    this.#connections.delete(connection);
    const { answeredCount, receiveTotalNs, output } = connection;
    this.#past = {
      answerCount: this.#past.answerCount + answeredCount,
      receiveTotalNs: this.#past.receiveTotalNs + receiveTotalNs,
      timedCount: this.#past.timedCount + output.timedCount,
      sendTotalNs: this.#past.sendTotalNs + output.timedTotalNs,
    };
    this.#onFirst?.(reason);
    const wasCurrent = connection === this.#current;
    if (wasCurrent) this.#current = undefined;
    this.#reconnector.noteEnd(answeredCount > 0);
    if (this.#isClosed) return;
    // What waits, waits for one attempt: a server that is gone shall show as errors, not as silence. Calls that the
    // completions below begin wait for the next one.
    if (wasCurrent && !connection.hasOpened) this.#failWaiting(reason);
    if (this.#current === undefined && (answeredCount > 0 || !this.#waiting.isEmpty)) this.#reconnector.request();
  }

  #failWaiting(reason: Ending): void {
    const now = nowNs();
    const slots: number[] = [];
    for (let slot = this.#waiting.first; slot >= 0; slot = this.#waiting.after(slot)) slots.push(slot);
    for (const slot of slots) this.#finish(slot, now, reason);
  }

  #dispatch(slot: number): void {
    const current = this.#current;
    if (current !== undefined && this.#waiting.isEmpty && current.hasRoom) {
      current.open(slot);
      return;
    }
    this.#slots.streamId[slot] = 0;
    this.#waiting.push(slot);
    if (current === undefined) this.#reconnector.request();
  }

  /** Ends a call, whether it waits, is on a connection, or has just left one. */
  #finish(slot: number, receivedNs: number, ending: Ending): void {
    const slots = this.#slots;
    if (slots.streamId[slot] === 0) this.#waiting.remove(slot);
    let told = ending;
    if ((slots.flags[slot]! & (callFlags.isCheck | callFlags.isKept)) !== 0) told = this.#finishKept(slot, ending);
    if ((slots.flags[slot]! & callFlags.isCheck) !== 0) {
      slots.release(slot);
      return;
    }
    slots.inOrder.remove(slot);
    slots.release(slot);
    this.#options.onCompletion(slots.tag[slot]!, receivedNs, told.outcome, told.cause);
  }

  /** How the call ended, seen from what is in its answer. */
  #finishKept(slot: number, ending: Ending): Ending {
    const { messages } = this.#context;
    const { flags, request } = this.#slots;
    let told = ending;
    if (ending === answered && (flags[slot]! & callFlags.isRead) !== 0) {
      const isRead = tellOutputs(this.#options.onOutputs, request[slot]!, messages.messageOf(slot));
      if (!isRead) told = malformedAnswer;
    }
    const check = this.#checks.get(slot);
    check?.end(ending, ending === answered ? messages.messageOf(slot) : undefined);
    this.#checks.delete(slot);
    messages.drop(slot);
    return told;
  }

  #expire(slot: number, now: number): void {
    this.#cancel(slot);
    this.#finish(slot, now, timedOut);
  }

  /** Takes a call off its connection, if it is on one. */
  #cancel(slot: number): void {
    const { streamId, connection } = this.#slots;
    if (streamId[slot] === 0) return;
    for (const candidate of this.#connections) if (candidate.number === connection[slot]) candidate.cancel(slot);
  }

  #check(request: number, timeoutMs: number): Promise<{ ending: Ending; message: Uint8Array | undefined }> {
    return new Promise((resolve) => {
      if (this.#isClosed) {
        resolve({ ending: closedByClient, message: undefined });
        return;
      }
      const slot = this.#slots.take(0, request, nowNs());
      this.#slots.flags[slot] = callFlags.isCheck;
      const timer = setTimeout(() => this.#expire(slot, nowNs()), timeoutMs);
      this.#checks.set(slot, {
        end(ending, message) {
          clearTimeout(timer);
          resolve({ ending, message });
        },
      });
      this.#dispatch(slot);
    });
  }

  #beginConnection(): void {
    if (this.#isClosed || this.#current !== undefined) return;
    const connection = new Connection(++this.#connectionCount, this.#context, this);
    this.#connections.add(connection);
    this.#current = connection;
  }

  #closeAll(): void {
    this.#isClosed = true;
    this.#deadlines.close();
    this.#reconnector.close();
    for (const connection of this.#connections) connection.close();
  }
}
