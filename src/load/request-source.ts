/**
 * Which prepared request is next: the models take turns by their weights, and each model's requests are sent in turn.
 * Knows nothing of when.
 */

/** No handle: every request of the level has been taken. */
export const NO_REQUEST = -1;

/** What a closed loop takes its requests from. */
export interface RequestSource {
  /** The handle of the next request, or NO_REQUEST. */
  next(): number;
  /** Index of the model whose request `next` gave out last. */
  readonly model: number;
}

/**
 * Model indices of one round, so that after any number of turns each model has had its share to within one turn: the
 * model that is furthest behind its share is next (smooth weighted round robin, as nginx balances).
 */
export function weightedTurns(weights: readonly number[]): Uint8Array {
  const divisor = weights.reduce(greatestCommonDivisor);
  const shares = weights.map((weight) => weight / divisor);
  const total = shares.reduce((sum, share) => sum + share, 0);
  const credit = shares.map(() => 0);
  return Uint8Array.from({ length: total }, () => {
    let best = 0;
    for (let model = 0; model < shares.length; model++) credit[model]! += shares[model]!;
    for (let model = 1; model < shares.length; model++) if (credit[model]! > credit[best]!) best = model;
    credit[best]! -= total;
    return best;
  });
}

const greatestCommonDivisor = (a: number, b: number): number => (b === 0 ? a : greatestCommonDivisor(b, a % b));

/** One worker's requests by their place in the level. */
export class RequestTurns {
  /** Index of the model whose request was given out last. */
  model = 0;
  readonly #handles: readonly (readonly number[])[];
  readonly #turns: Uint8Array;
  readonly #at: Int32Array;

  /** `handles` by model, at least one each; `turns` from `weightedTurns`. */
  constructor(handles: readonly (readonly number[])[], turns: Uint8Array) {
    this.#handles = handles;
    this.#turns = turns;
    this.#at = new Int32Array(handles.length);
  }

  /** The handle for turn number `turn` of the level: the model is the turn's, its requests follow one another. */
  at(turn: number): number {
    this.model = this.#turns.length === 1 ? 0 : this.#turns[turn % this.#turns.length]!;
    const handles = this.#handles[this.model]!;
    const at = this.#at[this.model]!;
    this.#at[this.model] = at + 1 === handles.length ? 0 : at + 1;
    return handles[at]!;
  }
}

/** Numbers the requests of a closed loop over all workers, so that weights and counts are exact. */
export class Tickets {
  readonly buffer: SharedArrayBuffer;
  readonly #taken: Int32Array;

  /** Wraps the buffer of another thread, or makes a new one. */
  constructor(buffer = new SharedArrayBuffer(4)) {
    this.buffer = buffer;
    this.#taken = new Int32Array(buffer);
  }

  /** 0, 1, 2 … over all threads; begins again after 2^32. */
  take(): number {
    return Atomics.add(this.#taken, 0, 1) >>> 0;
  }
}

/** One model without a count: no two workers need to agree on anything. */
export function endlessSource(handles: readonly number[]): RequestSource {
  const turns = new RequestTurns([handles], Uint8Array.of(0));
  return { model: 0, next: () => turns.at(0) };
}

/** Requests by tickets shared with the other workers, `requestCount` of them over all. */
export function ticketSource(turns: RequestTurns, tickets: Tickets, requestCount = Infinity): RequestSource {
  return {
    get model() {
      return turns.model;
    },
    next() {
      const ticket = tickets.take();
      return ticket < requestCount ? turns.at(ticket) : NO_REQUEST;
    },
  };
}
