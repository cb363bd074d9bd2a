/** The subject of a study of several models: a selection, a context and a space for each, and the space of all. */
import { PerfTsError, type Problem } from '../../common/errors.js';
import { selectUsable } from '../knobs/host-context.js';
import type { KnobContext } from '../knobs.js';
import type { StudyServer } from '../launchers/study-server.js';
import { buildSearchSpace, type KnobSelection } from '../search-space.js';
import { leaveOut, type Subject, type SubjectQuestion, withRuntimes } from '../study-subject.js';
import type { StudyModel } from '../variants.js';
import { composeSpaces } from './joint-space.js';
import { isSharedKnob, type Member, type ModelPlace, memberKnob, plainKnob } from './member.js';

/** One of several models as a sweep is asked for it. */
export interface SweptMember extends ModelPlace {
  /** Whole. */
  readonly weight: number;
  /** Instead of the sweep's own, for the knobs that are this model's alone. */
  readonly knobs: KnobSelection | undefined;
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
 * own. Throws PerfTsError BAD_OPTION for shared knobs that are listed with one model.
 */
export async function describeMembers(
  server: StudyServer,
  models: readonly StudyModel[],
  swept: readonly SweptMember[],
  question: SubjectQuestion,
): Promise<Subject> {
  refuseShared(swept);
  const common = withRuntimes(question.selection, question.runtimes);
  const selections = swept.map(({ knobs: own }) => (own === undefined ? common : { ...own, ...sharedPart(common) }));
  // Providers are proven once, for all that any of the models could choose.
  const asked = selections.includes(undefined) ? undefined : Object.assign({}, ...selections);
  const first = await server.describeContext({ ...question, selection: asked });
  const described = await Promise.all(
    models.map(async (model, index): Promise<Described> => {
      const selection = selections[index];
      const context = (await server.describeOther?.(model, first, selection)) ?? { ...first, config: model.completed };
      const usable = selectUsable(context, selection);
      return { model, weight: swept[index]!.weight, context, ...usable };
    }),
  );
  return {
    context: described[0]!.context,
    leftOut: [...new Set(described.flatMap((member) => member.leftOut))],
    without(names) {
      const together = buildMembers(described, names);
      return { together, space: composeSpaces(together) };
    },
  };
}

const sharedPart = (selection: KnobSelection | undefined): KnobSelection =>
  Object.fromEntries(Object.entries(selection ?? {}).filter(([name]) => isSharedKnob(name)));

function refuseShared(swept: readonly SweptMember[]): void {
  const problems = swept.flatMap(({ name: model, knobs: own = {} }) =>
    Object.keys(own)
      .filter(isSharedKnob)
      .map(
        (name): Problem => ({
          where: `models: ${model}: knobs.${name}`,
          what: 'is the same for all models',
          hint: 'list it under the knobs of the file',
        }),
      ),
  );
  if (problems.length > 0) throw new PerfTsError('BAD_OPTION', problems);
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
