/** Entry of a null server's child process: its config is the first argument, its parent is told the ports and is told the truth when it asks. */
import type { NullServerConfig } from './null-behavior.js';
import { startNullServer } from './null-server.js';

const server = await startNullServer(JSON.parse(process.argv[2] ?? '{}') as NullServerConfig);
process.on('message', (message) => {
  if (message === 'report') process.send?.({ kind: 'report', report: server.report() });
});
// Without a parent there is nobody to serve.
process.on('disconnect', () => process.exit(0));
process.send?.({ kind: 'ready', grpcPort: server.grpcPort, httpPort: server.httpPort });
