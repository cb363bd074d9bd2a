/** Our own engine as a study's server: a fresh process for every trial. */

import { packageVersion } from '../../common/package-root.js';
import { describeNote, findConfigNotes } from '../../onnxruntime/config-notes.js';
import type { Warning } from '../../record/run-record.js';
import { canConvert, describeKnobContext } from '../knobs/host-context.js';
import { readStudyModel } from '../studies/study-model.js';
import { jointModel } from '../together/joint-variant.js';
import type { ModelPlace } from '../together/member.js';
import type { StudyModel } from '../variants/variants.js';
import { createEngineLauncher } from './engine-launcher.js';
import type { RequestOptions } from './measure-served.js';
import type { StudyServer } from './study-server.js';

export interface EngineServerOptions {
  readonly model: string;
  readonly modelFolder: string;
  /** Where each is, of several models that are served at once; `model` and its folder then stand for all. */
  readonly together?: readonly ModelPlace[] | undefined;
  readonly isDemoModel: boolean;
  readonly ortLibrary?: string | undefined;
  readonly requests?: RequestOptions | undefined;
}

/** Throws PerfTsError BAD_FILE for a bad model, OUTPUT_UNWRITABLE without room for model repositories. */
export async function openEngineServer(options: EngineServerOptions): Promise<StudyServer> {
  const { together, isDemoModel, ortLibrary, requests } = options;
  const places = together ?? [{ name: options.model, folder: options.modelFolder }];
  const models = await Promise.all(places.map(({ name, folder }) => readStudyModel(name, folder, ortLibrary)));
  const model = together === undefined ? models[0]! : jointModel(models);
  const launcher = await createEngineLauncher({ model, isDemoModel, ortLibrary, ...(requests && { requests }) });
  return {
    model,
    models,
    record: { kind: 'engine', name: 'perf-ts serve', version: packageVersion },
    canCompareAnswers: true,
    describeContext: (question) => describeKnobContext({ ...question, model: models[0]! }),
    async describeOther(other, context, selection) {
      return {
        ...context,
        config: other.completed,
        canConvert: selection?.precision !== undefined && (await canConvert(other)),
      };
    },
    offer: (selection) => ({ selection, leftOut: [] }),
    launchVariant: launcher.launchVariant,
    warnings: () => models.flatMap(warnOfConfig),
    close: () => launcher.close(),
  };
}

/** What of a model's config has no effect, in the study's engine as on a Triton with default flags. */
const warnOfConfig = ({ name, completed }: StudyModel): Warning[] =>
  findConfigNotes(completed).map((note) => ({
    code: 'NO_EFFECT',
    message: `config.pbtxt of ${name}, ${describeNote(note)}`,
  }));
