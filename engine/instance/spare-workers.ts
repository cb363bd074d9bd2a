/**
 * Threads that start before it is known which instance they will be: a thread needs as long to start as the engine to
 * read its options and models, and both can be done at the same time.
 */
import type { Worker } from 'node:worker_threads';
import { startWorker } from '../../src/common/load-ahead.js';
import type { WorkerStart } from './instance-messages.js';

const spares: Worker[] = [];

const startInstance = (name: string, workerData?: WorkerStart): Worker =>
  startWorker('engine/instance/instance-worker', { name, workerData });

/**
 * Starts threads until `count` are there for the first instances. `ortLibrary` is opened in them right away; leave it out
 * where it may crash, and give '' for the bundled one.
 */
export function startSpareWorkers(count: number, ortLibrary?: string): void {
  while (spares.length < count) {
    const worker = startInstance('instance', ortLibrary === undefined ? undefined : { ortLibrary });
    // One that ends before it is used is not missed.
    worker.on('error', () => undefined);
    worker.once('exit', () => forget(worker));
    worker.unref();
    spares.push(worker);
  }
}

/** A thread that waits for what it is to run; `name` is told by debuggers where it is new. */
export function takeWorker(name: string): Worker {
  const spare = spares.shift();
  spare?.ref();
  return spare ?? startInstance(name);
}

/** Ends the threads that nobody took. */
export function endSpareWorkers(): void {
  for (const worker of spares.splice(0)) worker.postMessage(undefined);
}

function forget(worker: Worker): void {
  const place = spares.indexOf(worker);
  if (place >= 0) spares.splice(place, 1);
}
