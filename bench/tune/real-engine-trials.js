// Variants of a demo model on the bundled engine, each in a fresh process. Not a benchmark itself.

import { systemClock } from '../../dist/src/common/clock.js';
import { packageRoot } from '../../dist/src/common/package-root.js';
import { createRng } from '../../dist/src/common/random.js';
import { seconds } from '../../dist/src/common/units.js';
import { findLocalModel } from '../../dist/src/target/choose-target.js';
import { describeKnobContext } from '../../dist/src/tune/knobs/host-context.js';
import { createEngineLauncher } from '../../dist/src/tune/launchers/engine-launcher.js';
import { parseObjective } from '../../dist/src/tune/objectives/objective.js';
import { closedLoad, searchConcurrency } from '../../dist/src/tune/studies/study-load.js';
import { readStudyModel } from '../../dist/src/tune/studies/study-model.js';
import { buildSearchSpace, defaultParameters, enumerateVariants } from '../../dist/src/tune/variants/search-space.js';
import { createVariant, defaultVariant } from '../../dist/src/tune/variants/variants.js';

const MODEL = 'simple_cnn';
const never = new AbortController().signal;

export async function openBench(knobs) {
  const { modelFolder, isDemoModel } = await findLocalModel(MODEL, undefined, () => undefined);
  const model = await readStudyModel(MODEL, modelFolder);
  const context = await describeKnobContext({ model, selection: knobs, runtimes: [], signal: never });
  const space = buildSearchSpace(context, knobs);
  const launcher = await createEngineLauncher({ model, isDemoModel });
  return {
    root: packageRoot,
    model,
    context,
    space,
    objective: parseObjective('throughput'),
    defaults: defaultParameters(space),
    launchVariant: launcher.launchVariant,
    /** Every legal variant, always in the same drawn order. */
    shuffledVariants() {
      const rng = createRng(1);
      return [...enumerateVariants(space)]
        .map((parameters) => ({ parameters, at: rng.next() }))
        .sort((a, b) => a.at - b.at)
        .map(({ parameters }) => parameters);
    },
    close: () => launcher.close(),
  };
}

/** Inferences a second at the variant's own load; `score` is null when it does not serve. */
export async function measureVariant(bench, parameters, levelSeconds, seed) {
  const { model, space, context, objective } = bench;
  const variant = createVariant(model, space, parameters, context);
  const load = closedLoad(searchConcurrency(model, variant, defaultVariant(model, space), objective));
  const started = systemClock.now();
  const launched = await bench.launchVariant(variant, { seed, signal: never });
  const ready = systemClock.now();
  let level;
  try {
    level = await launched.measure({ load, duration: seconds(levelSeconds), signal: never, onProgress() {} });
  } finally {
    const measured = systemClock.now();
    await launched.close();
    bench.lastTimes = { started, ready, measured, closed: systemClock.now() };
  }
  const { ready: from, measured, closed } = bench.lastTimes;
  const score = level.verdict === 'INVALID' ? null : (level.throughputPerSec?.value ?? null);
  const spent = (closed - started) / 1e9;
  return { score, seconds: spent, overheadSeconds: spent - (measured - from) / 1e9 };
}

/** How much of the second's throughput the first serves: one after the other, the order turning from round to round. */
export async function measureRound(bench, [first, second], levelSeconds, seed) {
  const scores = new Map();
  for (const parameters of seed % 2 === 0 ? [first, second] : [second, first]) {
    const { score } = await measureVariant(bench, parameters, levelSeconds, seed);
    scores.set(parameters, score ?? 0);
  }
  return scores.get(first) / scores.get(second);
}
