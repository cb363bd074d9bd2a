import { describe, expect, it } from 'vitest';
import { describeHost } from '../../../src/measure/limits/host-fingerprint.js';
import { hostSchema } from '../../../src/record/host-record.js';

describe('the host', () => {
  it('is described as the record wants it', async () => {
    const host = await describeHost();
    expect(hostSchema.parse(host)).toEqual(host);
    expect(host.node).toBe(process.version);
    expect(host.cpuCount).toBeGreaterThan(0);
    expect(host.memoryBytes).toBeGreaterThan(1e8);
    expect(host.os).not.toBe('');
  });
});
