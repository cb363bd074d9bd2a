import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { renderFlagsReference } from '../../src/cli/flags-table.js';
import { packageRoot } from '../../src/common/package-root.js';

const file = join(packageRoot, 'docs', 'flags.md');

it('docs/flags.md says what the option rows say (UPDATE_GOLDEN=1 rewrites it)', async () => {
  const text = await renderFlagsReference();
  if (process.env.UPDATE_GOLDEN === '1') writeFileSync(file, text);
  expect(readFileSync(file, 'utf8')).toBe(text);
});
