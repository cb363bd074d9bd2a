// A load worker that says it is ready and dies as its plan's model says.
import { parentPort, workerData } from 'node:worker_threads';

const [{ model }] = workerData.plan.models;
parentPort.postMessage({ kind: 'ready' });
parentPort.on('message', ({ kind }) => {
  if (kind === 'close') process.exit(0);
  if (model === 'throws-at-start') throw new Error('out of luck');
  if (kind === 'prepare') parentPort.postMessage({ kind: 'prepared' });
  if (kind === 'start') parentPort.postMessage({ kind: 'started' });
  if (kind === 'start' && model === 'exits-later') setTimeout(() => process.exit(7), 20);
});
