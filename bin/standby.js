import module from 'node:module';

// Started by perf-ts itself: an engine that waits for what to serve. As in perf-ts.js.
module.enableCompileCache?.();
process.env.ORT_DISABLE_TELEMETRY = '1';
const { loadAhead } = await import('../dist/src/common/load-ahead.js');
loadAhead('src/cli/standby');
await import('../dist/src/cli/standby.js');
