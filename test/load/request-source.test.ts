import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NO_REQUEST, RequestTurns, Tickets, ticketSource, weightedTurns } from '../../src/load/request-source.js';

describe('turns by weight', () => {
  it('give every model its share after any number of requests, to within one', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 6 }), (weights) => {
        const turns = weightedTurns(weights);
        const total = weights.reduce((sum, weight) => sum + weight, 0);
        const counts = weights.map(() => 0);
        for (let turn = 0; turn < 3 * turns.length; turn++) {
          counts[turns[turn % turns.length]!]!++;
          for (const [model, weight] of weights.entries()) {
            expect(Math.abs(counts[model]! - ((turn + 1) * weight) / total)).toBeLessThanOrEqual(1 + 1e-9);
          }
        }
      }),
    );
  });

  it('mix the models instead of sending one in a row', () => {
    expect([...weightedTurns([3, 1])]).toEqual([0, 0, 1, 0]);
    expect([...weightedTurns([100, 100])]).toEqual([0, 1]);
  });

  it('send the requests of each model in turn', () => {
    const turns = new RequestTurns([[10, 11], [20]], weightedTurns([2, 1]));
    expect(Array.from({ length: 6 }, (_, turn) => turns.at(turn))).toEqual([10, 20, 11, 10, 20, 11]);
  });
});

describe('tickets', () => {
  it('hand out exactly the count over all workers, and the weights over all of them', () => {
    const tickets = new Tickets();
    const sources = Array.from({ length: 3 }, () =>
      ticketSource(new RequestTurns([[1], [2]], weightedTurns([3, 1])), new Tickets(tickets.buffer), 100),
    );
    const sent = { 1: 0, 2: 0 } as Record<number, number>;
    // Workers of very different speed.
    for (let step = 0; step < 400; step++) {
      const handle = sources[step % 7 === 0 ? 1 : step % 3 === 0 ? 2 : 0]!.next();
      if (handle !== NO_REQUEST) sent[handle]!++;
    }
    expect(sent).toEqual({ 1: 75, 2: 25 });
    expect(sources.map((source) => source.next())).toEqual([NO_REQUEST, NO_REQUEST, NO_REQUEST]);
  });
});
