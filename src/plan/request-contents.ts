/**
 * What requests hold: shapes, values, strings and parameters. A measurement, a sweep and a comparison take the same, and
 * refuse the same, before anything is started.
 */
import { createHash } from 'node:crypto';
import { seconds } from '../common/units.js';
import { formatInputChoice } from './input-data/input-choice.js';
import { recordedPlan } from './load-plan.js';
import { createLoadPlan, type DescribedModel, type PlanOptions } from './plan.js';

export type RequestContents = Pick<
  PlanOptions,
  | 'shapes'
  | 'inputSource'
  | 'inputChoices'
  | 'dataFiles'
  | 'stringLengthBytes'
  | 'stringData'
  | 'validationTolerance'
  | 'requestParameters'
>;

/**
 * As a plan would find it. Throws PerfTsError BAD_OPTION with every problem that the contents have with the models, or
 * with requests of these sizes.
 */
export function checkContents(
  contents: RequestContents | undefined,
  models: readonly DescribedModel[],
  batchSizes: readonly number[] = [1],
): void {
  planOf(contents, models, batchSizes);
}

const planOf = (
  contents: RequestContents | undefined,
  models: readonly DescribedModel[],
  batchSizes: readonly number[],
) =>
  createLoadPlan(
    {
      ...contents,
      protocol: 'grpc',
      endpoint: 'localhost:8001',
      sequence: { kind: 'stepped', values: [1] },
      batchSizes,
      stopRule: { minDuration: seconds(1), maxDuration: seconds(1), targetHalfWidth: 1 },
    },
    models,
  );

/** As records keep the contents: what a data file holds is told by its digest. */
export function recordContents(
  contents: RequestContents,
  models: readonly DescribedModel[],
): Readonly<Record<string, unknown>> {
  const { shapes, inputSource, inputChoices = [], stringLengthBytes, stringData, requestParameters } = contents;
  const plan = recordedPlan(planOf(contents, models, [1])) as {
    readonly models: readonly { readonly dataset?: { readonly sha256: string } }[];
  };
  const digests = plan.models.flatMap(({ dataset }) => (dataset === undefined ? [] : [dataset.sha256]));
  return {
    shapes: shapes ?? {},
    inputData: inputChoices.length === 0 ? [inputSource ?? 'random'] : inputChoices.map(formatInputChoice),
    ...(stringLengthBytes !== undefined && { stringLengthBytes }),
    ...(stringData !== undefined && { stringData }),
    ...(requestParameters !== undefined && { requestParameters }),
    ...(digests.length > 0 && { dataSha256: createHash('sha256').update(digests.join()).digest('hex') }),
  };
}
