#!/usr/bin/env node
import module from 'node:module';

// Where Node has it (22.8 and later), compiled code is kept between runs, which shortens the start of every command.
module.enableCompileCache?.();
// ONNX Runtime reads this before its library is loaded; set here, it holds for every child process too.
process.env.ORT_DISABLE_TELEMETRY = '1';
try {
  const { loadAhead } = await import('../dist/src/common/load-ahead.js');
  loadAhead('src/cli/main');
  const { main } = await import('../dist/src/cli/main.js');
  process.exitCode = await main(process.argv.slice(2));
} catch (fault) {
  if (fault?.code !== 'EMFILE' && fault?.code !== 'ENFILE') throw fault;
  // Not even its own modules can be read, so nothing of perf-ts is there to say it better.
  console.error('perf-ts: no file descriptor left to read the program with; raise the limit (ulimit -n 1024)');
  process.exitCode = 3;
}
