import { describe, expect, it } from 'vitest';
import type { SystemCalls } from '../../src/load/system-calls.js';
import { ThreadPriority } from '../../src/load/thread-priority.js';

interface Host {
  readonly isOrdinary?: boolean;
  readonly permits?: readonly ('real-time' | 'niceness')[];
}

/** A system that says what it was asked for. */
function systemOf({ isOrdinary = true, permits = ['real-time', 'niceness'] }: Host = {}) {
  const asked: string[] = [];
  const ask = (what: string, isPermitted: boolean): boolean => {
    asked.push(what);
    return isPermitted;
  };
  const calls: SystemCalls = {
    waitReadable: () => false,
    openPipe: () => undefined,
    closeDescriptor: () => undefined,
    setTimerSlack: () => undefined,
    isOrdinary: () => isOrdinary,
    setRoundRobin: (priority) => ask(`round robin ${priority}`, permits.includes('real-time')),
    setOrdinary: () => ask('ordinary', true),
    setNiceness: (niceness) => ask(`niceness ${niceness}`, niceness >= 0 || permits.includes('niceness')),
  };
  return { calls, asked };
}

describe('the priority of a load worker', () => {
  it('is real time while it is raised and permitted, asked for once, and ordinary afterwards', () => {
    const { calls, asked } = systemOf();
    const priority = new ThreadPriority(calls);
    priority.raise();
    priority.raise();
    expect(priority.scheduling).toBe('real-time');
    priority.lower();
    priority.lower();
    expect(priority.scheduling).toBe('ordinary');
    expect(asked).toEqual(['round robin 1', 'ordinary']);
  });

  it('is a raised niceness where real time is not permitted', () => {
    const { calls } = systemOf({ permits: ['niceness'] });
    const priority = new ThreadPriority(calls);
    priority.raise();
    expect(priority.scheduling).toBe('raised');
    priority.lower();
    expect(priority.scheduling).toBe('ordinary');
  });

  it('stays ordinary without a word where nothing is permitted, or the system has no such calls', () => {
    for (const calls of [systemOf({ permits: [] }).calls, null]) {
      const priority = new ThreadPriority(calls);
      priority.raise();
      expect(priority.scheduling).toBe('ordinary');
    }
  });

  it('leaves a thread alone that somebody scheduled otherwise', () => {
    const { calls, asked } = systemOf({ isOrdinary: false });
    const priority = new ThreadPriority(calls);
    priority.raise();
    priority.lower();
    expect([priority.scheduling, asked]).toEqual(['ordinary', []]);
  });
});
