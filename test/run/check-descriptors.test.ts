import { describe, expect, it } from 'vitest';
import { describeCause } from '../../src/client/failure-cause.js';
import { judgeOwnLimits } from '../../src/measure/limits/own-limits.js';
import { checkDescriptors, connectionsNeeded, readDescriptors } from '../../src/run/check-descriptors.js';
import { samplePlan } from '../support/sample-plan.js';
import { sampleLevel } from '../support/sample-records.js';

const plan = { ...samplePlan(), client: 'http', load: { kind: 'closed' }, workerCount: 2 } as const;
const at = (...values: number[]) => ({ ...plan, sequence: { kind: 'stepped', values } }) as const;

describe('the limit of open files', () => {
  it('is held against the connections of the highest level before any load', async () => {
    const read = () => Promise.resolve({ limit: 256, used: 30 });
    await expect(checkDescriptors(at(1, 100), read)).resolves.toBeUndefined();
    await expect(checkDescriptors(at(1, 400, 2), read)).rejects.toMatchObject({
      code: 'BAD_OPTION',
      message: expect.stringMatching(/400 connections.*256.*ulimit -n 510/),
    });
    expect(connectionsNeeded({ ...at(1000), client: 'grpc-wire' })).toBe(2);
    expect(connectionsNeeded({ ...plan, sequence: { kind: 'adaptive', start: 1, end: 64 } })).toBe(64);
  });

  it('is known here', async () => {
    expect((await readDescriptors())?.limit).toBeGreaterThan(0);
  });
});

describe('a limit of this side', () => {
  it.each(['EMFILE', 'ENFILE', 'EADDRNOTAVAIL', 'ENOMEM'])('%s is no cause of the server', (code) => {
    const cause = describeCause('UNAVAILABLE', `connect ${code} 127.0.0.1:8001 - Local (0.0.0.0:0)`);
    expect(cause).toMatch(/^CLIENT_LIMIT: /);
    expect(cause).toContain(code);
    // What a server says of its own files is its own.
    expect(describeCause('INTERNAL', `open failed: ${code}`)).toMatch(/^INTERNAL/);
  });

  it('makes a level client limited, with the cause first', () => {
    const cause = describeCause('UNAVAILABLE', 'connect EMFILE 127.0.0.1:8001');
    const level = { ...sampleLevel({ concurrency: 1, throughput: 10 }), errors: { [cause]: 7 }, errorCount: 7 };
    const judged = judgeOwnLimits(level);
    expect(judged).toMatchObject({ verdict: 'CLIENT_LIMITED', isClientLimited: true });
    expect(judged.warnings[0]).toMatchObject({ code: 'CLIENT_LIMIT', message: expect.stringContaining('ulimit -n') });
    expect(judgeOwnLimits({ ...level, verdict: 'INVALID' }).verdict).toBe('INVALID');
  });
});
