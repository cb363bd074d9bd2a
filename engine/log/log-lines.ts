/** How log lines look: text as tritonserver writes it, with its two time stamps, or one JSON object a line. Pure. */
import { safeJson, withoutControls } from '../../src/common/safe-text.js';
import { NANOS_PER_MICRO } from '../../src/common/units.js';
import type { ExecutedBatch, LogSettings } from './engine-log.js';

export type LogLevel = 'info' | 'warning' | 'error' | 'verbose';

/** Where and when a line is written. */
export interface LineStamp {
  /** Wall clock, milliseconds since 1970, with a fraction. */
  readonly atMs: number;
  readonly pid: number;
}

/** tritonserver marks verbose lines as information too. */
const letters: Readonly<Record<LogLevel, string>> = { info: 'I', warning: 'W', error: 'E', verbose: 'I' };

const twoDigits = (value: number): string => String(value).padStart(2, '0');

/** Month, day and UTC time to the microsecond, as in `1121 08:16:37.123456`. */
function shortTime(atMs: number): string {
  const date = new Date(atMs);
  const day = `${twoDigits(date.getUTCMonth() + 1)}${twoDigits(date.getUTCDate())}`;
  const time = [date.getUTCHours(), date.getUTCMinutes(), date.getUTCSeconds()].map(twoDigits).join(':');
  const microsecond = Math.floor((atMs % 1000) * 1000);
  return `${day} ${time}.${String(microsecond).padStart(6, '0')}`;
}

const isoTime = (atMs: number): string => new Date(atMs).toISOString();

/** Whoever follows a log reads lines: a break within a sentence would look like another line. */
const onOneLine = (sentence: string): string => withoutControls(sentence.replace(/\r?\n/g, '\\n'));

/** One line with its line end. */
export function formatLine(
  format: LogSettings['log_format'],
  level: LogLevel,
  sentence: string,
  { atMs, pid }: LineStamp,
): string {
  if (format === 'json') return `${safeJson({ time: isoTime(atMs), level, message: sentence })}\n`;
  const letter = letters[level];
  const head = format === 'ISO8601' ? `${isoTime(atMs)} ${letter} ${pid}]` : `${letter}${shortTime(atMs)} ${pid}]`;
  return `${head} ${onOneLine(sentence)}\n`;
}

const microsOf = (ns: number): string => (ns / NANOS_PER_MICRO).toFixed(1);

/** One executed batch; the text begins as tritonserver's line for it does. */
export function formatExecution(format: LogSettings['log_format'], batch: ExecutedBatch, stamp: LineStamp): string {
  if (format === 'json') {
    return `${safeJson({ time: isoTime(stamp.atMs), level: 'verbose', message: 'executing', ...batch })}\n`;
  }
  const { model, version, instance, batchSize, requestCount, queueNs } = batch;
  const { computeInputNs, computeInferNs, computeOutputNs } = batch;
  const sentence =
    `model ${model}, instance ${instance}, executing ${requestCount} request${requestCount === 1 ? '' : 's'}, ` +
    `version ${version}, batch size ${batchSize}, queue ${microsOf(queueNs)} us, ` +
    `compute input ${microsOf(computeInputNs)} us, compute infer ${microsOf(computeInferNs)} us, ` +
    `compute output ${microsOf(computeOutputNs)} us`;
  return formatLine(format, 'verbose', sentence, stamp);
}
