import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { distinctRequestCount, expectedOutputs, makeRequest, type RequestKind } from '../../src/load/request-set.js';
import { buildDataset } from '../../src/plan/input-data/build-dataset.js';
import { readJsonData } from '../../src/plan/input-data/json-data.js';
import { sampleInput, sampleModel, samplePlan } from '../support/sample-plan.js';

const input = { name: 'IN', dataType: 'INT32', shape: [1] } as const;

/** Step n holds the number n, and expects it back. */
function kindOf(stepCount: number, batchSize: number): RequestKind {
  const steps = Array.from({ length: stepCount }, (_, step) => ({ IN: [step] }));
  const streams = readJsonData(JSON.stringify({ data: steps, validation_data: steps }), 'in.json', []);
  const dataset = buildDataset(
    [{ kind: 'json', path: 'in.json', streams }],
    {
      model: 'echo',
      inputs: [input],
      outputs: [input],
      optionalInputs: new Set(),
      generatedInputs: new Set(),
      shapes: {},
    },
    [],
  )!;
  const planned = sampleInput({ ...input, source: { kind: 'data', rowBytes: 4 } });
  return { model: sampleModel({ shapeVariants: [[planned]], dataset, outputs: [input] }), batchSize, shapeIndex: 0 };
}

const numbersOf = (bytes: Uint8Array): number[] => [...new Int32Array(bytes.slice().buffer)];

describe('requests from a data set', () => {
  it('take the steps in order, in rows, over all workers, each step equally often', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 12 }),
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 1, max: 4 }),
        (stepCount, batchSize, workerCount) => {
          const kind = kindOf(stepCount, batchSize);
          const perWorker = distinctRequestCount(samplePlan({ workerCount }), kind);
          const sent: number[] = [];
          // Two rounds of every worker's own requests, in the order in which the workers take turns.
          for (let request = 0; request < 2 * perWorker * workerCount; request++) {
            const worker = request % workerCount;
            const index = Math.floor(request / workerCount) % perWorker;
            const { inputs } = makeRequest(kind, worker, index, workerCount);
            expect(inputs[0]!.shape).toEqual([batchSize, 1]);
            sent.push(...numbersOf(inputs[0]!.bytes));
            expect(expectedOutputs(kind, worker, index, workerCount)[0]!.bytes).toEqual(inputs[0]!.bytes);
          }
          expect(sent).toEqual(sent.map((_, row) => row % stepCount));
          const counts = new Map<number, number>();
          for (const step of sent) counts.set(step, (counts.get(step) ?? 0) + 1);
          expect(new Set(counts.values()).size).toBe(1);
        },
      ),
      { numRuns: 60 },
    );
  });
});
