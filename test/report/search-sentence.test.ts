import { describe, expect, it } from 'vitest';
import { exitCodeOfRun } from '../../src/cli/exit-code.js';
import { runRecordSchema } from '../../src/record/run-record.js';
import type { SearchRecord } from '../../src/record/search-record.js';
import { renderRunTable } from '../../src/report/console-table.js';
import { renderRunReport } from '../../src/report/html-report.js';
import { renderRunMarkdown } from '../../src/report/markdown.js';
import { searchSentence, searchSentences } from '../../src/report/search-sentence.js';
import { sampleRun } from '../support/sample-records.js';

const found: SearchRecord = {
  load: 'concurrency',
  batchSize: 1,
  latencyLimitNs: 20e6,
  metric: 'latency_p99',
  start: 1,
  end: 64,
  step: 1,
  result: 'found',
  highestHeld: 26,
  lowestFailed: 27,
  unsteady: [],
};

describe('what a binary search came to', () => {
  it.each([
    [{}, 'The highest concurrency that holds p99 at most 20.0 ms is 26; 27 did not hold (searched to within 1).'],
    [
      { load: 'request_rate', highestHeld: 1.625, lowestFailed: 2, step: 0.5 },
      'The highest request rate that holds p99 at most 20.0 ms is 1.625/s; 2/s did not hold (searched to within 0.500/s).',
    ],
    [
      { result: 'all-hold', highestHeld: 64, lowestFailed: null, metric: 'latency_mean' },
      'Both ends of the range hold mean at most 20.0 ms, concurrency 1 and 64; a higher end may show more.',
    ],
    [
      { result: 'all-hold', start: 64, highestHeld: 64, lowestFailed: null },
      'The only concurrency of the range, 64, holds p99 at most 20.0 ms; a higher end may show more.',
    ],
    [
      { result: 'none-holds', highestHeld: null, lowestFailed: 1 },
      'Not even the start of the range, concurrency 1, holds p99 at most 20.0 ms.',
    ],
    [
      { result: 'undecided', highestHeld: 16, lowestFailed: 32, unsteady: [32] },
      'Undecided which concurrency holds p99 at most 20.0 ms: at 32 the latency was not steady; 16 is the highest that held, 32 the lowest that did not.',
    ],
    [
      { result: 'interrupted', highestHeld: null, lowestFailed: null },
      'The search for the highest concurrency that holds p99 at most 20.0 ms was cut short; none held.',
    ],
  ] as [Partial<SearchRecord>, string][])('is said in one line: %j', (changes, sentence) => {
    expect(searchSentence({ ...found, ...changes })).toBe(sentence);
  });

  it('is told apart by batch size and shape where there are several', () => {
    const second = { ...found, batchSize: 4, shapes: 'x:1,32', result: 'none-holds' } as const;
    expect(searchSentences([found, second])).toMatch(/^Batch 1: The highest .* Batch 4, x:1,32: Not even /);
  });

  it('is the first line of every report, and kept by the record', async () => {
    const record = runRecordSchema.parse({ ...sampleRun, searches: [found] });
    expect(record.searches).toEqual([found]);
    const line = searchSentence(found);
    expect(renderRunTable(record, { width: 400, color: false }).replaceAll(/\s+/g, ' ')).toContain(line);
    expect(renderRunMarkdown(record)).toContain(`**${line}** Peak 405 inferences/s`);
    expect(await renderRunReport(record)).toContain(line);
    // A search without a result is a run all the same.
    expect(exitCodeOfRun({ ...record, searches: [{ ...found, result: 'none-holds' }] } as typeof record)).toBe(0);
  });
});
