/** Which models `perf-ts sweep` tunes: those of -m, else those of the sweep file; one, or several together with weights. */
import { PerfTsError } from '../../common/errors.js';
import { repeated } from '../../common/option-row.js';
import { parseText } from '../../common/value-parsers.js';
import { parseModels } from '../../plan/parse-load-options.js';
import type { JournalHeader } from '../../record/study-journal.js';
import { checkApplicable } from '../../tune/results/apply-recommendation.js';
import type { SweepFile, SweptModel } from '../../tune/sweep-files/sweep-file.js';
import type { SweptMember } from '../../tune/together/describe-members.js';
import { jointName, wholeWeights } from '../../tune/together/member.js';
import type { Terminal } from '../terminal.js';
import { modelRow } from './measure-options.js';
import { type ChosenServer, chooseServer } from './sweep-server.js';

/** A sweep file may name the models instead. */
export const sweptModelsRow = repeated({
  flag: modelRow.flag,
  aliases: modelRow.aliases,
  placeholder: 'NAME[:WEIGHT]',
  group: modelRow.group,
  help: 'model to tune; several are tuned together, sharing the load by their weights; a sweep file may name them instead',
  parse: parseText,
});

/** At least one; a weight is a share of the requests. Throws PerfTsError BAD_OPTION where none is named, or which is open. */
export function chooseModels(texts: readonly string[], file: SweepFile | undefined): readonly SweptModel[] {
  const { models: listed = [], tunesTogether = false, knobs } = file ?? {};
  const where = '--model';
  if (texts.length === 0 && listed.length > 1 && !tunesTogether) {
    const what = `the file has several models, each a study of its own: ${listed.map(({ name }) => name).join(', ')}`;
    throw new PerfTsError('BAD_OPTION', { where, what, hint: 'choose one with -m, or several to tune them together' });
  }
  const chosen =
    texts.length === 0 ? listed : parseModels(texts).map(({ model, weight }) => asListed(model, weight, texts, listed));
  const [only] = chosen;
  if (only === undefined) throw new PerfTsError('BAD_OPTION', { where, what: 'is required' });
  return chosen.length === 1 ? [{ ...only, knobs: only.knobs ?? knobs }] : wholeWeights(chosen);
}

/** A weight of the command line goes before the file's. */
function asListed(name: string, weight: number, texts: readonly string[], listed: readonly SweptModel[]): SweptModel {
  const known = listed.find((model) => model.name === name);
  return { ...known, name, weight: texts.includes(name) ? (known?.weight ?? 1) : weight, knobs: known?.knobs };
}

/** As -m takes them, the models of a study that was begun before. */
export function modelsOf({ model, models }: JournalHeader): readonly string[] {
  if (!Array.isArray(models)) return [model];
  return (models as readonly { readonly name: string; readonly weight: number }[]).map(
    ({ name, weight }) => `${name}:${weight}`,
  );
}

export interface LocatedModels extends ChosenServer {
  /** Of several, joined. */
  readonly name: string;
  /** Set for several. */
  readonly together: readonly SweptMember[] | undefined;
}

/** Throws PerfTsError BAD_OPTION with what contradicts itself, and for several models on a server that is not ours. */
export async function locateModels(
  values: Parameters<typeof chooseServer>[0],
  models: readonly SweptModel[],
  terminal: Terminal,
): Promise<LocatedModels> {
  const places: ChosenServer[] = [];
  const members: SweptMember[] = [];
  for (const { name, weight, knobs, optionalKnobs } of models) {
    const place = await chooseServer(values, name, terminal);
    places.push(place);
    if (models.length > 1) members.push({ name, weight, knobs, optionalKnobs, folder: folderOf(place) });
    await checkApply(values.apply, name, place);
    if (place.isDemoModel) terminal.milestone(`Tuning '${name}', a demo model with random weights.`);
  }
  return {
    ...places[0]!,
    isDemoModel: places.some(({ isDemoModel }) => isDemoModel),
    name: jointName(models.map(({ name }) => name)),
    together: models.length > 1 ? members : undefined,
  };
}

function folderOf({ server, modelFolder }: ChosenServer): string {
  if (server.kind === 'engine' && modelFolder !== undefined) return modelFolder;
  throw new PerfTsError('BAD_OPTION', {
    where: server.kind === 'remote' ? '-u' : '--server local',
    what: 'several models are tuned together on the bundled engine only',
    hint: 'tune them on the engine, and serve the recommended folder with a tritonserver; or name one model with -m',
  });
}

async function checkApply(isWanted: boolean, model: string, { isDemoModel, modelFolder }: ChosenServer): Promise<void> {
  if (!isWanted || modelFolder === undefined) return;
  if (!isDemoModel) return await checkApplicable(modelFolder);
  const what = `has nothing to put it into: '${model}' is a demo model that perf-ts keeps in its cache`;
  throw new PerfTsError('BAD_OPTION', { where: '--apply', what, hint: 'name a --model-repository that has it' });
}
