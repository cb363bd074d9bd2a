import { describe, expect, it } from 'vitest';
import { describeCause, grpcStatusName, httpStatusName } from '../../src/client/failure-cause.js';

describe('failure causes', () => {
  it('are the same for failures that differ only in ids, long numbers or addresses', () => {
    const first = describeCause('INTERNAL', '[request id: 7] failed at 0x7ffe01 after 1234567 ns\n  in frame 3');
    const second = describeCause('INTERNAL', '[request id: 8] failed at 0x7ffe99 after 7654321 ns');
    expect(first).toBe('INTERNAL: failed at # after # ns');
    expect(second).toBe(first);
  });

  it('keep the numbers that tell failures apart', () => {
    expect(describeCause('INVALID_ARGUMENT', 'expected 4 dimensions')).toBe('INVALID_ARGUMENT: expected 4 dimensions');
  });

  it('are at most 300 characters of one line', () => {
    const cause = describeCause('UNKNOWN', 'x'.repeat(500));
    expect(cause).toHaveLength(300);
    expect(cause.endsWith('…')).toBe(true);
    expect(describeCause('UNKNOWN', '')).toBe('UNKNOWN');
  });

  it('say the same of a broken connection whichever transport met it', () => {
    expect(
      describeCause('UNAVAILABLE', 'No connection established. Last error: connect ECONNREFUSED 127.0.0.1:8001'),
    ).toBe(describeCause('UNAVAILABLE', 'ECONNREFUSED connect ECONNREFUSED 127.0.0.1:8000'));
    expect(describeCause('UNAVAILABLE', 'UND_ERR_SOCKET other side closed')).toBe('UNAVAILABLE: connection lost');
    expect(describeCause('UNAVAILABLE', 'Exceeds maximum queue size')).toBe('UNAVAILABLE: Exceeds maximum queue size');
  });

  it('name statuses of both transports alike', () => {
    expect([3, 5, 8, 14, 16, 99].map(grpcStatusName)).toEqual([
      'INVALID_ARGUMENT',
      'NOT_FOUND',
      'RESOURCE_EXHAUSTED',
      'UNAVAILABLE',
      'UNAUTHENTICATED',
      'STATUS 99',
    ]);
    expect([400, 404, 500, 503, 501, 418].map(httpStatusName)).toEqual([
      'INVALID_ARGUMENT',
      'NOT_FOUND',
      'INTERNAL',
      'UNAVAILABLE',
      'UNIMPLEMENTED',
      'HTTP 418',
    ]);
  });
});
