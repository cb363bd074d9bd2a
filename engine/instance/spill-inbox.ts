/**
 * The outputs that one instance sent beside their slots. They arrive in the order in which its batches end, and are
 * asked for in the order in which slots are looked at, so each is known by its slot and its batch's ticket.
 */
import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads';
import type { SpillMessage } from './instance-messages.js';

export class SpillInbox {
  readonly #port: MessagePort;
  /** By slot: an instance posts at most one for each batch, so a newer one of a slot replaces what nobody took. */
  readonly #arrived = new Map<number, SpillMessage>();

  constructor(port: MessagePort) {
    this.#port = port;
  }

  /** The outputs of that batch, which is done; undefined when the instance sent none. */
  take(slot: number, ticket: number): SharedArrayBuffer | undefined {
    for (;;) {
      const received = receiveMessageOnPort(this.#port) as { message: SpillMessage } | undefined;
      if (received === undefined) break;
      this.#arrived.set(received.message.slot, received.message);
    }
    const message = this.#arrived.get(slot);
    this.#arrived.delete(slot);
    return message?.ticket === ticket ? message.buffer : undefined;
  }
}
