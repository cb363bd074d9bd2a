import { describe, expect, it } from 'vitest';
import { ExchangeLog, mergeExchanges } from '../../src/load/exchange-log.js';

const tensor = (name: string, ...bytes: number[]) =>
  ({ name, dataType: 'UINT8', bytes: Uint8Array.from(bytes) }) as const;

describe('the log of what went in and out', () => {
  it('keeps equal answers to a request once, and what it keeps does not change with the buffer it came from', () => {
    const log = new ExchangeLog();
    const output = tensor('OUT', 1);
    log.note(7, [tensor('IN', 5)], [output]);
    log.append(10, 20);
    log.note(7, [tensor('IN', 5)], [output]);
    log.append(30, 40);
    output.bytes[0] = 2;
    log.note(7, [tensor('IN', 5)], [output]);
    log.append(50, 60);
    const { contents, ...rows } = log.exchanges();
    expect(contents.map(({ outputs }) => [...outputs[0]!.bytes])).toEqual([[1], [2]]);
    expect(rows).toEqual({ intendedNs: [10, 30, 50], receivedNs: [20, 40, 60], indices: [0, 0, 1] });
  });

  it('leaves answers out whose contents are beyond its memory, and goes on with those it has', () => {
    const log = new ExchangeLog();
    log.note(1, [], [tensor('OUT', 1)]);
    log.append(1, 2);
    log.note(2, [], [{ name: 'OUT', dataType: 'UINT8', bytes: new Uint8Array(65 * 2 ** 20) }]);
    log.append(3, 4);
    log.note(1, [], [tensor('OUT', 1)]);
    log.append(5, 6);
    expect(log.exchanges().intendedNs).toEqual([1, 5]);
  });

  it('makes one of several workers’', () => {
    const parts = [1, 2].map((worker) => {
      const log = new ExchangeLog();
      log.note(0, [], [tensor('OUT', worker)]);
      log.append(worker, 10 * worker);
      return log.exchanges();
    });
    const merged = mergeExchanges(parts);
    expect(merged.indices).toEqual([0, 1]);
    expect(merged.receivedNs.map((_, row) => merged.contents[merged.indices[row]!]!.outputs[0]!.bytes[0])).toEqual([
      1, 2,
    ]);
  });
});
