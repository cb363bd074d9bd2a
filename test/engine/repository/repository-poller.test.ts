import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { startPolling } from '../../../engine/repository/repository-poller.js';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

it('looks again an interval after each look has ended, and passes on what failed', async () => {
  const warnings: string[] = [];
  let finish: (failures: readonly string[]) => void = () => undefined;
  const poll = vi.fn(
    () =>
      new Promise<readonly string[]>((resolve) => {
        finish = resolve;
      }),
  );
  const poller = startPolling({ repository: { poll }, intervalMs: 1000, warn: (line) => warnings.push(line) });
  await vi.advanceTimersByTimeAsync(999);
  expect(poll).toHaveBeenCalledTimes(0);
  await vi.advanceTimersByTimeAsync(1);
  expect(poll).toHaveBeenCalledTimes(1);
  await vi.advanceTimersByTimeAsync(5000);
  expect(poll).toHaveBeenCalledTimes(1);
  finish(['m is broken']);
  await vi.advanceTimersByTimeAsync(1000);
  expect(warnings).toEqual(['m is broken']);
  expect(poll).toHaveBeenCalledTimes(2);
  const closed = poller.close();
  finish([]);
  await closed;
  await vi.advanceTimersByTimeAsync(5000);
  expect(poll).toHaveBeenCalledTimes(2);
});
