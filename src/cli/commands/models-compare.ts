/** `perf-ts models compare MODEL VARIANT`: how far a variant's answers are from the model's own on the CPU. */
import { existsSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import type { AccuracyReport, OutputAccuracy } from '../../check/accuracy.js';
import { askServer, measureAccuracy, type ReferenceAnswers, recordReference } from '../../check/measure-accuracy.js';
import { readReferenceModel } from '../../check/reference-model.js';
import { defaultClientKinds, inferClients } from '../../client/create-infer-client.js';
import { PerfTsError } from '../../common/errors.js';
import type { OptionValues } from '../../common/option-row.js';
import type { RequestContents } from '../../plan/request-contents.js';
import { resolveRuntime } from '../../runtime/resolve-runtime.js';
import { launchEmbeddedTarget } from '../../target/embedded-target.js';
import { connectRemoteTarget } from '../../target/remote-target.js';
import type { Target } from '../../target/target.js';
import type { CommandContext } from '../command.js';
import { exitCodes } from '../exit-code.js';
import { findModelPath } from './models-convert.js';
import type { modelsRows } from './models-options.js';
import { readInputData } from './request-contents.js';

const REQUEST_TIMEOUT_MS = 120_000;

export async function compareModels(
  words: readonly string[],
  values: OptionValues<typeof modelsRows>,
  context: CommandContext,
): Promise<number> {
  const [model, variant] = words;
  if (model === undefined || variant === undefined || words.length > 2) {
    const what = `takes a model and a variant of it, not ${words.length === 1 ? 'one word' : `${words.length} words`}`;
    const hint = 'for example perf-ts models compare resnet18 ./models/resnet18_fp16';
    throw new PerfTsError('BAD_OPTION', { where: 'models compare', what, hint });
  }
  // A runtime that is not there is told before the reference takes its time.
  const library = values.runtime === undefined ? undefined : resolveRuntime(values.runtime).libraryPath;
  const contents: RequestContents = {
    ...(await readInputData(values.inputData)),
    shapes: Object.fromEntries(values.shape.map(({ input, dims }) => [input, dims])),
  };
  const path = await findModelPath(model, values.modelRepository, context);
  const reference = await recordReference(await readReferenceModel(path), {
    count: values.samples,
    seed: values.seed,
    contents,
  });
  const target = await openVariant(
    variant,
    { endpoint: values.url, library, modelRepository: values.modelRepository },
    context,
  );
  try {
    const report = await askTarget(target, variantName(variant), reference, values.ctc, context.signal);
    if (values.json)
      context.terminal.printJson({
        schema: 'perf-ts/accuracy@1',
        model,
        variant,
        runtime: values.runtime ?? null,
        ...report,
      });
    else for (const line of describeReport(report)) context.terminal.print(line);
    return exitCodes.ok;
  } finally {
    await target.close();
  }
}

const variantName = (variant: string): string => (/[/\\]/.test(variant) ? basename(resolve(variant)) : variant);

interface VariantPlace {
  readonly endpoint: string | undefined;
  /** Of our engine; the bundled one when left out. */
  readonly library: string | undefined;
  readonly modelRepository: string | undefined;
}

async function openVariant(
  variant: string,
  { endpoint, library, modelRepository }: VariantPlace,
  context: CommandContext,
): Promise<Target> {
  if (endpoint !== undefined) return connectRemoteTarget({ endpoint, model: variantName(variant), modelVersion: '' });
  const folder = await findModelPath(variant, modelRepository, context);
  if (folder.endsWith('.onnx') || !existsSync(folder)) {
    throw new PerfTsError('BAD_OPTION', {
      where: variant,
      what: existsSync(folder) ? 'is a file, and our engine serves model folders' : 'does not exist',
      hint: 'give a model folder, such as models convert writes, or a server that has it with -u',
    });
  }
  return launchEmbeddedTarget({
    modelRepository: dirname(resolve(folder)),
    model: basename(resolve(folder)),
    protocol: 'grpc',
    isDemoModel: false,
    ...(library === undefined ? {} : { engineFlags: [`--ort-library=${library}`] }),
    signal: context.signal,
  });
}

async function askTarget(
  target: Target,
  model: string,
  reference: ReferenceAnswers,
  isCtc: boolean,
  signal: AbortSignal,
): Promise<AccuracyReport> {
  const metadata = await target.admin.modelMetadata(model);
  const client = await inferClients[defaultClientKinds[target.protocol]]({
    endpoint: target.endpoint,
    onCompletion: () => undefined,
    requestTimeoutMs: REQUEST_TIMEOUT_MS,
  });
  try {
    const ask = askServer(client, { metadata, timeoutMs: REQUEST_TIMEOUT_MS });
    return await Promise.race([measureAccuracy(reference, ask, { isCtc, signal }), target.failure]);
  } finally {
    await client.close();
  }
}

function* describeReport({ sampleCount, outputs }: AccuracyReport): Generator<string> {
  yield `${sampleCount} answers against FP32 on the CPU`;
  for (const output of outputs) {
    yield `${output.name} (${output.valueCount} values, ${percent(output.equal)} equal)`;
    yield* describeOutput(output).map((line) => `  ${line}`);
  }
}

function describeOutput(output: OutputAccuracy): string[] {
  const { maxAbs, meanAbs, maxRel, meanRel, cosine, nanCount, infinityCount, top1, top5, cer } = output;
  const parts = [
    maxAbs === null ? undefined : `absolute error  max ${short(maxAbs)}, mean ${short(meanAbs)}`,
    maxRel === null ? undefined : `relative error  max ${short(maxRel)}, mean ${short(meanRel)}`,
    cosine === null ? undefined : `cosine          ${cosine.toFixed(8)}`,
    nanCount + infinityCount === 0 ? undefined : `not finite      ${nanCount} NaN, ${infinityCount} infinite`,
    top1 === null
      ? undefined
      : `same class      top-1 ${percent(top1)}${top5 === null ? '' : `, top-5 ${percent(top5)}`}`,
    cer === null ? undefined : `CTC text        ${percent(cer)} of the characters differ`,
  ];
  return parts.filter((part) => part !== undefined);
}

const short = (value: number | null): string => (value === null ? '-' : Number(value.toPrecision(3)).toString());
/** Rounded towards failure: only all of them are 100 %. */
const percent = (share: number): string => `${(Math.floor(share * 10_000) / 100).toFixed(2)} %`;
