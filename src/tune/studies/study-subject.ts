/** What a sweep may choose from: the context and the space of its model, or of several together, without what cannot be had. */
import type { HostQuestion } from '../knobs/host-context.js';
import { selectUsable } from '../knobs/host-context.js';
import { type KnobContext, knobs } from '../knobs/knobs.js';
import type { StudyServer } from '../launchers/study-server.js';
import { buildSearchSpace, type KnobSelection } from '../variants/search-space.js';
import { keepFair, keepPossible } from './optional-knobs.js';
import type { StudyOptions } from './study-options.js';

export interface Subject {
  readonly context: KnobContext;
  /** What is not tuned although it was asked for, as sentences. */
  readonly leftOut: readonly string[];
  /** The space without these knobs of it. Throws PerfTsError BAD_OPTION for knobs and values that do not exist. */
  without(names: readonly string[]): Pick<StudyOptions, 'space' | 'together'>;
}

export interface SubjectQuestion extends Omit<HostQuestion, 'model'> {
  /** Variants that accept less than the unchanged model may be proposed. */
  readonly mayNarrow?: boolean | undefined;
  /** Knobs of the selection that nobody named for this model. */
  readonly optionalKnobs?: readonly string[] | undefined;
}

/** Throws PerfTsError BAD_OPTION for what the host cannot be asked. */
export async function describeSubject(server: StudyServer, question: SubjectQuestion): Promise<Subject> {
  const wanted = withRuntimes(question.selection, question.runtimes);
  const described = await server.describeContext({ ...question, selection: wanted });
  const context = question.mayNarrow === true ? { ...described, mayNarrow: true } : described;
  const offered = server.offer(wanted, context);
  const usable = selectUsable(context, offered.selection);
  const { optionalKnobs } = question;
  const possible = keepPossible(context, keepFair(context, usable.selection, optionalKnobs), optionalKnobs);
  return {
    context,
    leftOut: [...offered.leftOut, ...usable.leftOut, ...possible.leftOut],
    without: (names) => ({ space: buildSearchSpace(context, leaveOut(possible.selection, names)) }),
  };
}

/** A selection without these knobs. */
export function leaveOut(selection: KnobSelection | undefined, names: readonly string[]): KnobSelection | undefined {
  if (names.length === 0) return selection;
  return Object.fromEntries(Object.entries(selection ?? everyMajorKnob()).filter(([name]) => !names.includes(name)));
}

/** Builds that are listed are tried, unless the knobs already say which. */
export function withRuntimes(
  selection: KnobSelection | undefined,
  runtimes: readonly string[],
): KnobSelection | undefined {
  if (runtimes.length === 0 || selection?.runtime !== undefined) return selection;
  return { ...(selection ?? everyMajorKnob()), runtime: 'auto' };
}

/** What is tuned where nothing is named. */
export const everyMajorKnob = (): KnobSelection =>
  Object.fromEntries(knobs.filter(({ isMinor = false }) => !isMinor).map(({ name }) => [name, 'auto']));
