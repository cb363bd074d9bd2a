/** What the engine tells its operator: lines for people or JSON, to stderr or a file, with settings that can change while it runs. */

/** Settings by tritonserver's names, as LogSettings reads and changes them. */
export interface LogSettings {
  /** Empty writes to stderr. */
  readonly log_file: string;
  readonly log_info: boolean;
  readonly log_warning: boolean;
  readonly log_error: boolean;
  /** 0 is off; 1 and more tell of each executed batch. */
  readonly log_verbose_level: number;
  /** `default` and `ISO8601` are lines of text that differ in their time stamp; `json` is one object a line. */
  readonly log_format: 'default' | 'ISO8601' | 'json';
}

/** One batch that an instance has executed. */
export interface ExecutedBatch {
  readonly model: string;
  readonly version: string;
  /** Such as `simple_cnn_0_1`: model, group, place in the group. */
  readonly instance: string;
  readonly batchSize: number;
  readonly requestCount: number;
  /** Of the batch's oldest request. */
  readonly queueNs: number;
  readonly computeInputNs: number;
  readonly computeInferNs: number;
  readonly computeOutputNs: number;
}

export interface EngineLog {
  info(sentence: string): void;
  warn(sentence: string): void;
  error(sentence: string): void;
  /** Whether `executed` would write anything: cheap, so that callers need not make what nobody reads. */
  readonly tellsExecutions: boolean;
  executed(batch: ExecutedBatch): void;
  settings(): LogSettings;
  /** Throws PerfTsError BAD_OPTION for a file that cannot be opened; nothing has changed then. */
  change(settings: Partial<LogSettings>): void;
  close(): Promise<void>;
}
