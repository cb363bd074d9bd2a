/** A first-in, first-out queue that keeps count of its rows. Adding and taking allocate nothing once it has grown. */
import type { QueuedRequests } from './queued-requests.js';

/** Places must be a power of two. */
const FIRST_CAPACITY = 64;

export class RequestQueue<Request extends { readonly rows: number }> implements QueuedRequests<Request> {
  #places: (Request | undefined)[] = new Array(FIRST_CAPACITY);
  #head = 0;
  #length = 0;
  #rows = 0;

  get length(): number {
    return this.#length;
  }

  get rows(): number {
    return this.#rows;
  }

  push(request: Request): boolean {
    if (this.#length === this.#places.length) this.#grow();
    this.#places[(this.#head + this.#length) & (this.#places.length - 1)] = request;
    this.#length++;
    this.#rows += request.rows;
    return true;
  }

  at(place: number): Request {
    return this.#places[(this.#head + place) & (this.#places.length - 1)]!;
  }

  drop(count: number): void {
    const mask = this.#places.length - 1;
    for (let i = 0; i < count; i++) {
      this.#rows -= this.#places[this.#head]!.rows;
      this.#places[this.#head] = undefined;
      this.#head = (this.#head + 1) & mask;
    }
    this.#length -= count;
  }

  remove(place: number): Request {
    const mask = this.#places.length - 1;
    const removed = this.at(place);
    for (let i = place; i + 1 < this.#length; i++) {
      this.#places[(this.#head + i) & mask] = this.at(i + 1);
    }
    this.#length--;
    this.#places[(this.#head + this.#length) & mask] = undefined;
    this.#rows -= removed.rows;
    return removed;
  }

  takeOut(isLeaving: (request: Request) => boolean): void {
    const mask = this.#places.length - 1;
    let kept = 0;
    for (let place = 0; place < this.#length; place++) {
      const request = this.at(place);
      if (isLeaving(request)) this.#rows -= request.rows;
      else this.#places[(this.#head + kept++) & mask] = request;
    }
    for (let place = kept; place < this.#length; place++) this.#places[(this.#head + place) & mask] = undefined;
    this.#length = kept;
  }

  /** Nothing here waits for a limited time. */
  expire(): void {}

  nextRejection(): undefined {
    return undefined;
  }

  #grow(): void {
    const places: (Request | undefined)[] = new Array(this.#places.length * 2);
    for (let i = 0; i < this.#length; i++) places[i] = this.at(i);
    this.#places = places;
    this.#head = 0;
  }
}
