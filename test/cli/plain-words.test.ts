import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { defineCommand } from '../../src/cli/command.js';
import { parseCommandLine } from '../../src/cli/parse-command-line.js';
import { readPlainWords } from '../../src/cli/plain-words.js';
import { repeated, toggle, withDefault } from '../../src/common/option-row.js';
import { parseText } from '../../src/common/value-parsers.js';

const group = 'Things';
const rows = {
  size: withDefault({ flag: 'size', aliases: ['length', 'b'], group, help: '', defaultText: '1', parse: parseText }),
  names: repeated({ flag: 'name', group, help: '', parse: parseText }),
  isLoud: toggle({ flag: 'loud', aliases: ['noisy'], group, help: '' }),
};
const command = defineCommand({ usage: 'perf-ts test', examples: [], rows, run: () => Promise.resolve(0) });
const read = (...words: string[]) => readPlainWords(Object.values(rows), words);

describe('plain words', () => {
  it('are values behind an equals sign or a space, and switches', () => {
    expect(read('--size=4', '--name=a=b', '--name', '/c d', '--loud')).toEqual({
      size: ['4'],
      name: ['a=b', '/c d'],
      loud: ['true'],
    });
    expect(read('--loud=false')).toEqual({ loud: ['false'] });
    expect(read('--length=2', '--noisy')).toEqual({ size: ['2'], loud: ['true'] });
  });

  it.each([
    ['--size', '-4'],
    ['--size'],
    ['--size', "'4'"],
    ['--size='],
    ['--help'],
    ['--loud=no'],
    ['--loud', 'false'],
    ['--no-loud'],
    ['--loud', '--loud'],
    ['-b', '4'],
    ['--other=1'],
    ['stray'],
    ['--'],
    ['--size="4"'],
  ])('are not: %s %s', (...words) => {
    expect(read(...words)).toBeUndefined();
  });

  it('mean what they mean to yargs', async () => {
    const value = fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 8 });
    const word = fc.oneof(
      value.map((text) => `--name=${text}`),
      value.map((text) => `--length=${text}`),
      value.map((text) => `--size\n${text}`),
      fc.constantFrom('--loud', '--loud=false', '--noisy=true'),
    );
    // Only --name may be given more than once; what its value says does not matter here.
    const sameOption = (text: string): string =>
      /^--(?:loud|noisy)/.test(text) ? 'loud' : text.startsWith('--name') ? text : 'size';
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(word, { maxLength: 5, selector: sameOption }), async (lines) => {
        const words = lines.flatMap((line) => line.split('\n'));
        if (read(...words) === undefined) return;
        const plain = await parseCommandLine('test', command, words, 100);
        // A value in two words is left to yargs.
        const asYargs = await parseCommandLine('test', command, [...words, '--name', 'last'], 100);
        const expected = plain.state === 'run' ? { ...plain.values, names: [...plain.values.names, 'last'] } : {};
        expect(asYargs.state === 'run' && asYargs.values).toEqual(expected);
      }),
      { numRuns: 200, seed: 20 },
    );
  });
});
