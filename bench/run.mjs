// Runs the benchmarks, or those whose path contains a word given: `npm run bench -- front-end`. Build first.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const folder = dirname(fileURLToPath(import.meta.url));
const root = dirname(folder);
if (!existsSync(join(root, 'dist'))) {
  console.error("bench: dist/ is missing; run 'npm run build' first");
  process.exit(3);
}
// A file that other benchmarks import or start says so in its name.
const isPart = (file) => /(server|client|process|cases|mutations|witness)\.mjs$/.test(file) || file.endsWith('run.mjs');
const [word = ''] = process.argv.slice(2);
const benches = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.mjs') && !isPart(file) && file.includes(word))
  .sort();
if (benches.length === 0) {
  console.error(`bench: no benchmark has '${word}' in its path`);
  process.exit(3);
}
for (const bench of benches) {
  const file = join(folder, bench);
  console.log(`\n== ${relative(root, file)}`);
  const { status } = spawnSync(process.execPath, [file], { stdio: 'inherit' });
  if (status !== 0) process.exitCode = 1;
}
