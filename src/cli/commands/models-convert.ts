/** `perf-ts models convert M --fp16`: one model to half precision, and what became of it in a few lines. */
import type { AccuracyMetrics } from '../../check/accuracy.js';
import { measureAccuracy, openLocally, recordReference } from '../../check/measure-accuracy.js';
import { readReferenceModel } from '../../check/reference-model.js';
import { PerfTsError } from '../../common/errors.js';
import { formatBytes } from '../../common/format.js';
import type { OptionValues } from '../../common/option-row.js';
import { type ConvertedFolder, convertFolder, nameOfSource } from '../../onnx/convert/convert-folder.js';
import type { HalfReport, KeptNode } from '../../onnx/convert/convert-model.js';
import type { RequestContents } from '../../plan/request-contents.js';
import { findLocalModel } from '../../target/choose-target.js';
import type { CommandContext } from '../command.js';
import { exitCodes } from '../exit-code.js';
import type { modelsRows } from './models-options.js';
import { readInputData } from './request-contents.js';

const reasonTexts: Readonly<Record<KeptNode['reason'], string>> = {
  requested: 'asked for',
  range: 'results leave the range of FP16',
  constants: 'constants beyond FP16',
  unsupported: 'no FP16 form',
  'control-flow': 'control flow',
  'unknown-type': 'types unknown',
  'index-arithmetic': 'whole numbers',
  'between-kept': 'between FP32 values',
};

/** A path as given, or the folder of a model in the repository (./models where none is named) or of a demo model. */
export async function findModelPath(
  word: string,
  modelRepository: string | undefined,
  { terminal }: CommandContext,
): Promise<string> {
  if (/[/\\]/.test(word) || word.endsWith('.onnx')) return word;
  return (await findLocalModel(word, modelRepository, (sentence) => terminal.say(sentence))).modelFolder;
}

export async function convertModel(
  words: readonly string[],
  values: OptionValues<typeof modelsRows>,
  context: CommandContext,
): Promise<number> {
  const [word] = words;
  if (word === undefined || words.length > 1) {
    const what = word === undefined ? 'names no model' : `takes one model, not ${words.length}`;
    const hint = 'for example perf-ts models convert resnet18 --fp16 --to ./models';
    throw new PerfTsError('BAD_OPTION', { where: 'models convert', what, hint });
  }
  if (!values.fp16) {
    throw new PerfTsError('BAD_OPTION', {
      where: 'models convert',
      what: 'does not say into what',
      hint: 'add --fp16',
    });
  }
  const source = await findModelPath(word, values.modelRepository, context);
  const converted = await convertFolder({
    source,
    toRepository: values.to,
    name: values.name ?? `${nameOfSource(source)}_fp16`,
    keepIoTypes: values.keepIoTypes,
    keepFp32: values.keepFp32.flat(),
  });
  const answers = await checkAnswers(source, converted.folder, values);
  if (values.json) context.terminal.printJson({ schema: 'perf-ts/conversion@1', ...converted, answers });
  else for (const line of describeConversion(converted)) context.terminal.print(line);
  context.terminal.say(describeAnswers(answers));
  return exitCodes.ok;
}

function* describeConversion({ folder, versions }: ConvertedFolder): Generator<string> {
  yield `wrote ${folder}`;
  for (const { version, report, sizes } of versions) {
    const prefix = versions.length === 1 ? '  ' : `  version ${version}: `;
    yield `${prefix}${report.convertedCount} nodes FP16, ${report.kept.length} FP32, ${report.castCount} Casts added; ${formatBytes(sizes.beforeBytes)} -> ${formatBytes(sizes.afterBytes)}`;
    for (const line of describeReport(report)) yield `  ${line}`;
  }
}

function* describeReport({
  convertedCount,
  kept,
  outOfRange,
  changedInputs,
  changedOutputs,
}: HalfReport): Generator<string> {
  if (convertedCount === 0) yield 'nothing computes in FP16: no node of it gains from a conversion';
  const groups = new Map<string, number>();
  for (const { opType, reason } of kept) {
    const group = `${opType} (${reasonTexts[reason]})`;
    groups.set(group, (groups.get(group) ?? 0) + 1);
  }
  if (groups.size > 0) yield `FP32: ${[...groups].map(([group, count]) => `${count} ${group}`).join(', ')}`;
  const clamped = outOfRange.filter((constant) => constant.clamped > 0);
  const total = (counts: readonly number[]): number => counts.reduce((sum, count) => sum + count, 0);
  if (clamped.length > 0) {
    const names = clamped.slice(0, 4).map(({ name }) => name);
    const more = clamped.length > names.length ? ', …' : '';
    yield `clamped to ±65504: ${total(clamped.map((constant) => constant.clamped))} constant values in ${names.join(', ')}${more}`;
  }
  const raised = total(outOfRange.map((constant) => constant.raised));
  if (raised > 0) yield `raised to 6e-8, because FP16 would make them 0: ${raised} constant values`;
  const changed = [...changedInputs, ...changedOutputs];
  if (changed.length > 0) yield `FP16 for clients: ${changed.join(', ')}`;
}

/** Few requests tell whether a conversion changed the model, and cost a moment. */
const CHECKED_SAMPLES = 4;
/** As a sweep asks of a variant in half precision. */
const ALIKE = 0.999;

type AnswerCheck =
  | { readonly state: 'checked'; readonly metrics: AccuracyMetrics }
  | { readonly state: 'unchecked'; readonly reason: string };

/** The converted model's answers beside the original's, on generated inputs; a model that needs shapes is left unchecked without them. */
async function checkAnswers(
  source: string,
  converted: string,
  values: Pick<OptionValues<typeof modelsRows>, 'shape' | 'inputData' | 'seed'>,
): Promise<AnswerCheck> {
  const contents: RequestContents = {
    ...(await readInputData(values.inputData)),
    shapes: Object.fromEntries(values.shape.map(({ input, dims }) => [input, dims])),
  };
  try {
    const reference = await recordReference(await readReferenceModel(source), {
      count: CHECKED_SAMPLES,
      seed: values.seed,
      contents,
    });
    const ask = await openLocally(await readReferenceModel(converted));
    const { metrics } = await measureAccuracy(reference, ask.ask).finally(() => ask.close());
    return { state: 'checked', metrics };
  } catch (thrown) {
    if (!(thrown instanceof PerfTsError)) throw thrown;
    return { state: 'unchecked', reason: thrown.problems.map(({ what }) => what).join('; ') };
  }
}

function describeAnswers(check: AnswerCheck): string {
  if (check.state === 'unchecked') {
    return `Answers were not compared: ${check.reason}. Give --shape or --input-data, or use perf-ts models compare.`;
  }
  const { accuracy_cosine: cosine, accuracy_max_abs: most } = check.metrics;
  const size = `cosine ${cosine === null ? '-' : cosine.toFixed(6)}, largest difference ${most === null ? '-' : Number(most.toPrecision(3))}`;
  if (cosine === null || cosine >= ALIKE) return `Answers on ${CHECKED_SAMPLES} generated requests: ${size}.`;
  return `The conversion CHANGED the answers (${size}): keep more of it in FP32 with --keep-fp32, and compare on real inputs with perf-ts models compare.`;
}
