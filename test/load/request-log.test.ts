import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { outcomeCodes } from '../../src/client/outcome.js';
import { CHUNK_ROWS, collectColumns, RequestChunk } from '../../src/load/request-columns.js';
import { MAX_CAUSES, OTHER_CAUSES, RequestLog } from '../../src/load/request-log.js';

const ok = outcomeCodes.ok;

describe('request log', () => {
  it('goes on in a new chunk when one is full, losing nothing', () => {
    const chunks: RequestChunk[] = [];
    const log = new RequestLog((chunk) => chunks.push(chunk));
    const total = 2 * CHUNK_ROWS + 5;
    for (let row = 0; row < total; row++) log.append(row, row + 1, row + 2, ok, undefined);
    expect(chunks.map(({ length }) => length)).toEqual([CHUNK_ROWS, CHUNK_ROWS, 5]);
    const { length, intendedNs, receivedNs } = collectColumns(chunks);
    expect(length).toBe(total);
    expect([intendedNs[0], intendedNs[CHUNK_ROWS], receivedNs[total - 1]]).toEqual([0, CHUNK_ROWS, total + 1]);
  });

  it('announces a chunk before its first row', () => {
    const lengths: number[] = [];
    const log = new RequestLog((chunk) => lengths.push(chunk.length));
    for (let row = 0; row <= CHUNK_ROWS; row++) log.append(0, 0, row, ok, undefined);
    expect(lengths).toEqual([0, 0]);
  });

  it('counts failures by cause, and those beyond the bound together', () => {
    const log = new RequestLog(() => {});
    log.append(0, 0, 1, ok, undefined);
    for (let i = 0; i < MAX_CAUSES + 10; i++) log.append(0, 0, 1, outcomeCodes.error, `INTERNAL: message ${i}`);
    log.append(0, 0, 1, outcomeCodes.timeout, 'INTERNAL: message 0');
    const causes = log.causes();
    expect(Object.keys(causes)).toHaveLength(MAX_CAUSES + 1);
    expect([causes['INTERNAL: message 0'], causes[OTHER_CAUSES], log.failureCount]).toEqual([2, 10, MAX_CAUSES + 11]);
  });

  it('knows the slowest answer', () => {
    const log = new RequestLog(() => {});
    for (const [sent, received] of [
      [0, 10],
      [5, 45],
      [20, 30],
    ] as const)
      log.append(0, sent, received, ok, undefined);
    expect(log.slowestServiceNs).toBe(40);
  });
});

describe('columns of several workers', () => {
  it('are ordered by receive instant and hold every row of every worker', () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(fc.integer({ min: 0, max: 1000 }), { maxLength: 40 }), { maxLength: 4 }),
        (workers) => {
          const chunks = workers.map((instants, worker) => {
            const chunk = new RequestChunk();
            for (const at of instants.toSorted((a, b) => a - b))
              chunk.append(at - 2, at - 1, at, worker === 0 ? ok : outcomeCodes.error);
            return chunk;
          });
          const { length, intendedNs, sentNs, receivedNs } = collectColumns(chunks);
          expect([...receivedNs]).toEqual(workers.flat().sort((a, b) => a - b));
          for (let row = 0; row < length; row++)
            expect([intendedNs[row], sentNs[row]]).toEqual([receivedNs[row]! - 2, receivedNs[row]! - 1]);
        },
      ),
      { numRuns: 30 },
    );
  });
});

describe('a chunk that its reader has released', () => {
  it('is used again, and announced again, before more memory is taken', () => {
    const announced: SharedArrayBuffer[] = [];
    const log = new RequestLog((chunk) => announced.push(chunk.buffer));
    const fill = (count: number) => {
      for (let i = 0; i < count; i++) log.append(1, 2, 3, outcomeCodes.ok, undefined);
    };
    fill(CHUNK_ROWS + 1);
    const reader = new RequestChunk(announced[0]);
    expect([reader.isFull, reader.isReleased]).toEqual([true, false]);
    reader.release();
    fill(CHUNK_ROWS);
    expect(announced.length).toBe(3);
    expect(announced[2]).toBe(announced[0]);
    expect([reader.length, reader.isReleased]).toEqual([1, false]);
    fill(CHUNK_ROWS);
    expect(announced[3]).not.toBe(announced[1]);
  });
});
