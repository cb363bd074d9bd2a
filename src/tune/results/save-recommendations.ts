/**
 * The recommended folder of a study: for each recommendation the model directory with its config.pbtxt, the diff, the
 * server's flags, and a script that measures it and the default again.
 */
import { chmod, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { appendAll } from '../../common/append-all.js';
import { makeTemporaryFolder } from '../../common/temporary-folder.js';
import { convertFolder } from '../../onnx/convert/convert-folder.js';
import { writeFileAtomically } from '../../record/atomic-file.js';
import type { Recommendation, StudyRecord } from '../../record/study-record.js';
import type { ServerQuestion } from '../launchers/study-server.js';
import type { StudyModel } from '../variants/variants.js';
import { type ReproLoad, writeReproScript } from './repro-script.js';
import { saveRerun } from './rerun.js';

export type RecommendationKind = 'portable' | 'engine';

export interface RecommendationFolder {
  /** Writes `recommended/KIND/MODEL/` whole or not at all, and returns its absolute path; the study's model by default. */
  saveRecommendation(
    configPbtxt: string,
    modelFolder: string,
    kind: RecommendationKind,
    model?: string,
  ): Promise<string>;
}

export interface SavedRecommendation {
  readonly kind: RecommendationKind;
  readonly model: string;
  /** Absolute path of the model's folder; its parent is a model repository that also holds what goes with it. */
  readonly modelFolder: string;
}

/** `models` are all that were tuned, in their order; every one is saved. Throws PerfTsError OUTPUT_UNWRITABLE. */
export async function saveRecommendations(
  record: StudyRecord,
  models: readonly [StudyModel, ...StudyModel[]],
  folder: RecommendationFolder,
  requestArguments: readonly string[] = [],
  server?: ServerQuestion,
): Promise<readonly SavedRecommendation[]> {
  const saved: SavedRecommendation[] = [];
  for (const kind of ['portable', 'engine'] as const) {
    const recommendation = record.recommended[kind];
    if (recommendation === null) continue;
    const places: SavedRecommendation[] = [];
    for (const [index, model] of models.entries()) {
      const own = recommendation.models?.[index] ?? recommendation;
      places.push({ kind, model: model.name, modelFolder: await saveFiles(own, model, folder, kind) });
    }
    const repository = dirname(places[0]!.modelFolder);
    await saveCompanions(record, recommendation, models, repository, requestArguments, server);
    appendAll(saved, places);
  }
  return saved;
}

/** With the model's files as they are, or converted as the variant's were. */
async function saveFiles(
  { configPbtxt, precision }: Pick<Recommendation, 'configPbtxt' | 'precision'>,
  model: StudyModel,
  folder: RecommendationFolder,
  kind: RecommendationKind,
): Promise<string> {
  const { name } = model;
  if (precision !== 'fp16') return await folder.saveRecommendation(configPbtxt, model.folder, kind, name);
  const draft = await makeTemporaryFolder('perf-ts-convert-');
  try {
    const converted = await convertFolder({ source: model.folder, toRepository: draft, name });
    return await folder.saveRecommendation(configPbtxt, converted.folder, kind, name);
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

async function saveCompanions(
  record: StudyRecord,
  recommendation: Recommendation,
  models: readonly [StudyModel, ...StudyModel[]],
  repository: string,
  requestArguments: readonly string[],
  server: ServerQuestion = { kind: 'engine' },
): Promise<void> {
  const serverFlags = recommendation.serverFlags ?? [];
  await writeFileAtomically(join(repository, 'config.diff'), recommendation.diff);
  if (serverFlags.length > 0)
    await writeFileAtomically(join(repository, 'server-flags'), `${serverFlags.join('\n')}\n`);
  const script = join(repository, 'repro.sh');
  if (server.kind !== 'engine') {
    await saveRerun({ record, recommendation, model: models[0], repository, requestArguments, server });
    return await chmod(script, 0o755);
  }
  await writeFileAtomically(
    script,
    writeReproScript({
      models: models.map(({ name }, index) => ({ name, weight: record.models?.[index]?.weight ?? 1 })),
      originalRepositories: [...new Set(models.map(({ folder: own }) => dirname(own)))],
      serverFlags,
      defaultLoad: loadOf(record, 'default'),
      recommendedLoad: loadOf(record, recommendation.id),
      requestArguments,
    }),
  );
  await chmod(script, 0o755);
}

/** The load of a variant's last level. */
function loadOf({ trials }: StudyRecord, variantId: string): ReproLoad {
  const load = trials.findLast(
    (trial) => trial.variantId === variantId && trial.level !== null && trial.phase !== 'equal_load',
  )?.level?.load;
  if (load?.kind !== 'closed') return { concurrency: 1, batchSize: 1 };
  return { concurrency: load.concurrency, batchSize: load.batchSize };
}
