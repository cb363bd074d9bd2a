/**
 * Keeps the answers on a stream in the order of its requests, whichever is ready first, and holds the stream back while
 * too many requests are unanswered or the caller does not read.
 */
export interface AnswerStream {
  /** Returns false when the caller is slow; `drained` is called once it has caught up. */
  write(bytes: Uint8Array): boolean;
  pause(): void;
  resume(): void;
  end(): void;
}

interface Slot {
  bytes: Uint8Array | undefined;
}

export class OrderedAnswers {
  private readonly limit: number;
  private readonly stream: AnswerStream;
  private readonly slots: Slot[] = [];
  private isCallerSlow = false;
  private isPaused = false;
  private isEnding = false;

  constructor(limit: number, stream: AnswerStream) {
    this.limit = limit;
    this.stream = stream;
  }

  /** Takes the next place; the returned function is called once, with the answer that belongs there. */
  reserve(): (bytes: Uint8Array) => void {
    const slot: Slot = { bytes: undefined };
    this.slots.push(slot);
    this.hold();
    return (bytes) => {
      slot.bytes = bytes;
      this.flush();
    };
  }

  /** The caller has read what was written. */
  drained(): void {
    this.isCallerSlow = false;
    this.flush();
  }

  /** No more requests will come: ends the stream after the last answer. */
  endAfterLast(): void {
    this.isEnding = true;
    this.flush();
  }

  private flush(): void {
    while (!this.isCallerSlow && this.slots[0]?.bytes !== undefined) {
      const { bytes } = this.slots.shift()!;
      if (bytes !== undefined) this.isCallerSlow = !this.stream.write(bytes);
    }
    if (this.isEnding && this.slots.length === 0) {
      this.isEnding = false;
      this.stream.end();
    }
    this.hold();
  }

  private hold(): void {
    const shouldPause = this.slots.length >= this.limit || this.isCallerSlow;
    if (shouldPause === this.isPaused) return;
    this.isPaused = shouldPause;
    if (shouldPause) this.stream.pause();
    else this.stream.resume();
  }
}
