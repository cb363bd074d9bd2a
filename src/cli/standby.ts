/**
 * What an engine process does that starts before it is known what it is to serve: it loads everything that needs no model,
 * says so, and becomes `perf-ts serve` with the arguments that it is then given.
 */
import type { StandbyMessage, StandbyOrder } from '../target/engine-message.js';
import { prepareEngine } from './commands/serve.js';
import { main } from './main.js';

// Whoever started this process has gone, however it ended. There is nothing to clean up, and Node's own exit would stop
// threads while they load native code, which some of that answers with an abort.
const leave = (): boolean => process.kill(process.pid, 'SIGKILL');
process.once('disconnect', leave);

prepareEngine();
process.once('message', ({ argv }: StandbyOrder) => {
  process.off('disconnect', leave);
  void main(argv).then((code) => {
    process.exitCode = code;
  });
});
process.send?.({ kind: 'standing-by' } satisfies StandbyMessage);
