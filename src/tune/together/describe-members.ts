/** The subject of a study of several models: a selection, a context and a space for each, and the space of all. */
import { PerfTsError, type Problem } from '../../common/errors.js';
import { selectUsable } from '../knobs/host-context.js';
import type { KnobContext } from '../knobs/knobs.js';
import type { StudyServer } from '../launchers/study-server.js';
import { keepFair, keepPossible } from '../studies/optional-knobs.js';
import {
  everyMajorKnob,
  leaveOut,
  type Subject,
  type SubjectQuestion,
  withRuntimes,
} from '../studies/study-subject.js';
import { buildSearchSpace, type KnobSelection } from '../variants/search-space.js';
import type { StudyModel } from '../variants/variants.js';
import { composeSpaces } from './joint-space.js';
import { isSharedKnob, type Member, type ModelPlace, memberKnob, plainKnob } from './member.js';

/** One of several models as a sweep is asked for it. */
export interface SweptMember extends ModelPlace {
  /** Whole. */
  readonly weight: number;
  /** Instead of the sweep's own, for the knobs that are this model's alone. */
  readonly knobs: KnobSelection | undefined;
  /** Those of them that nobody named. */
  readonly optionalKnobs?: readonly string[] | undefined;
}

interface Described {
  readonly model: StudyModel;
  readonly weight: number;
  readonly context: KnobContext;
  readonly selection: KnobSelection | undefined;
  readonly leftOut: readonly string[];
}

/**
 * `models` are those of the server, in the order of `swept`; `question.selection` holds for those without knobs of their
 * own. A shared knob that is listed with one model has its values for all.
 */
export async function describeMembers(
  server: StudyServer,
  models: readonly StudyModel[],
  swept: readonly SweptMember[],
  question: SubjectQuestion,
): Promise<Subject> {
  const common = withRuntimes(question.selection, question.runtimes);
  const shared = sharedKnobsOf([common, ...swept.map(({ knobs: own }) => own)]);
  const selections = swept.map(({ knobs: own = common }): KnobSelection | undefined =>
    own === undefined && Object.keys(shared).length === 0 ? undefined : { ...(own ?? everyMajorKnob()), ...shared },
  );
  // Providers are proven once, for all that any of the models could choose.
  const asked = selections.includes(undefined) ? undefined : Object.assign({}, ...selections);
  const found = await server.describeContext({ ...question, selection: asked });
  const first = question.mayNarrow === true ? { ...found, mayNarrow: true } : found;
  const described = await Promise.all(
    models.map(async (model, index): Promise<Described> => {
      const selection = selections[index];
      const context = (await server.describeOther?.(model, first, selection)) ?? { ...first, config: model.completed };
      const usable = selectUsable(context, selection);
      // What is listed for all is not asked of each.
      const { knobs: own, optionalKnobs } = swept[index]!;
      const possible = keepPossible(
        context,
        keepFair(context, usable.selection, optionalKnobs),
        own === undefined ? listedFor(selection) : optionalKnobs,
      );
      const leftOut = [...usable.leftOut, ...possible.leftOut.map((sentence) => `${model.name}: ${sentence}`)];
      return { model, weight: swept[index]!.weight, context, selection: possible.selection, leftOut };
    }),
  );
  const notShared = findNotShared(buildMembers(described, []));
  return {
    context: described[0]!.context,
    leftOut: [
      ...new Set(described.flatMap((member) => member.leftOut)),
      ...notShared.map((name) => `${name} is not tuned: the models have no values of it in common`),
    ],
    without(names) {
      const together = buildMembers(described, [...names, ...notShared]);
      return { together, space: composeSpaces(together) };
    },
  };
}

const listedFor = (selection: KnobSelection | undefined): readonly string[] =>
  Object.keys(selection ?? {}).filter((name) => !isSharedKnob(name));

/** Shared knobs that only some of the models have, or that leave them nothing to choose together. */
function findNotShared(members: readonly Member[]): string[] {
  const common = composeSpaces(members).dimensions.map(({ name }) => name);
  const names = members.flatMap(({ space }) => space.dimensions.map(({ name }) => name));
  return [...new Set(names)].filter((name) => isSharedKnob(name) && !common.includes(name));
}

/** Those that all models share, each with every value that is listed for it anywhere. */
function sharedKnobsOf(selections: readonly (KnobSelection | undefined)[]): KnobSelection {
  const found: Record<string, KnobSelection[string]> = {};
  for (const [name, values] of selections.flatMap((selection) => Object.entries(selection ?? {}))) {
    if (!isSharedKnob(name)) continue;
    const known = found[name] ?? [];
    found[name] = known === 'auto' || values === 'auto' ? 'auto' : [...new Set([...known, ...values])];
  }
  return found;
}

/** The problems of all models are told together, each with its model. */
function buildMembers(described: readonly Described[], leftOut: readonly string[]): Member[] {
  const problems = new Map<string, Problem>();
  const members: Member[] = [];
  for (const { model, weight, context, selection } of described) {
    const own = leftOut.filter((name) => isSharedKnob(name) || name === memberKnob(model.name, plainKnob(name)));
    try {
      members.push({
        model,
        weight,
        context,
        space: buildSearchSpace(context, leaveOut(selection, own.map(plainKnob))),
      });
    } catch (thrown) {
      if (!(thrown instanceof PerfTsError)) throw thrown;
      for (const problem of thrown.problems)
        problems.set(`${model.name}: ${problem.where}: ${problem.what}`, {
          ...problem,
          where: `${model.name}: ${problem.where}`,
        });
    }
  }
  if (problems.size > 0) throw new PerfTsError('BAD_OPTION', [...problems.values()]);
  return members;
}
