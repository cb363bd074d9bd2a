import { describe, expect, it } from 'vitest';
import { defineCommand } from '../../src/cli/command.js';
import { exitCodeOfVerdicts } from '../../src/cli/exit-code.js';
import { parseCommandLine } from '../../src/cli/parse-command-line.js';
import { repeated, required, toggle, withDefault } from '../../src/common/option-row.js';
import { parseInteger, parseText } from '../../src/common/value-parsers.js';

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
  it('is 0 while one level can be trusted, a client-limited one included, and 2 otherwise', () => {
    expect(exitCodeOfVerdicts(['UNSTABLE', 'VALID'])).toBe(0);
    expect(exitCodeOfVerdicts(['CLIENT_LIMITED', 'INVALID'])).toBe(0);
    expect(exitCodeOfVerdicts(['UNSTABLE', 'INVALID'])).toBe(2);
    expect(exitCodeOfVerdicts([])).toBe(2);
  });
});
