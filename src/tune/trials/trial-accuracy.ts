/**
 * How far a variant's answers are from those of the unchanged model on the CPU in FP32, for the variants that may
 * compute otherwise. What the unchanged model answers is recorded once a study, when first needed.
 */
import { askServer, measureAccuracy, type ReferenceAnswers, recordReference } from '../../check/measure-accuracy.js';
import { defaultClientKinds, inferClients } from '../../client/create-infer-client.js';
import { PerfTsError } from '../../common/errors.js';
import type { RequestContents } from '../../plan/request-contents.js';
import type { TrialAccuracy } from '../../record/study-record.js';
import { knobs } from '../knobs/knobs.js';
import type { LaunchedVariant } from '../launchers/launched-variant.js';
import { type Constraint, parseConstraint } from '../objectives/constraint.js';
import { isAccuracyMetric } from '../objectives/metric.js';
import { findServedFile } from '../studies/study-model.js';
import { plainKnob } from '../together/member.js';
import type { StudyModel, Variant } from '../variants/variants.js';

/** The samples are as many as the reference answers in about this time, within these bounds; a data file has its own. */
const REFERENCE_TIME_MS = 1500;
const [FIRST, MOST] = [2, 256];
const SAMPLE_SEED = 20_240_117;
const REQUEST_TIMEOUT_MS = 60_000;
/** What a change of precision must keep unless the study's own limits say how near the answers have to be. */
const ownLimit = parseConstraint('accuracy_cosine >= 0.999');
/** It binds only where answers could be compared; a limit of the study's own must be measured. */
export const bindsWithoutAnswers = (constraint: Constraint): boolean => constraint !== ownLimit;

/** Rejects when the server fails or answers in another form. */
export type CompareAnswers = (launched: LaunchedVariant, signal: AbortSignal) => Promise<TrialAccuracy>;

/** Knobs that decide what computes, and so may change what is computed. */
const computingKnobs = new Set(
  knobs
    .filter(({ name, place }) => place === 'accelerator' || place === 'model-file' || name === 'runtime')
    .map(({ name }) => name),
);

/** Whether a variant computes with other arithmetic than the unchanged model: another provider, build or precision. */
export const mayAnswerOtherwise = ({ changed }: Pick<Variant, 'changed'>): boolean =>
  changed.some((name) => computingKnobs.has(plainKnob(name)));

/** Whether a variant's answers have to be compared: it may differ, or a limit is on them. */
export const needsComparison = (variant: Variant, constraints: readonly Constraint[]): boolean =>
  mayAnswerOtherwise(variant) || constraints.some(({ metric }) => isAccuracyMetric(metric));

/**
 * The study's limits for this variant: with one on its answers where they may differ and no limit says how far. NaN and
 * infinities that the reference lacks make the cosine 0, so that limit excludes them too.
 */
export function limitsOf(variant: Variant, constraints: readonly Constraint[]): readonly Constraint[] {
  if (!mayAnswerOtherwise(variant) || constraints.some(({ metric }) => metric === ownLimit.metric)) return constraints;
  return [...constraints, ownLimit];
}

export interface AnswerComparison {
  readonly model: StudyModel;
  /** What requests hold, where the model leaves it open. */
  readonly requests?: RequestContents | undefined;
  /** Whether outputs of rank 3 are read as text, for a limit on its errors. */
  readonly isCtc: boolean;
}

/** Recording the reference blocks this process while the variant's server waits; nothing is measured then. */
export function createAnswerComparison({ model, requests, isCtc }: AnswerComparison): CompareAnswers {
  let reference: Promise<ReferenceAnswers> | undefined;
  return async ({ target }, signal) => {
    if (target === undefined) throw new PerfTsError('TARGET_REFUSED', { what: 'answers cannot be asked for here' });
    reference ??= recordEnough(model, requests);
    const expected = await reference;
    const metadata = await target.admin.modelMetadata(model.name);
    const client = await inferClients[defaultClientKinds[target.protocol]]({
      endpoint: target.endpoint,
      onCompletion: () => undefined,
      requestTimeoutMs: REQUEST_TIMEOUT_MS,
    });
    try {
      const ask = askServer(client, { metadata, timeoutMs: REQUEST_TIMEOUT_MS });
      const report = await Promise.race([measureAccuracy(expected, ask, { signal, isCtc }), target.failure]);
      const { metrics } = report;
      const maxAbs = metrics.accuracy_max_abs;
      return {
        sampleCount: report.sampleCount,
        cosine: metrics.accuracy_cosine,
        maxAbs: maxAbs === null || !Number.isFinite(maxAbs) ? null : maxAbs,
        top1: metrics.accuracy_top1,
        top5: metrics.accuracy_top5,
        cer: metrics.accuracy_cer,
        nonFiniteCount: report.outputs.reduce((sum, { nanCount, infinityCount }) => sum + nanCount + infinityCount, 0),
      };
    } finally {
      await client.close();
    }
  };
}

/** Of a slow model the first answers are all that there is time for. */
async function recordEnough(model: StudyModel, contents: RequestContents | undefined): Promise<ReferenceAnswers> {
  const reference = { name: model.name, modelFile: await findServedFile(model), config: model.completed };
  const choice = { seed: SAMPLE_SEED, contents };
  const started = performance.now();
  const first = await recordReference(reference, { ...choice, count: FIRST });
  const sampleMs = (performance.now() - started) / FIRST;
  const count = Math.round(Math.min(MOST, REFERENCE_TIME_MS / sampleMs));
  return count <= first.samples.length ? first : recordReference(reference, { ...choice, count });
}
