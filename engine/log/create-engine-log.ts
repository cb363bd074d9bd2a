/** The engine's log: which lines are written, and to where, by settings that may change at any time. */
import type { EngineLog, ExecutedBatch, LogSettings } from './engine-log.js';
import { formatExecution, formatLine, type LineStamp, type LogLevel } from './log-lines.js';
import { createBufferedSink, type LogSink, openFileSink } from './log-sink.js';

export const defaultLogSettings: LogSettings = {
  log_file: '',
  log_info: true,
  log_warning: true,
  log_error: true,
  log_verbose_level: 0,
  log_format: 'default',
};

export interface EngineLogParts {
  /** Takes whole lines where no file is named; stderr unless given. */
  readonly write?: (text: string) => void;
  /** Wall clock, milliseconds since 1970. */
  readonly wallClockMs?: () => number;
}

const writeToStderr = (text: string): void => void process.stderr.write(text);
const systemWallClockMs = (): number => performance.timeOrigin + performance.now();

/** Throws PerfTsError BAD_OPTION for a log file that cannot be opened. Close it, or the last 100 ms may be lost. */
export function createEngineLog(settings: Partial<LogSettings> = {}, parts: EngineLogParts = {}): EngineLog {
  return new SettableLog({ ...defaultLogSettings, ...settings }, parts);
}

/** For those who do not want to be told: tests, and models loaded without an engine around them. */
export const createSilentLog = (): EngineLog =>
  createEngineLog({ log_info: false, log_warning: false, log_error: false }, { write: () => undefined });

class SettableLog implements EngineLog {
  #tellsExecutions: boolean;
  #settings: LogSettings;
  #sink: LogSink;
  readonly #write: (text: string) => void;
  readonly #wallClockMs: () => number;
  /** Files that were replaced by others and have lines left to write. */
  #leaving: Promise<void> = Promise.resolve();

  constructor(settings: LogSettings, { write = writeToStderr, wallClockMs = systemWallClockMs }: EngineLogParts) {
    this.#write = write;
    this.#wallClockMs = wallClockMs;
    this.#settings = settings;
    this.#tellsExecutions = settings.log_verbose_level > 0;
    this.#sink = this.#openSink(settings.log_file);
  }

  get tellsExecutions(): boolean {
    return this.#tellsExecutions;
  }

  info(sentence: string): void {
    if (this.#settings.log_info) this.#add('info', sentence);
  }

  warn(sentence: string): void {
    if (this.#settings.log_warning) this.#add('warning', sentence);
  }

  error(sentence: string): void {
    if (this.#settings.log_error) this.#add('error', sentence);
  }

  executed(batch: ExecutedBatch): void {
    if (this.#tellsExecutions) this.#sink.add(formatExecution(this.#settings.log_format, batch, this.#stamp()));
  }

  settings(): LogSettings {
    return this.#settings;
  }

  change(settings: Partial<LogSettings>): void {
    const next = { ...this.#settings, ...settings };
    // Naming the file again opens it again, which is what follows when a log was moved away.
    const sink = settings.log_file === undefined ? this.#sink : this.#openSink(next.log_file);
    if (sink !== this.#sink) {
      const left = this.#sink.close();
      this.#leaving = this.#leaving.then(() => left);
      this.#sink = sink;
    }
    this.#settings = next;
    this.#tellsExecutions = next.log_verbose_level > 0;
  }

  async close(): Promise<void> {
    await this.#leaving;
    await this.#sink.close();
    // Lines of what still ends go to stderr.
    this.#sink = this.#openSink('');
  }

  #add(level: LogLevel, sentence: string): void {
    this.#sink.add(formatLine(this.#settings.log_format, level, sentence, this.#stamp()));
    // People wait for these, and they are few.
    void this.#sink.flush();
  }

  #stamp(): LineStamp {
    return { atMs: this.#wallClockMs(), pid: process.pid };
  }

  #openSink(file: string): LogSink {
    if (file !== '') return openFileSink(file, (reason) => this.#tellTrouble(reason));
    return createBufferedSink({
      write: (text) => {
        this.#write(text);
        return Promise.resolve();
      },
    });
  }

  #tellTrouble(reason: string): void {
    this.#write(formatLine(this.#settings.log_format, 'warning', reason, this.#stamp()));
  }
}
