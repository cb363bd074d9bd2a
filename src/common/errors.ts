/**
 * The one error class for faults of the user or the environment. It says what is wrong, where, and what to do, and
 * may carry many problems, because options and files are checked as a whole. Bugs throw plain errors.
 */

/** Stable codes; `src/cli/exit-code.ts` maps them to the process's exit code. */
export type ErrorCode =
  | 'BAD_OPTION'
  | 'BAD_FILE'
  | 'TARGET_UNREACHABLE'
  | 'TARGET_REFUSED'
  | 'ENGINE_FAILED'
  | 'LOAD_FAILED'
  | 'RUNTIME_UNUSABLE'
  | 'OUTPUT_UNWRITABLE'
  | 'INTERRUPTED';

export interface Problem {
  /** What is wrong, one sentence without a final stop. */
  readonly what: string;
  /** The flag, `file:line` or address it is about. */
  readonly where?: string;
  /** What the reader can do. */
  readonly hint?: string;
}

export class PerfTsError extends Error {
  override readonly name = 'PerfTsError';
  readonly code: ErrorCode;
  readonly problems: readonly Problem[];

  constructor(code: ErrorCode, problems: Problem | readonly Problem[], cause?: unknown) {
    const list: readonly Problem[] = 'what' in problems ? [problems] : problems;
    super(list.map(describeProblem).join('; '), cause === undefined ? undefined : { cause });
    this.code = code;
    this.problems = list;
  }
}

/** One line: `where: what (hint)`. */
export function describeProblem(problem: Problem): string {
  const place = problem.where === undefined ? '' : `${problem.where}: `;
  const remedy = problem.hint === undefined ? '' : ` (${problem.hint})`;
  return `${place}${problem.what}${remedy}`;
}

/** The message of anything that was thrown. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

/** The `code` of a system error such as ENOENT, if `thrown` is one. */
export function systemCodeOf(thrown: unknown): string | undefined {
  return thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : undefined;
}
