/**
 * Where text for people goes. Results go to stdout; progress and remarks go to stderr, so that a pipe or `--json`
 * gets results alone. Colour follows NO_COLOR, FORCE_COLOR and whether a person is watching.
 */
import pc from 'picocolors';
import { PerfTsError, systemCodeOf } from '../common/errors.js';
import { keepingColors, safeJson, withoutControls } from '../common/safe-text.js';
import { systemMessage } from '../common/system-faults.js';
import { fitLines } from '../common/wrap-text.js';

export interface Terminal {
  /** Colour on stdout. */
  readonly hasColor: boolean;
  /** Columns of stdout, or plenty where they are not known. */
  readonly width: number;
  /** False for a pipe, a file, and a terminal that does not say how wide it is. */
  readonly hasKnownWidth: boolean;
  /** Columns of the live lines; undefined where no one watches. */
  liveColumns(): number | undefined;
  /** A result, on stdout. May hold colours where `hasColor`; what came from outside was filtered before it was coloured. */
  print(text: string): void;
  /** A result for scripts, on stdout: one JSON document on one line. */
  printJson(value: unknown): void;
  /** A result for another program, on stdout, to the last byte as it is. */
  printDocument(text: string): void;
  /** A remark, on stderr. */
  say(text: string): void;
  /** A lasting line among the progress lines: plain lines also where no one is watching. */
  milestone(text: string): void;
  /** Replaces the live lines; shows nothing where stderr is not a terminal, except a line now and then. */
  progress(text: string): void;
  /** Takes the live lines away. */
  clearProgress(): void;
  /** Resolves when everything printed has left, with the fault that kept some of the results from it. */
  flush(): Promise<Error | undefined>;
}

/** How long the reader of a full pipe is waited for at the end. */
const FLUSH_LIMIT_MS = 5000;

/** A file or pipe has no width; this is enough for a table with all its intervals. */
export const NO_TERMINAL_WIDTH = 170;

/** Seconds between plain progress lines where stderr is not a terminal. */
const PLAIN_INTERVAL_MS = 10_000;

export async function createTerminal(): Promise<Terminal> {
  let lost: Error | undefined;
  // A reader that has seen enough, such as `head`, closes the pipe; the run goes on and saves what it measures.
  process.stdout.on('error', (fault) => {
    if (systemCodeOf(fault) !== 'EPIPE') lost ??= describeLoss(fault);
  });
  // Nobody is left to be told of this one.
  process.stderr.on('error', () => undefined);
  const liveColumns = (): number | undefined =>
    process.stderr.isTTY === true && process.env.TERM !== 'dumb' ? columnsOf(process.stderr) : undefined;
  const isLive = liveColumns() !== undefined;
  // Loaded only for a person who watches: it costs programs that start an engine a noticeable part of its start.
  const live = isLive ? (await import('log-update')).createLogUpdate(process.stderr) : undefined;
  let lastPlainMs = Date.now();
  const hasColor = wantsColor(process.stdout.isTTY === true, process.env.FORCE_COLOR);
  const fitted = (text: string): string => {
    const columns = liveColumns();
    return columns === undefined ? text : fitLines(text, columns);
  };
  return {
    hasColor,
    width: columnsOf(process.stdout) ?? NO_TERMINAL_WIDTH,
    hasKnownWidth: columnsOf(process.stdout) !== undefined,
    liveColumns,
    print(text) {
      live?.clear();
      process.stdout.write(`${hasColor ? keepingColors(text) : withoutControls(text)}\n`);
    },
    printJson(value) {
      live?.clear();
      process.stdout.write(`${safeJson(value)}\n`);
    },
    printDocument(text) {
      live?.clear();
      process.stdout.write(text);
    },
    say(text) {
      live?.clear();
      process.stderr.write(`${fitted(withoutControls(text))}\n`);
    },
    milestone(text) {
      live?.clear();
      process.stderr.write(`${fitted(keepingColors(text))}\n`);
      lastPlainMs = Date.now();
    },
    progress(text) {
      if (live !== undefined) live(withoutControls(text));
      else if (Date.now() - lastPlainMs >= PLAIN_INTERVAL_MS) {
        process.stderr.write(`${withoutControls(text)}\n`);
        lastPlainMs = Date.now();
      }
    },
    clearProgress() {
      live?.clear();
    },
    async flush() {
      await Promise.race([
        Promise.all([process.stdout, process.stderr].map(drained)),
        new Promise((resolve) => setTimeout(resolve, FLUSH_LIMIT_MS).unref()),
      ]);
      return lost;
    },
  };
}

/** Some pseudo-terminals say that they are 0 columns wide. */
export const columnsOf = ({ columns }: { readonly columns?: number | undefined }): number | undefined =>
  columns !== undefined && columns > 0 ? columns : undefined;

/** NO_COLOR goes first, then FORCE_COLOR, which `0` and `false` turn round. */
export function wantsColor(isTerminal: boolean, forced: string | undefined): boolean {
  if (forced === '0' || forced === 'false') return false;
  return pc.isColorSupported && (isTerminal || (forced !== undefined && forced !== ''));
}

/** A broken stream calls back as well. */
const drained = (stream: NodeJS.WriteStream): Promise<void> =>
  new Promise((resolve) => stream.write('', () => setImmediate(resolve)));

const describeLoss = (fault: Error): PerfTsError =>
  new PerfTsError(
    'OUTPUT_UNWRITABLE',
    {
      where: 'stdout',
      what: `results could not be printed: ${systemMessage(fault)}`,
      hint: 'the record on disk is not concerned; perf-ts report shows it again',
    },
    fault,
  );
