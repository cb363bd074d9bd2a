// A load worker that is ready and then hears nothing any more, because its thread is blocked.
import { parentPort } from 'node:worker_threads';

parentPort.postMessage({ kind: 'ready' });
setTimeout(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0), 10);
