import { appendFileSync, existsSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createEngineLog, createSilentLog, defaultLogSettings } from '../../../engine/log/create-engine-log.js';
import type { EngineLog, ExecutedBatch, LogSettings } from '../../../engine/log/engine-log.js';

let folder = '';
const logs: EngineLog[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'perf-ts-log-'));
});
afterEach(async () => {
  for (const log of logs.splice(0)) await log.close();
  rmSync(folder, { recursive: true });
});

const inFolder = (name: string): string => join(folder, name);
const atMs = Date.UTC(2026, 10, 21, 8, 16, 37, 123) + 0.456;

function openLog(settings: Partial<LogSettings> = {}) {
  let text = '';
  const log = createEngineLog(settings, {
    write: (part) => {
      text += part;
    },
    wallClockMs: () => atMs,
  });
  logs.push(log);
  return { log, console: () => text };
}

const batch: ExecutedBatch = {
  model: 'simple_cnn',
  version: '3',
  instance: 'simple_cnn_0_1',
  batchSize: 5,
  requestCount: 2,
  queueNs: 123_456,
  computeInputNs: 1_200,
  computeInferNs: 3_400_000,
  computeOutputNs: 0,
};
const executing =
  'model simple_cnn, instance simple_cnn_0_1, executing 2 requests, version 3, batch size 5, queue 123.5 us, ' +
  'compute input 1.2 us, compute infer 3400.0 us, compute output 0.0 us';

describe('the log', () => {
  it("writes lines with tritonserver's time stamp, letter and process id", async () => {
    const { log, console } = openLog();
    log.info('began');
    log.warn('odd');
    log.error('bad');
    await log.close();
    const head = (letter: string): string => `${letter}1121 08:16:37.123456 ${process.pid}]`;
    expect(console()).toBe(`${head('I')} began\n${head('W')} odd\n${head('E')} bad\n`);
  });

  it('tells of executed batches from verbose level 1 on, beginning as tritonserver does', async () => {
    const { log, console } = openLog({ log_verbose_level: 1, log_format: 'ISO8601' });
    expect(log.tellsExecutions).toBe(true);
    log.executed(batch);
    await log.close();
    expect(console()).toBe(`2026-11-21T08:16:37.123Z I ${process.pid}] ${executing}\n`);
  });

  it('writes one JSON object a line', async () => {
    const { log, console } = openLog({ log_verbose_level: 1, log_format: 'json' });
    log.warn('two\nlines');
    log.executed(batch);
    await log.close();
    const time = '2026-11-21T08:16:37.123Z';
    expect(
      console()
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).toEqual([
      { time, level: 'warning', message: 'two\nlines' },
      { time, level: 'verbose', message: 'executing', ...batch },
    ]);
  });

  it('keeps a sentence with line breaks on one line', async () => {
    const { log, console } = openLog();
    log.error('first\nsecond');
    await log.close();
    expect(console()).toMatch(/\] first\\nsecond\n$/);
  });

  it('leaves out what is switched off, and is off altogether where nobody is to be told', async () => {
    const { log, console } = openLog({ log_info: false, log_warning: false, log_error: false });
    log.info('a');
    log.warn('b');
    log.error('c');
    log.executed(batch);
    await log.close();
    expect(console()).toBe('');
    expect([log.tellsExecutions, createSilentLog().tellsExecutions]).toEqual([false, false]);
  });
});

describe('settings of the log', () => {
  it('are those of tritonserver by default, and can be changed one by one', async () => {
    const { log, console } = openLog();
    expect(log.settings()).toEqual(defaultLogSettings);
    log.executed(batch);
    log.change({ log_verbose_level: 2 });
    expect(log.settings()).toEqual({ ...defaultLogSettings, log_verbose_level: 2 });
    log.executed(batch);
    log.change({ log_info: false });
    log.info('unheard');
    await log.close();
    expect(console().match(/executing/g)).toHaveLength(1);
    expect(console()).not.toContain('unheard');
  });

  it('that name another file move the log there, and lose no line', async () => {
    const { log, console } = openLog();
    log.info('to the console');
    log.change({ log_file: inFolder('a.log') });
    log.info('to a');
    log.change({ log_file: inFolder('b.log') });
    log.info('to b');
    log.change({ log_file: '' });
    log.info('back');
    await log.close();
    expect(readFileSync(inFolder('a.log'), 'utf8')).toMatch(/^I.*\] to a\n$/);
    expect(readFileSync(inFolder('b.log'), 'utf8')).toMatch(/^I.*\] to b\n$/);
    expect(console()).toMatch(/to the console\n.*back\n$/);
  });

  it('that name a file that cannot be opened are refused, and change nothing', async () => {
    const { log, console } = openLog();
    const settings = { log_file: join(folder, 'no', 'such', 'folder.log'), log_info: false };
    expect(() => log.change(settings)).toThrow(expect.objectContaining({ code: 'BAD_OPTION' }));
    expect(log.settings()).toEqual(defaultLogSettings);
    log.info('still here');
    await log.close();
    expect(console()).toContain('still here');
    expect(() => createEngineLog({ log_file: folder })).toThrow("--log-file: '");
  });
});

describe('a log file', () => {
  it('is appended to', async () => {
    appendFileSync(inFolder('engine.log'), 'from before\n');
    const { log } = openLog({ log_file: inFolder('engine.log') });
    log.info('new');
    await log.close();
    expect(readFileSync(inFolder('engine.log'), 'utf8')).toMatch(/^from before\nI.*\] new\n$/);
  });

  it('can be followed while the log is open', async () => {
    const { log } = openLog({ log_file: inFolder('engine.log'), log_verbose_level: 1 });
    log.executed(batch);
    while (readFileSync(inFolder('engine.log'), 'utf8') === '') await new Promise((resolve) => setTimeout(resolve, 5));
    expect(readFileSync(inFolder('engine.log'), 'utf8')).toContain('executing 2 requests');
  });

  it('that was moved away is begun again when it is named again', async () => {
    const { log } = openLog({ log_file: inFolder('engine.log') });
    log.info('old');
    renameSync(inFolder('engine.log'), inFolder('engine.log.1'));
    log.change({ log_file: inFolder('engine.log') });
    log.info('new');
    await log.close();
    expect(readFileSync(inFolder('engine.log.1'), 'utf8')).toContain('old');
    expect(readFileSync(inFolder('engine.log'), 'utf8')).toMatch(/^I.*\] new\n$/);
  });

  it('holds every line in order when lines come faster than they are written', async () => {
    const { log } = openLog({ log_file: inFolder('engine.log'), log_verbose_level: 1, log_format: 'json' });
    for (let queueNs = 0; queueNs < 20_000; queueNs++) {
      log.executed({ ...batch, queueNs });
      if (queueNs % 5_000 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    await log.close();
    const lines = readFileSync(inFolder('engine.log'), 'utf8').trimEnd().split('\n');
    expect(lines.map((line) => (JSON.parse(line) as ExecutedBatch).queueNs)).toEqual([...Array(20_000).keys()]);
  });

  // A file that opens and then takes nothing.
  it.skipIf(!existsSync('/dev/full'))('that cannot be written is told of once and ends nothing', async () => {
    const { log, console } = openLog({ log_file: '/dev/full' });
    for (let i = 0; i < 5; i++) {
      log.info(`line ${i}`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await log.close();
    expect(console().match(/cannot be written/g)).toHaveLength(1);
    expect(console()).toContain("log file '/dev/full' cannot be written: ENOSPC");
  });
});
