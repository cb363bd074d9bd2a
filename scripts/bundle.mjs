// The second half of the build: joins what every command, thread and child process loads into few files, in the place of
// the entry that the compiler made. Node takes longer to find and link three hundred modules than to compile what is in
// them (docs/performance.md has the times). Everything runs without it too; packages stay what npm installed.
import { rmSync } from 'node:fs';
import { build } from 'esbuild';

/** What the command loads, in steps: parts that several of them need are shared. */
const command = [
  'src/cli/main',
  'src/cli/standby',
  'src/cli/commands/serve',
  'src/common/load-ahead',
  'engine/main',
  'engine/onnx-model',
  'engine/front-ends',
];

/** Threads and child processes: nothing is shared, so each is one file. */
const alone = [
  'engine/garbage-collector',
  'engine/instance/instance-worker',
  'engine/repository/trial-load',
  'src/load/load-worker',
  'src/load/pacer-thread',
  'src/null-server/null-server-process',
  'src/onnxruntime/session-proof-process',
  'src/runtime/probe-child',
  'src/target/config-guardian',
  'src/target/tritonserver-supervisor',
];

const join = (entries, isShared) =>
  build({
    entryPoints: entries.map((entry) => `dist/${entry}.js`),
    outdir: 'dist',
    outbase: 'dist',
    allowOverwrite: true,
    bundle: true,
    splitting: isShared,
    chunkNames: 'parts/[name]-[hash]',
    format: 'esm',
    platform: 'node',
    target: 'node20.19',
    packages: 'external',
    sourcemap: true,
    logLevel: 'warning',
  });

rmSync('dist/parts', { recursive: true, force: true });
// One after the other: what the first replaces, the second must not read.
await join(alone, false);
await join(command, true);
