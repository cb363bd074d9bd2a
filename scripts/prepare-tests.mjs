// Gets what the tests need beyond npm: a Python with the official Triton client and the onnx package, and a Chromium.
// Says what it did. What cannot be had makes the tests that need it skip aloud, except in CI (CI=true), where it fails.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const venv = join(root, '.cache', 'test-python');
const packages = ['tritonclient[grpc,http]==2.73.0', 'numpy', 'onnx', 'onnxruntime'];
const isCi = process.env.CI === 'true';
const missing = [];

const say = (text) => console.log(`prepare-tests: ${text}`);
const run = (command, args) => spawnSync(command, args, { encoding: 'utf8', timeout: 600_000 });
const lastLine = ({ stderr, stdout, error }) =>
  error?.message ?? (stderr || stdout || '').trim().split('\n').at(-1) ?? 'no output';

function hasModules(python) {
  return (
    run(python, ['-c', 'import tritonclient.grpc.aio, tritonclient.http.aio, numpy, onnx, onnxruntime']).status === 0
  );
}

function preparePython() {
  const given = process.env.PERF_TS_TEST_PYTHON;
  if (given !== undefined && hasModules(given)) return say(`Python: ${given} (PERF_TS_TEST_PYTHON)`);
  const python = join(venv, 'bin', 'python');
  if (existsSync(python) && hasModules(python)) return say('Python: .cache/test-python, made earlier');
  say(`Python: making .cache/test-python with ${packages.join(', ')} (a minute)`);
  const steps = [
    ['python3', ['-m', 'venv', '--clear', venv]],
    [python, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', ...packages]],
  ];
  for (const [command, args] of steps) {
    const result = run(command, args);
    if (result.status !== 0) return missing.push(`a Python with ${packages[0]}: ${lastLine(result)}`);
  }
  if (!hasModules(python)) missing.push('a Python with the client: it was installed but cannot be imported');
}

function prepareChromium() {
  const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
  const find = () => names.find((name) => run('sh', ['-c', `command -v ${name}`]).status === 0);
  const found = process.env.PERF_TS_TEST_CHROMIUM ?? find();
  if (found !== undefined) return say(`Chromium: ${found}`);
  if (process.getuid?.() === 0 && run('sh', ['-c', 'command -v apt-get']).status === 0) {
    say('Chromium: installing the Debian package (a minute)');
    run('apt-get', ['update', '-q']);
    const result = run('apt-get', ['install', '-y', '-q', 'chromium']);
    if (result.status === 0 && find() !== undefined) return say('Chromium: installed');
    return missing.push(`Chromium: ${lastLine(result)}`);
  }
  missing.push('Chromium: not installed, and only root on Debian can install it here');
}

preparePython();
prepareChromium();
for (const what of missing) say(`MISSING ${what}`);
if (missing.length > 0 && isCi) process.exitCode = 1;
else if (missing.length > 0) say('the tests that need these will be skipped');
