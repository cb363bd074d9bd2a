import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packageRoot } from '../../src/common/package-root.js';
import { millis } from '../../src/common/units.js';
import { addZooModels } from '../../src/onnx/zoo/zoo.js';
import { describeKnobContext, selectUsable } from '../../src/tune/knobs/host-context.js';
import { createEngineLauncher } from '../../src/tune/launch-variant.js';
import { buildSearchSpace, countVariants, defaultParameters, variantKey } from '../../src/tune/search-space.js';
import { strategies } from '../../src/tune/strategies/strategy-table.js';
import { closedLoad, searchConcurrency } from '../../src/tune/study-load.js';
import { readStudyModel } from '../../src/tune/study-model.js';
import { readSweepFile } from '../../src/tune/sweep-file.js';
import { createVariant, defaultVariant } from '../../src/tune/variants.js';

const name = 'simple_cnn';
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'perf-ts-test-'));
  await addZooModels([name], folder);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Knobs that need what a host may lack. */
const mayBeMissing = /^(cuda|tensorrt|openvino)_|^execution_provider /;

describe('a sweep file that ships', { timeout: 60_000 }, () => {
  const files = readdirSync(join(packageRoot, 'sweeps')).filter((file) => file.endsWith('.yaml'));

  it.each(files)('%s parses, expands, and runs a trial with what this host has', async (file) => {
    const signal = new AbortController().signal;
    const sweep = await readSweepFile(join(packageRoot, 'sweeps', file));
    expect(sweep.budget).toBeGreaterThan(0);
    const model = await readStudyModel(name, join(folder, name));
    const { knobs } = sweep;
    const context = await describeKnobContext({ model, selection: knobs, runtimes: [], signal });
    const { selection, leftOut } = selectUsable(context, knobs);
    for (const sentence of leftOut) expect(sentence).toMatch(mayBeMissing);
    const space = buildSearchSpace(context, selection);
    expect(countVariants(space, 1)).toBe(1);

    const strategy = strategies[sweep.strategy ?? 'quick']({ space, seed: 1 });
    strategy.tell(defaultParameters(space), { state: 'complete', score: 1, scoreError: 0.01, violation: 0 });
    const parameters = strategy.ask()!;
    expect(variantKey(space, parameters)).not.toBe(variantKey(space, defaultParameters(space)));
    const variant = createVariant(model, space, parameters, context);
    const base = defaultVariant(model, space);
    const launcher = await createEngineLauncher({ model, isDemoModel: true });
    try {
      const launched = await launcher.launchVariant(variant, { seed: 1, signal });
      const load = closedLoad(searchConcurrency(model, variant, base, sweep.objective!), variant.load?.batchSize);
      const level = await launched.measure({ load, duration: millis(500), signal, onProgress() {} });
      await launched.close();
      expect(level.errors).toEqual({});
      expect(level.throughputPerSec.value).toBeGreaterThan(0);
      const trial = { level, loadTimeNs: launched.loadTimeNs };
      expect(sweep.objective!.read(trial), 'the objective is measured').toBeGreaterThan(0);
    } finally {
      await launcher.close();
    }
  });
});
