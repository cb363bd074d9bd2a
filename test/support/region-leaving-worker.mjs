// A load worker that makes a shared-memory region under its own name, leaves it, and dies when a level is prepared.
import { parentPort, workerData } from 'node:worker_threads';
import { admins } from '../../dist/src/client/connect-admin.js';
import { SharedObject } from '../../dist/src/client/shared-memory/shared-object.js';

const { plan, regionPrefix } = workerData;
const name = `${regionPrefix}-0-0`;
const object = new SharedObject(name, 4096);
const admin = admins[plan.protocol](plan.endpoint);
await admin.registerSharedMemory({ name, key: object.key, byteSize: 4096 });
parentPort.on('message', ({ kind }) => {
  if (kind === 'prepare') process.exit(7);
});
parentPort.postMessage({ kind: 'ready' });
