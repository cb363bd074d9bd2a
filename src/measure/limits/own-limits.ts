/** Requests that failed for want of something on this side are the generator's failures, and not the server's. */
import { OWN_LIMIT } from '../../client/failure-cause.js';
import type { LevelRecord, Warning } from '../../record/run-record.js';

/** The level, at best limited by the client and with the cause first, where requests failed so. */
export function judgeOwnLimits(level: LevelRecord): LevelRecord {
  const own = Object.entries(level.errors).filter(([cause]) => cause.startsWith(`${OWN_LIMIT}: `));
  if (own.length === 0) return level;
  const count = own.reduce((sum, [, times]) => sum + times, 0);
  const causes = own.map(([cause]) => cause.slice(OWN_LIMIT.length + 2)).join('; ');
  const warning: Warning = {
    code: 'CLIENT_LIMIT',
    message: `${count} requests never left this host, which is the load generator’s limit and not the server’s: ${causes}.`,
  };
  const isInvalid = level.verdict === 'INVALID';
  return {
    ...level,
    verdict: isInvalid || level.verdict === 'UNSTABLE' ? level.verdict : 'CLIENT_LIMITED',
    isClientLimited: !isInvalid,
    warnings: [warning, ...level.warnings],
  };
}
