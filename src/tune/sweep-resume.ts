/** Going on with a study of the journal: what counts against the budget, and whether its trials still mean the same. */
import { largestOf } from '../common/append-all.js';
import { PerfTsError } from '../common/errors.js';
import { type Nanos, nanos, seconds } from '../common/units.js';
import type { JournalContent, JournalHeader } from '../record/study-journal.js';
import { findChanges } from './studies/study-header.js';
import type { EarlierStudy } from './studies/study-options.js';
import { searchLevelDuration } from './studies/study-plan.js';

export interface ResumedSweep {
  readonly journal: JournalContent;
  /** Goes on although something changed since. */
  readonly isForced: boolean;
}

/** Less is not worth going on for: not even one variant can be measured. */
const LEAST_LEFT = seconds(2);

export const newestHeader = ({ journal }: ResumedSweep): JournalHeader => journal.headers.at(-1)!;

/** The budget that a resumed study has unless it is given another. */
export const earlierBudget = (resumed: ResumedSweep): Nanos => nanos(numberOf(newestHeader(resumed), 'budgetNs') ?? 0);

/** Of the budget, used up to the last trial that was finished. */
export function usedBefore({ journal }: ResumedSweep): Nanos {
  const ends = journal.trials.map(({ startedNs = 0, durationNs }) => startedNs + durationNs);
  const starts = journal.headers.map((header) => numberOf(header, 'usedNs') ?? 0);
  return nanos(largestOf([...ends, ...starts], 0));
}

export function readEarlierStudy(resumed: ResumedSweep, budget: Nanos): EarlierStudy {
  const { headers, trials } = resumed.journal;
  const [first] = headers;
  // Without a default that could be measured nothing was found out; it is measured again.
  const isStarted = trials[0]?.state === 'complete' || trials[0]?.state === 'infeasible';
  return {
    startedAt: typeof first.startedAt === 'string' ? first.startedAt : new Date(0).toISOString(),
    trials: isStarted ? trials : [],
    levelDuration: nanos(numberOf(first, 'levelDurationNs') ?? searchLevelDuration(budget)),
    resumedCount: headers.length,
    hasMoreTime: budget > earlierBudget(resumed),
  };
}

function numberOf(header: JournalHeader, field: string): number | undefined {
  const value = header[field];
  return typeof value === 'number' ? value : undefined;
}

/** Knobs that the study's first part left as they are for want of time. */
export function knobsLeftOut(resumed: ResumedSweep): readonly string[] | undefined {
  const names: unknown = resumed.journal.headers[0].knobsLeftOut;
  return Array.isArray(names) ? names.map(String) : undefined;
}

/** Throws PerfTsError BAD_OPTION when there is no time left, or when something changed and that is not overruled. */
export function checkResume(resumed: ResumedSweep, header: JournalHeader, budget: Nanos): void {
  const left = budget - usedBefore(resumed);
  if (left < LEAST_LEFT) {
    const [used, whole] = [usedBefore(resumed), budget].map((time) => Math.round(time / seconds(1)));
    const what = `is used up: the study took ${used} s of its ${whole} s`;
    throw new PerfTsError('BAD_OPTION', { where: '--budget', what, hint: 'give a larger --budget to go on' });
  }
  if (resumed.isForced) return;
  const changes = findChanges(newestHeader(resumed), header);
  if (changes.length === 0) return;
  const hint = '--force goes on all the same, and trials of before and after then stand side by side';
  throw new PerfTsError(
    'BAD_OPTION',
    changes.map((change, index) => ({
      where: '--resume',
      what: `${change} since the study was begun`,
      ...(index === changes.length - 1 && { hint }),
    })),
  );
}
