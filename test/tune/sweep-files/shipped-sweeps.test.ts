import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packageRoot } from '../../../src/common/package-root.js';
import { millis } from '../../../src/common/units.js';
import { addZooModels } from '../../../src/onnx/zoo/zoo.js';
import { openEngineServer } from '../../../src/tune/launchers/engine-server.js';
import type { StudyServer } from '../../../src/tune/launchers/study-server.js';
import { strategies } from '../../../src/tune/strategies/strategy-table.js';
import { closedLoad, searchConcurrency } from '../../../src/tune/studies/study-load.js';
import type { StudyOptions } from '../../../src/tune/studies/study-options.js';
import { describeSubject, type Subject } from '../../../src/tune/studies/study-subject.js';
import { countAll, unchangedVariant, variantAt } from '../../../src/tune/studies/study-variants.js';
import { readSweepFile, type SweptModel } from '../../../src/tune/sweep-files/sweep-file.js';
import { describeMembers } from '../../../src/tune/together/describe-members.js';
import { defaultParameters, type KnobSelection, variantKey } from '../../../src/tune/variants/search-space.js';

const name = 'simple_cnn';
const other = 'text_recognition';
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'perf-ts-test-'));
  await addZooModels([name, other], folder);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Knobs that need what a host may lack. */
const mayBeMissing = /^(cuda|tensorrt|openvino)_|^execution_provider /;

type Study = Pick<StudyOptions, 'model' | 'space' | 'context' | 'together'>;
const signal = new AbortController().signal;

async function describeOne(knobs: KnobSelection | undefined): Promise<{ study: Study; server: StudyServer }> {
  const server = await openEngineServer({ model: name, modelFolder: join(folder, name), isDemoModel: true });
  const subject = await describeSubject(server, { selection: knobs, runtimes: [], signal });
  return { study: studyOf(server, subject), server };
}

async function describeSeveral(models: readonly SweptModel[], knobs: KnobSelection | undefined) {
  const together = models.map((model) => ({ ...model, folder: join(folder, model.name) }));
  const server = await openEngineServer({ model: '', modelFolder: '', together, isDemoModel: true });
  const question = { selection: knobs, runtimes: [], signal };
  const subject = await describeMembers(server, server.models!, together, question);
  return { study: studyOf(server, subject), server };
}

function studyOf({ model }: StudyServer, { context, leftOut, without }: Subject): Study {
  for (const sentence of leftOut) expect(sentence).toMatch(mayBeMissing);
  return { model, context, ...without([]) };
}

describe('a sweep file that ships', { timeout: 60_000 }, () => {
  const files = readdirSync(join(packageRoot, 'sweeps')).filter((file) => file.endsWith('.yaml'));

  it.each(files)('%s parses, expands, and runs a trial with what this host has', async (file) => {
    const sweep = await readSweepFile(join(packageRoot, 'sweeps', file));
    expect(sweep.budget).toBeGreaterThan(0);
    const { knobs, models } = sweep;
    const { study, server } = models.length > 1 ? await describeSeveral(models, knobs) : await describeOne(knobs);
    const { space } = study;
    expect(countAll(study, 1)).toBe(1);

    const strategy = strategies[sweep.strategy ?? 'quick']({ space, seed: 1 });
    strategy.tell(defaultParameters(space), { state: 'complete', score: 1, scoreError: 0.01, violation: 0 });
    const parameters = strategy.ask()!;
    expect(variantKey(space, parameters)).not.toBe(variantKey(space, defaultParameters(space)));
    const variant = variantAt(study, parameters);
    const base = unchangedVariant(study);
    try {
      const launched = await server.launchVariant(variant, { seed: 1, signal });
      const load = closedLoad(searchConcurrency(study.model, variant, base, sweep.objective!), variant.load?.batchSize);
      const level = await launched.measure({ load, duration: millis(500), signal, onProgress() {} });
      await launched.close();
      expect(level.errors).toEqual({});
      expect(level.throughputPerSec.value).toBeGreaterThan(0);
      const trial = { level, loadTimeNs: launched.loadTimeNs };
      expect(sweep.objective!.read(trial), 'the objective is measured').toBeGreaterThan(0);
    } finally {
      await server.close();
    }
  });
});
