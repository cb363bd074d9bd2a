/**
 * The queue of published slots that all instances of a model take from, and the bells of both sides. Any free
 * instance takes the head, so a busy one never holds work back.
 */

const WORDS = { published: 0, taken: 1, workBell: 2, doneBell: 3, stop: 4, firstEntry: 8 } as const;

/** Never negative, so that it differs from an instance's claim. */
const toTicket = (sequence: number): number => sequence & 0x7fff_ffff;

export const workRingBytes = (slotCount: number): number => (WORDS.firstEntry + slotCount) * 4;

export class WorkRing {
  /** Instance: came with the slot that `pop` returned last. */
  ticket = 0;
  readonly #words: Int32Array;
  readonly #slotCount: number;

  constructor(buffer: SharedArrayBuffer, slotCount: number) {
    this.#words = new Int32Array(buffer);
    this.#slotCount = slotCount;
  }

  #entryOf(sequence: number): number {
    // The sequence may pass 2^31 and turn negative.
    return WORDS.firstEntry + ((sequence >>> 0) % this.#slotCount);
  }

  /** Scheduler: the ticket that the slot pushed next comes with: its place in the ring, told apart over 2^31 of them. */
  get nextTicket(): number {
    return toTicket(Atomics.load(this.#words, WORDS.published));
  }

  /**
   * Scheduler: puts a slot at the tail and wakes one instance, unless the slot will be taken without that. A slot is in
   * the ring at most once.
   */
  push(slot: number, wakes = true): void {
    const sequence = Atomics.load(this.#words, WORDS.published);
    Atomics.store(this.#words, this.#entryOf(sequence), slot);
    Atomics.store(this.#words, WORDS.published, (sequence + 1) | 0);
    if (!wakes) return;
    Atomics.add(this.#words, WORDS.workBell, 1);
    Atomics.notify(this.#words, WORDS.workBell, 1);
  }

  /** True while the slot is in the ring. */
  has(slot: number): boolean {
    const end = Atomics.load(this.#words, WORDS.published);
    for (let at = Atomics.load(this.#words, WORDS.taken); at !== end; at = (at + 1) | 0) {
      if (Atomics.load(this.#words, this.#entryOf(at)) === slot) return true;
    }
    return false;
  }

  /** Instance: the slot at the head, or undefined when there is none. */
  pop(): number | undefined {
    for (;;) {
      const sequence = Atomics.load(this.#words, WORDS.taken);
      if (sequence === Atomics.load(this.#words, WORDS.published)) return undefined;
      const slot = Atomics.load(this.#words, this.#entryOf(sequence));
      // Losing this race means that another instance has the slot; the entry read may even be a newer one.
      if (Atomics.compareExchange(this.#words, WORDS.taken, sequence, (sequence + 1) | 0) !== sequence) continue;
      this.ticket = toTicket(sequence);
      return slot;
    }
  }

  /** Slots at the tail that nobody has taken. */
  get waitingCount(): number {
    return (Atomics.load(this.#words, WORDS.published) - Atomics.load(this.#words, WORDS.taken)) | 0;
  }

  get workBell(): number {
    return Atomics.load(this.#words, WORDS.workBell);
  }

  /** Instance: sleeps until the bell has rung since `seen` was read. */
  waitForWork(seen: number): void {
    Atomics.wait(this.#words, WORDS.workBell, seen);
  }

  get isStopping(): boolean {
    return Atomics.load(this.#words, WORDS.stop) === 1;
  }

  /** Scheduler: instances end when they next look and find nothing. */
  stop(): void {
    Atomics.store(this.#words, WORDS.stop, 1);
    this.wakeAll();
    this.ringDone();
  }

  /** Scheduler: every instance looks around. */
  wakeAll(): void {
    Atomics.add(this.#words, WORDS.workBell, 1);
    Atomics.notify(this.#words, WORDS.workBell);
  }

  /** Tells the scheduler to look for slots that are done. */
  ringDone(): void {
    Atomics.add(this.#words, WORDS.doneBell, 1);
    Atomics.notify(this.#words, WORDS.doneBell);
  }

  get doneBell(): number {
    return Atomics.load(this.#words, WORDS.doneBell);
  }

  /** Scheduler: calls back once the bell has rung since `seen` was read. */
  onDone(seen: number, callback: () => void): void {
    const waiting = Atomics.waitAsync(this.#words, WORDS.doneBell, seen);
    if (waiting.async) void waiting.value.then(callback);
    else setImmediate(callback);
  }
}
