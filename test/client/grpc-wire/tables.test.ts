import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CallSlots } from '../../../src/client/grpc-wire/call-slots.js';
import { SlotList } from '../../../src/client/grpc-wire/slot-list.js';
import { StreamTable } from '../../../src/client/grpc-wire/stream-table.js';

describe('a slot list', () => {
  it('keeps its order through any additions and removals', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(300), { maxLength: 200 }), (steps) => {
        const list = new SlotList();
        const model: number[] = [];
        for (const slot of steps) {
          const at = model.indexOf(slot);
          if (at < 0) {
            list.push(slot);
            model.push(slot);
          } else {
            list.remove(slot);
            model.splice(at, 1);
          }
          expect(list.isEmpty).toBe(model.length === 0);
        }
        const walked: number[] = [];
        for (let slot = list.first; slot >= 0; slot = list.after(slot)) walked.push(slot);
        expect(walked).toEqual(model);
        while (!list.isEmpty) expect(list.shift()).toBe(model.shift());
      }),
    );
  });
});

describe('a stream table', () => {
  it('finds exactly the open streams, however long some stay open', () => {
    const step = fc.record({ isOpening: fc.boolean(), pick: fc.nat(1000), skip: fc.nat(700) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
        const table = new StreamTable();
        const model = new Map<number, number>();
        let next = 1;
        for (const { isOpening, pick, skip } of steps) {
          if (isOpening || model.size === 0) {
            table.add(next, pick);
            model.set(next, pick);
            next += 2 + 2 * skip;
          } else {
            const id = [...model.keys()][pick % model.size]!;
            table.remove(id);
            model.delete(id);
            expect(table.find(id)).toBe(-1);
          }
          expect(table.size).toBe(model.size);
        }
        for (const [id, slot] of model) expect(table.find(id)).toBe(slot);
        expect(new Map(table.entries())).toEqual(model);
      }),
    );
  });
});

describe('the slots of calls', () => {
  it('are given out once until they come back, and keep their contents while their number grows', () => {
    const slots = new CallSlots();
    const taken = Array.from({ length: 1000 }, (_, tag) => slots.take(tag, tag % 7, tag * 10));
    expect(new Set(taken).size).toBe(1000);
    expect(slots.inUse).toBe(1000);
    for (const [tag, slot] of taken.entries()) {
      expect([slots.tag[slot], slots.request[slot], slots.startedNs[slot]]).toEqual([tag, tag % 7, tag * 10]);
    }
    for (const slot of taken.slice(0, 10)) slots.release(slot);
    const again = Array.from({ length: 10 }, () => slots.take(0, 0, 0));
    expect(new Set(again)).toEqual(new Set(taken.slice(0, 10)));
  });
});
