import fc from 'fast-check';
import { expect, it } from 'vitest';
import { RequestQueue } from '../../../engine/scheduler/request-queue.js';

it('a request queue behaves as a plain list, through growth and wrap-around', () => {
  const step = fc.oneof(
    { weight: 4, arbitrary: fc.record({ kind: fc.constant('push' as const), rows: fc.integer({ min: 1, max: 9 }) }) },
    {
      weight: 2,
      arbitrary: fc.record({ kind: fc.constant('drop' as const), share: fc.double({ min: 0, max: 1, noNaN: true }) }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        kind: fc.constant('remove' as const),
        share: fc.double({ min: 0, max: 0.99, noNaN: true }),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constant('take out' as const), rows: fc.integer({ min: 1, max: 9 }) }),
    },
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 400, size: 'max' }), (steps) => {
      const queue = new RequestQueue<{ readonly rows: number; readonly id: number }>();
      let model: { readonly rows: number; readonly id: number }[] = [];
      for (const [id, action] of steps.entries()) {
        if (action.kind === 'push') {
          queue.push({ rows: action.rows, id });
          model.push({ rows: action.rows, id });
        } else if (action.kind === 'drop') {
          const count = Math.round(action.share * model.length);
          queue.drop(count);
          model = model.slice(count);
        } else if (action.kind === 'take out') {
          queue.takeOut(({ rows }) => rows === action.rows);
          model = model.filter(({ rows }) => rows !== action.rows);
        } else if (model.length > 0) {
          const place = Math.floor(action.share * model.length);
          expect(queue.remove(place)).toEqual(model[place]);
          model.splice(place, 1);
        }
        expect(queue.length).toBe(model.length);
        expect(queue.rows).toBe(model.reduce((sum, { rows }) => sum + rows, 0));
      }
      expect(Array.from({ length: queue.length }, (_, place) => queue.at(place))).toEqual(model);
    }),
  );
});
