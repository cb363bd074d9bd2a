import { describe, expect, it } from 'vitest';
import { engineOptionRows } from '../../engine/options.js';
import { refusedFlags } from '../../engine/refused-flags.js';
import { commandEntries } from '../../src/cli/commands.js';
import { parseCommandLine } from '../../src/cli/parse-command-line.js';

describe('the flags of tritonserver', () => {
  it('are options or refused with a reason, never both', () => {
    const flags = Object.values(engineOptionRows).flatMap(({ flag, aliases }) => [flag, ...aliases]);
    expect(flags.filter((flag) => Object.hasOwn(refusedFlags, flag))).toEqual([]);
  });

  it('that mean nothing here are refused together, each with its reason; unknown ones with the closest one', async () => {
    const serve = await commandEntries.serve!.load();
    const words = ['--rate-limit=off', '--trace-rate', '5', '--metrics-prt=1', '--http-thread-count=4'];
    await expect(parseCommandLine('serve', serve, words, 100)).rejects.toMatchObject({
      code: 'BAD_OPTION',
      problems: [
        { where: '--rate-limit', what: expect.stringContaining('no rate limiter') },
        { where: '--trace-rate', what: expect.stringContaining('not traced') },
        { where: '--metrics-prt', hint: 'did you mean --metrics-port?' },
        { where: '--http-thread-count', what: expect.stringContaining('one thread') },
      ],
    });
  });
});
