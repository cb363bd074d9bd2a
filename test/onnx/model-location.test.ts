import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { checkVersion } from '../../src/onnx/model-location.js';

const folder = mkdtempSync(join(tmpdir(), 'versions-'));
for (const version of ['1', '2', '10']) mkdirSync(join(folder, version));
afterAll(() => rmSync(folder, { recursive: true }));

describe('a version that is asked for', () => {
  it('is refused with version_policy as the reason where it is there and not served', async () => {
    await expect(checkVersion(folder, undefined, '1')).rejects.toThrow(
      /version 1 is there, but version_policy \(by default the latest 1\) serves 10 only/,
    );
    await expect(checkVersion(folder, { version_policy: { latest: { num_versions: 2 } } }, '1')).rejects.toThrow(
      /version_policy serves 2, 10 only/,
    );
  });

  it('is refused where it is not there at all', async () => {
    await expect(checkVersion(folder, undefined, '7')).rejects.toThrow(/no version 7; there are 1, 2, 10/);
  });

  it('is taken where it is served, and in a sweep where it is what answers requests without a version', async () => {
    await checkVersion(folder, { version_policy: { all: {} } }, '1');
    await checkVersion(folder, { version_policy: { specific: { versions: [1] } } }, '1', { isLatest: true });
    await expect(checkVersion(folder, { version_policy: { all: {} } }, '1', { isLatest: true })).rejects.toThrow(
      /the trials measure version 10/,
    );
  });
});
