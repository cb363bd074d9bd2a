/** The one limit on failed requests that verdicts, trials, searches and exit codes read. */

/** Share of failed requests above which a level says nothing about serving, and a trial is infeasible. */
export const DEFAULT_MAX_ERROR_RATIO = 0.01;
