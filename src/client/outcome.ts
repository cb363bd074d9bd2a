/** How a request ended, as a small integer for the request columns; an unfinished one had no response when its level was over. */

export const outcomeCodes = {
  pending: 0,
  ok: 1,
  error: 2,
  timeout: 3,
  cancelled: 4,
  dropped: 5,
  unfinished: 6,
} as const;
export type OutcomeName = keyof typeof outcomeCodes;
export type OutcomeCode = (typeof outcomeCodes)[OutcomeName];
