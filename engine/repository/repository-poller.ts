/** Has the repository look at its files again and again, each time a while after the last look has ended. */
import type { ModelRepository } from './model-repository.js';

export interface RepositoryPoller {
  /** Resolves when no look is under way any more, and none will be. */
  close(): Promise<void>;
}

export interface PollerOptions {
  readonly repository: Pick<ModelRepository, 'poll'>;
  readonly intervalMs: number;
  readonly warn: (line: string) => void;
}

export function startPolling({ repository, intervalMs, warn }: PollerOptions): RepositoryPoller {
  let look = Promise.resolve();
  let isClosed = false;
  const tick = (): void => {
    look = repository.poll().then(
      (failures) => failures.forEach(warn),
      (fault: unknown) => warn(`the repository could not be looked at: ${String(fault)}`),
    );
    void look.then(() => {
      if (!isClosed) timer = setTimeout(tick, intervalMs);
    });
  };
  let timer = setTimeout(tick, intervalMs);
  return {
    close() {
      isClosed = true;
      clearTimeout(timer);
      return look;
    },
  };
}
