/**
 * The engine's rule for running models on its main thread: only while every model that it serves is tiny. Beside a
 * larger one the main thread is kept for the sockets, whose work grows with the larger one's tensors.
 */

/** One loaded model version's part in the rule. */
export interface InlineMembership {
  /** True while models may run on the main thread. */
  readonly mayRun: () => boolean;
  /** The model is unloaded; a second call does nothing. */
  leave(): void;
}

export class InlineModels {
  #largerCount = 0;

  /** Call it for each model version that is served, tiny or not. */
  join(isTiny: boolean): InlineMembership {
    let isMember = true;
    if (!isTiny) this.#largerCount++;
    return {
      mayRun: () => this.#largerCount === 0,
      leave: () => {
        if (isMember && !isTiny) this.#largerCount--;
        isMember = false;
      },
    };
  }
}
