/** Turns an arrival rule into requests on a client. Knows nothing of statistics or of when a level ends. */

export interface LoadDriver {
  /** Starts sending; returns at once. */
  start(): void;
  /** Sends nothing more; resolves when every request in flight has ended or the drain has given up on it. */
  stop(): Promise<void>;
}
