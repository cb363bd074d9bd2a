/** Small text files of the system, which may not be there. */
import { readFileSync } from 'node:fs';

/** Reads a small text file; undefined where it cannot be read. */
export type ReadText = (path: string) => string | undefined;

export const readText: ReadText = (path) => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
};
