/** The words of `perf-ts doctor`: findings in sections, each with what to do where something is not as it should be. */

export type FindingState = 'ok' | 'note' | 'warning' | 'problem';

export interface Finding {
  readonly name: string;
  /** A problem keeps perf-ts from working; a warning makes its numbers worse; a note is neither. */
  readonly state: FindingState;
  readonly text: string;
  readonly remedy?: string;
}

export interface Section {
  readonly title: string;
  readonly findings: readonly Finding[];
}

export const finding = (name: string, state: FindingState, text: string, remedy?: string): Finding => ({
  name,
  state,
  text,
  ...(remedy === undefined ? {} : { remedy }),
});

/** True unless something keeps perf-ts from working. */
export const isHealthy = (sections: readonly Section[]): boolean =>
  sections.every(({ findings }) => findings.every(({ state }) => state !== 'problem'));
