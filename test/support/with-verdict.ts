import type { LevelRecord, Verdict } from '../../src/record/run-record.js';

/** A level with another verdict and what it is made of, as measuring would have set them together. */
export const withVerdict = (level: LevelRecord, verdict: Verdict): LevelRecord => ({
  ...level,
  verdict,
  isSteady: verdict === 'VALID' || verdict === 'CLIENT_LIMITED',
  isClientLimited: verdict === 'CLIENT_LIMITED',
});
