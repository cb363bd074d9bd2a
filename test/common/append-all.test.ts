import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { appendAll, largestOf, smallestOf } from '../../src/common/append-all.js';
import type { Problem } from '../../src/common/errors.js';
import { buildDataset } from '../../src/plan/input-data/build-dataset.js';
import { shortened } from '../../src/plan/input-data/data-files.js';

const MANY = 150_000;

describe('lists of any length', () => {
  it('are appended and compared without a spread, which ends at about 120,000 elements', () => {
    const list = [1];
    appendAll(
      list,
      Array.from({ length: MANY }, (_, index) => index),
    );
    expect(list).toHaveLength(MANY + 1);
    expect([largestOf(list), smallestOf(list), largestOf([], 0), smallestOf([])]).toEqual([MANY - 1, 0, 0, Infinity]);
  });

  it('of faulty steps are told by their first ones', () => {
    const steps = Array.from({ length: MANY }, (_, index) => ({
      place: `x.json: data[${index}]`,
      inputs: new Map([['NOPE', { content: [1] }]]),
      outputPlace: '',
      outputs: new Map(),
    }));
    const problems: Problem[] = [];
    const model = {
      model: 'm',
      inputs: [{ name: 'IN', dataType: 'FP32' as const, shape: [1] }],
      outputs: [],
      optionalInputs: new Set<string>(),
      generatedInputs: new Set<string>(),
      shapes: {},
    };
    expect(buildDataset([{ kind: 'json', path: 'x.json', streams: [steps] }], model, problems)).toBeUndefined();
    expect(problems.length).toBeGreaterThanOrEqual(MANY);
    const told = shortened(problems);
    expect(told).toHaveLength(21);
    expect(told.at(-1)?.what).toMatch(/^has \d+ more such problems$/);
  });

  it('are never spread into push where files and models are read', () => {
    const root = fileURLToPath(new URL('../../', import.meta.url));
    const files = ['src/plan', 'src/model-config', 'engine/repository'].flatMap((room) =>
      readdirSync(join(root, room), { recursive: true, encoding: 'utf8' })
        .filter((name) => name.endsWith('.ts'))
        .map((name) => join(root, room, name)),
    );
    expect(files.length).toBeGreaterThan(50);
    expect(files.filter((file) => /\.(push|unshift)\(\s*\.\.\./.test(readFileSync(file, 'utf8')))).toEqual([]);
  });
});
