/** A way into the engine: listens on one port and hands requests to models. Knows protocols, but no model code. */
export interface FrontEnd {
  /**
   * Starts to listen and resolves with the port, which matters where port 0 asked for any free one.
   * Throws PerfTsError BAD_OPTION when the address cannot be had.
   */
  start(): Promise<number>;
  /** Accepts nothing new and resolves once every accepted request is answered; cuts off the rest when `deadline` aborts. */
  close(deadline: AbortSignal): Promise<void>;
}

export interface ListenOptions {
  /** Address of a local interface; a name such as localhost is allowed. */
  readonly address: string;
  /** 0 takes any free port. */
  readonly port: number;
}
