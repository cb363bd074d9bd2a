// The second half of the build: joins what every command, thread and child process loads into few files, in the place of
// the entry that the compiler made. Node takes longer to find and link three hundred modules than to compile what is in
// them (docs/performance.md has the times). Everything runs without it too. Packages stay what npm installed, but for one
// of fifty small modules that every start needs; its licences lie beside what was made of it.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { build } from 'esbuild';

const packages = JSON.parse(readFileSync('package.json', 'utf8')).dependencies;
/** Joined with our modules: the package, and what it brings along. */
const joined = 'protobufjs';
const external = Object.keys(packages).filter((name) => name !== joined);

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

/** Threads and child processes, each by itself: a file, and others for what it loads only when it needs it. */
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

const join = (...entries) =>
  build({
    entryPoints: entries.map((entry) => `dist/${entry}.js`),
    outdir: 'dist',
    outbase: 'dist',
    // Not over what another call reads.
    write: false,
    bundle: true,
    splitting: true,
    chunkNames: 'parts/[name]-[hash]',
    format: 'esm',
    platform: 'node',
    target: 'node20.19',
    external,
    metafile: true,
    sourcemap: true,
    logLevel: 'warning',
  });

const results = await Promise.all([join(...command), ...alone.map((entry) => join(entry))]);
rmSync('dist/parts', { recursive: true, force: true });
mkdirSync('dist/parts');
for (const { path, contents } of results.flatMap(({ outputFiles }) => outputFiles)) writeFileSync(path, contents);

const inputs = results.flatMap(({ metafile }) => Object.keys(metafile.inputs));
const folders = new Set(inputs.map((path) => /^node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0]).filter(Boolean));
const notices = [...folders].sort().map((folder) => {
  const { name, version } = JSON.parse(readFileSync(`${folder}/package.json`, 'utf8'));
  return `${name} ${version}\n\n${readFileSync(`${folder}/LICENSE`, 'utf8').trim()}\n`;
});
writeFileSync('dist/LICENSES-OF-PARTS.txt', notices.join(`\n${'-'.repeat(80)}\n\n`));
