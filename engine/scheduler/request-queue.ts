/** A first-in, first-out queue that keeps count of its rows. Adding and taking allocate nothing once it has grown. */

/** Places must be a power of two. */
const FIRST_CAPACITY = 64;

export class RequestQueue<Request extends { readonly rows: number }> {
  #places: (Request | undefined)[] = new Array(FIRST_CAPACITY);
  #head = 0;
  #length = 0;
  #rows = 0;

  get length(): number {
    return this.#length;
  }

  /** Rows of all requests in the queue. */
  get rows(): number {
    return this.#rows;
  }

  push(request: Request): void {
    if (this.#length === this.#places.length) this.#grow();
    this.#places[(this.#head + this.#length) & (this.#places.length - 1)] = request;
    this.#length++;
    this.#rows += request.rows;
  }

  /** The request `place` places behind the head; there must be one. */
  at(place: number): Request {
    return this.#places[(this.#head + place) & (this.#places.length - 1)]!;
  }

  /** Takes `count` requests off the head. */
  drop(count: number): void {
    const mask = this.#places.length - 1;
    for (let i = 0; i < count; i++) {
      this.#rows -= this.#places[this.#head]!.rows;
      this.#places[this.#head] = undefined;
      this.#head = (this.#head + 1) & mask;
    }
    this.#length -= count;
  }

  /** Takes out one request from anywhere; the others keep their order. */
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

  #grow(): void {
    const places: (Request | undefined)[] = new Array(this.#places.length * 2);
    for (let i = 0; i < this.#length; i++) places[i] = this.at(i);
    this.#places = places;
    this.#head = 0;
  }
}
