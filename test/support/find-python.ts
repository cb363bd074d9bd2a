/** The Python that judges our files with libraries we did not write; scripts/prepare-tests.mjs makes one. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../src/common/package-root.js';

const candidates = [process.env.PERF_TS_TEST_PYTHON, join(packageRoot, '.cache', 'test-python', 'bin', 'python')];

/**
 * A Python that can import `modules`, or undefined after saying aloud which tests are skipped. In CI (CI=true) nothing
 * is skipped: a missing Python is an error.
 */
export function findPython(modules: readonly string[]): string | undefined {
  const found = candidates.find(
    (python) =>
      python !== undefined &&
      (!python.includes('/') || existsSync(python)) &&
      spawnSync(python, ['-c', `import ${modules.join(', ')}`]).status === 0,
  );
  if (found !== undefined) return found;
  const what = `no Python with ${modules.join(', ')} (PERF_TS_TEST_PYTHON or .cache/test-python; npm run pretest makes one)`;
  if (process.env.CI === 'true') throw new Error(what);
  console.warn(`SKIPPED: ${what}`);
  return undefined;
}
