import { describe, expect, it } from 'vitest';
import { defineCommand } from '../../src/cli/command.js';
import { exitCodeOfLevels } from '../../src/cli/exit-code.js';
import { parseCommandLine } from '../../src/cli/parse-command-line.js';
import { repeated, required, toggle, withDefault } from '../../src/common/option-row.js';
import { parseInteger, parseText } from '../../src/common/value-parsers.js';
import type { Verdict } from '../../src/record/run-record.js';

const group = 'Things';
const command = defineCommand({
  usage: 'perf-ts test',
  examples: [['perf-ts test -m x', 'a test']],
  rows: {
    model: required({ flag: 'model', aliases: ['m'], group, help: 'a model', placeholder: 'NAME', parse: parseText }),
    size: withDefault({
      flag: 'size',
      aliases: ['b'],
      group,
      help: 'a size',
      defaultText: '1',
      parse: parseInteger(1),
    }),
    shapes: repeated({ flag: 'shape', group, help: 'a shape', parse: parseText }),
    isLoud: toggle({ flag: 'loud', group, help: 'loud', defaultText: 'true' }),
  },
  run: () => Promise.resolve(0),
});
const parse = (...words: string[]) => parseCommandLine('test', command, words, 100);

describe('the command line', () => {
  it('takes long, short, joined and repeated options', async () => {
    const parsed = await parse('-m', 'net', '--size=4', '--shape', 'a:1', '--shape', 'b:2', '--no-loud');
    expect(parsed).toMatchObject({
      state: 'run',
      values: { model: 'net', size: 4, shapes: ['a:1', 'b:2'], isLoud: false },
    });
  });

  it('keeps a model name that looks like a number as it was typed', async () => {
    expect(await parse('-m', '007')).toMatchObject({ values: { model: '007' } });
  });

  it('answers help with names, placeholders and defaults, and without the types of yargs', async () => {
    const parsed = await parse('--help');
    const text = parsed.state === 'answered' ? parsed.text : '';
    expect(text).toContain('-m, --model');
    expect(text).toContain('NAME: a model');
    expect(text).toContain('[1]');
    expect(text).not.toContain('[string]');
  });

  it('reports all problems of all kinds at once', async () => {
    await expect(parse('--size', 'many', '--modell', 'x', 'stray', '--sequence-length', '5')).rejects.toMatchObject({
      code: 'BAD_OPTION',
      problems: [
        { where: '--modell', hint: 'did you mean --model?' },
        { where: '--sequence-length', what: expect.stringContaining('not part of this version') as string },
        { where: 'stray' },
        { where: '--model', what: 'is required' },
        { where: '--size' },
      ],
    });
  });
});

describe('the exit code of a run', () => {
  const level = (
    verdict: Verdict,
    codes: readonly string[] = [],
    requestCount = 100,
    cause = 'UNAVAILABLE: connection refused',
  ) => ({
    isSteady: verdict === 'VALID' || verdict === 'CLIENT_LIMITED',
    requestCount,
    errorCount: 100 - requestCount,
    errors: requestCount < 100 ? { [cause]: 100 - requestCount } : {},
    warnings: codes.map((code) => ({ code, message: '' })),
  });
  const codeOf = (...verdicts: Verdict[]): number => exitCodeOfLevels(verdicts.map((verdict) => level(verdict)));

  it('is 0 while one level was steady, a client-limited one included, and 2 otherwise', () => {
    expect(codeOf('UNSTABLE', 'VALID')).toBe(0);
    expect(codeOf('CLIENT_LIMITED', 'INVALID')).toBe(0);
    expect(codeOf('UNSTABLE', 'INVALID')).toBe(2);
    expect(codeOf()).toBe(2);
  });

  it('is 4 when the server stopped answering for good, and not when it came back', () => {
    const stopped = level('INVALID', ['SERVER_STOPPED']);
    expect(exitCodeOfLevels([level('VALID'), stopped])).toBe(4);
    expect(exitCodeOfLevels([level('VALID'), stopped, level('INVALID', [], 0)])).toBe(4);
    expect(exitCodeOfLevels([level('VALID'), stopped, level('UNSTABLE')])).toBe(0);
    expect(exitCodeOfLevels([level('VALID'), level('INVALID', [], 0)])).toBe(4);
    expect(exitCodeOfLevels([level('INVALID', [], 0), level('VALID')])).toBe(0);
  });

  it('is not 4 where a server was only too slow at the last level', () => {
    const slow = level('INVALID', [], 0, 'DEADLINE_EXCEEDED: no answer within the request timeout');
    expect(exitCodeOfLevels([level('VALID'), slow])).toBe(0);
    expect(exitCodeOfLevels([level('UNSTABLE'), slow])).toBe(2);
  });

  it('is 2 when no request was ever answered: there was no server that stopped', () => {
    expect(exitCodeOfLevels([level('INVALID', [], 0)])).toBe(2);
  });
});
