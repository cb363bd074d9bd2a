/** `perf-ts runtime compare -m MODEL`: one model on every provider that works here, with speeds and accuracy in one table. */
import { existsSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { recordReference } from '../../check/measure-accuracy.js';
import { systemClock } from '../../common/clock.js';
import { PerfTsError } from '../../common/errors.js';
import { formatDuration, formatRate } from '../../common/format.js';
import type { OptionValues } from '../../common/option-row.js';
import { elapsed } from '../../common/units.js';
import { type ChosenPair, checkProviderNames, choosePairs } from '../../compare/choose-pairs.js';
import { compareRuntimes } from '../../compare/compare-runtimes.js';
import type { PairRound, RuntimeComparison } from '../../compare/runtime-comparison.js';
import { servePair } from '../../compare/serve-pairs.js';
import type { RequestContents } from '../../plan/request-contents.js';
import { resolveRuntime } from '../../runtime/resolve-runtime.js';
import { surveyRuntimes } from '../../runtime/survey-runtimes.js';
import { findLocalModel } from '../../target/choose-target.js';
import { createEngineLauncher } from '../../tune/launchers/engine-launcher.js';
import { findServedFile, readStudyModel } from '../../tune/studies/study-model.js';
import type { StudyModel } from '../../tune/variants/variants.js';
import type { CommandContext } from '../command.js';
import { exitCodes } from '../exit-code.js';
import { readInputData } from './request-contents.js';
import { compareDefaults, type runtimeCompareRows } from './runtime-compare-options.js';
import { renderComparison } from './runtime-compare-table.js';

type CompareValues = OptionValues<typeof runtimeCompareRows> & { readonly json: boolean };

interface FoundModel {
  readonly model: StudyModel;
  readonly isDemoModel: boolean;
}

export async function compareOnRuntimes(values: CompareValues, context: CommandContext): Promise<number> {
  const { terminal, signal } = context;
  const started = systemClock.now();
  checkProviderNames(values.providers);
  const runtimes = values.runtimes.map((name) => resolveRuntime(name).name);
  const { model, isDemoModel } = await findModel(values, context);
  const settings = withDefaults(values);
  checkBatchSize(model, settings.batchSize);
  const contents: RequestContents = {
    ...(await readInputData(values.inputData)),
    shapes: Object.fromEntries(values.shapes.map(({ input, dims }) => [input, dims])),
  };
  const reference = await recordReference(
    { name: model.name, modelFile: await findServedFile(model), config: model.completed },
    { count: settings.samples, seed: settings.seed, contents },
  );
  terminal.progress('Trying every provider of every build …');
  const survey = await surveyRuntimes({ signal });
  terminal.clearProgress();
  const pairs = choosePairs(survey.runtimes, { runtimes, providers: values.providers });
  const launcher = await createEngineLauncher({ model, isDemoModel, requests: contents });
  try {
    const compared = await compareRuntimes(
      { pairs, roundCount: settings.rounds, budget: settings.budget },
      {
        serve: (pair, round, ended) => servePair({ model, launcher, reference, ...settings }, pair, round, ended),
        clock: systemClock,
        signal,
        onTurn: ({ round, pair, left }) =>
          terminal.progress(
            `round ${round + 1} of ${settings.rounds}  ${nameOf(pair)}  ${formatDuration(left)} of the budget left`,
          ),
        onTurnEnd: (pair, outcome) => terminal.milestone(`  ${nameOf(pair)}  ${describeOutcome(outcome)}`),
      },
    );
    terminal.clearProgress();
    const { concurrency, batchSize } = settings;
    const comparison: RuntimeComparison = {
      schema: 'perf-ts/runtime-comparison@1',
      model: model.name,
      isDemoModel,
      load: { kind: 'closed', concurrency, batchSize },
      sampleCount: reference.samples.length,
      roundCount: settings.rounds,
      isInterrupted: signal.aborted,
      durationNs: elapsed(started, systemClock.now()),
      pairs: compared,
    };
    if (values.json) terminal.printJson(comparison);
    else terminal.print(renderComparison(comparison, Math.min(terminal.width, 150)));
    if (signal.aborted) return exitCodes.interrupted;
    return compared.some(({ state }) => state === 'complete') ? exitCodes.ok : exitCodes.noValidLevel;
  } finally {
    await launcher.close();
  }
}

const nameOf = ({ runtime, provider }: ChosenPair): string => `${runtime} ${provider}`;

const describeOutcome = (outcome: PairRound | string): string =>
  typeof outcome === 'string' ? `failed: ${outcome}` : `${formatRate(outcome.throughputPerSec)} infer/s`;

/** By path, or by name as measuring finds it. */
async function findModel(
  { model: word, modelRepository }: CompareValues,
  { terminal }: CommandContext,
): Promise<FoundModel> {
  if (word === undefined) {
    const hint = 'for example perf-ts runtime compare -m resnet18';
    throw new PerfTsError('BAD_OPTION', { where: '--model', what: 'is required', hint });
  }
  if (!/[/\\]/.test(word) && !word.endsWith('.onnx')) {
    const found = await findLocalModel(word, modelRepository, (sentence) => terminal.milestone(sentence));
    return { model: await readStudyModel(word, found.modelFolder), isDemoModel: found.isDemoModel };
  }
  const folder = resolve(word);
  if (word.endsWith('.onnx') || !existsSync(folder)) {
    throw new PerfTsError('BAD_OPTION', {
      where: `--model ${word}`,
      what: existsSync(folder) ? 'is a file, and our engine serves model folders' : 'does not exist',
      hint: 'give a model folder, such as ./models/mine with 1/model.onnx in it, or a demo model',
    });
  }
  return { model: await readStudyModel(basename(folder), folder), isDemoModel: false };
}

function withDefaults(values: CompareValues) {
  const { concurrency, batchSize, rounds, budget, samples, seed } = compareDefaults;
  return {
    concurrency: values.concurrency ?? concurrency,
    batchSize: values.batchSize ?? batchSize,
    rounds: values.rounds ?? rounds,
    budget: values.budget ?? budget,
    samples: values.samples ?? samples,
    seed: values.seed ?? seed,
  };
}

/** Said before any engine is started for it. */
function checkBatchSize({ name, completed }: StudyModel, batchSize: number): void {
  const most = Math.max(1, completed.max_batch_size ?? 0);
  if (batchSize <= most) return;
  const what = `is more than the ${most} rows that ${name} takes`;
  throw new PerfTsError('BAD_OPTION', { where: '--batch-size', what, hint: `give at most ${most}` });
}
