/** Finds the worker threads of a model, which it keeps to itself. */
import { Worker } from 'node:worker_threads';
import { vi } from 'vitest';

/** What `load` resolves with, and the threads that it posted something to meanwhile. */
export async function catchWorkers<T>(load: () => Promise<T>): Promise<{ loaded: T; workers: readonly Worker[] }> {
  const workers = new Set<Worker>();
  const post = Worker.prototype.postMessage;
  const spy = vi.spyOn(Worker.prototype, 'postMessage').mockImplementation(function (this: Worker, ...message) {
    workers.add(this);
    post.apply(this, message);
  });
  try {
    return { loaded: await load(), workers: [...workers] };
  } finally {
    spy.mockRestore();
  }
}

/** True once the thread has ended. */
export const hasEnded = (worker: Worker): boolean => worker.threadId === -1;
