import type { Failure } from '../../src/kserve/status.js';

/** What requests are told that were accepted and not answered when the exit timeout was over. */
export const givenUp: Failure = {
  status: 'UNAVAILABLE',
  message: 'the server is ending, and its exit timeout was over before the request was finished',
};

/** How long callers have to read that. */
export const LAST_WORDS_MS = 1000;

/** A way into the engine: listens on one port and hands requests to models. Knows protocols, but no model code. */
export interface FrontEnd {
  /**
   * Starts to listen and resolves with the port, which matters where port 0 asked for any free one.
   * Throws PerfTsError BAD_OPTION when the address cannot be had.
   */
  start(): Promise<number>;
  /**
   * Accepts nothing new and resolves once every accepted request is answered. When `deadline` aborts, the rest is told
   * `givenUp`, and connections are cut off soon after.
   */
  close(deadline: AbortSignal): Promise<void>;
}

export interface ListenOptions {
  /** Address of a local interface; a name such as localhost is allowed. */
  readonly address: string;
  /** 0 takes any free port. */
  readonly port: number;
}
