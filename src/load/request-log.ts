/**
 * Where a load worker writes what became of each request: rows into shared chunks, causes of failure into counts.
 * Appending allocates nothing except a new chunk every 65,536 rows, unless one was released.
 */
import { TIMEOUT_CAUSE } from '../client/in-flight.js';
import { type OutcomeCode, outcomeCodes } from '../client/outcome.js';
import type { ExchangeLog } from './exchange-log.js';
import { RequestChunk } from './request-columns.js';

/** Causes beyond this many are counted together, so that a server whose messages all differ cannot fill the memory. */
export const MAX_CAUSES = 64;
export const OTHER_CAUSES = 'other causes';

export class RequestLog {
  readonly #onChunk: (chunk: RequestChunk) => void;
  readonly #exchanges: ExchangeLog | undefined;
  readonly #timeoutNs: number;
  readonly #causes = new Map<string, number>();
  /** Full chunks, the oldest first. */
  readonly #full: RequestChunk[] = [];
  #chunk: RequestChunk;
  #slowestServiceNs = 0;
  #failureCount = 0;

  /**
   * `onChunk` is given each chunk before its first row; `exchanges` is told of every good answer. An answer that took longer
   * than `timeoutNs` from its sending is a timeout, although the timer that should have ended it was late.
   */
  constructor(onChunk: (chunk: RequestChunk) => void, exchanges?: ExchangeLog, timeoutNs = Infinity) {
    this.#onChunk = onChunk;
    this.#exchanges = exchanges;
    this.#timeoutNs = timeoutNs;
    this.#chunk = new RequestChunk();
    onChunk(this.#chunk);
  }

  append(
    intendedNs: number,
    sentNs: number,
    receivedNs: number,
    ended: OutcomeCode,
    endedBy: string | undefined,
  ): void {
    const isLate = ended === outcomeCodes.ok && receivedNs - sentNs > this.#timeoutNs;
    const outcome = isLate ? outcomeCodes.timeout : ended;
    const cause = isLate ? TIMEOUT_CAUSE : endedBy;
    if (this.#chunk.isFull) this.#nextChunk();
    if (receivedNs - sentNs > this.#slowestServiceNs) this.#slowestServiceNs = receivedNs - sentNs;
    if (outcome === outcomeCodes.ok) this.#exchanges?.append(intendedNs, receivedNs);
    // What the level did not wait for has not failed.
    else if (outcome !== outcomeCodes.unfinished) this.#countFailure(cause ?? 'unknown');
    this.#chunk.append(intendedNs, sentNs, receivedNs, outcome);
  }

  /** Longest time from send to receive so far. */
  get slowestServiceNs(): number {
    return this.#slowestServiceNs;
  }

  /** Failed requests so far; tells cheaply whether `causes` has changed. */
  get failureCount(): number {
    return this.#failureCount;
  }

  /** Failed requests by cause. */
  causes(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#causes);
  }

  /** A chunk that the reader is done with, before more memory: a long level would fill it otherwise. */
  #nextChunk(): void {
    this.#full.push(this.#chunk);
    if (this.#full[0]!.isReleased) {
      this.#chunk = this.#full.shift()!;
      this.#chunk.reuse();
    } else {
      this.#chunk = new RequestChunk();
    }
    this.#onChunk(this.#chunk);
  }

  #countFailure(cause: string): void {
    this.#failureCount++;
    const isCounted = this.#causes.has(cause) || this.#causes.size < MAX_CAUSES;
    const name = isCounted ? cause : OTHER_CAUSES;
    this.#causes.set(name, (this.#causes.get(name) ?? 0) + 1);
  }
}
