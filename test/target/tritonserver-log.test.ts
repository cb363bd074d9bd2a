import { describe, expect, it } from 'vitest';
import { lastComplaints, oneLineReason } from '../../src/target/tritonserver-log.js';

describe('what a tritonserver’s log says went wrong', () => {
  it('is its newest errors, without what stands before them', () => {
    const log = [
      'I1121 11:49:47.530533 8367 server.cc:305] "starting"',
      'E1121 11:49:48.739990 8367 model_lifecycle.cc:624] "failed to load \'a\' version 1: no file"',
      '| Option | Value |',
      '+--------+-------+',
      'error: creating server: Internal - failed to load all models',
    ].join('\n');
    expect(lastComplaints(log)).toBe(
      "failed to load 'a' version 1: no file | error: creating server: Internal - failed to load all models",
    );
  });

  it('is the refused flag alone, not the help that follows it', () => {
    const log =
      "/opt/tritonserver: unrecognized option '--nope'\nUsage: tritonserver [options]\n  --log-error <boolean>\n";
    expect(lastComplaints(log)).toBe("/opt/tritonserver: unrecognized option '--nope'");
  });

  it('is its last lines where none is an error, and told to be nothing where there are none', () => {
    expect(lastComplaints('one\ntwo\n')).toBe('one | two');
    expect(lastComplaints('')).toBe('nothing');
  });

  it('keeps a traceback on one line', () => {
    expect(oneLineReason('Internal: no module\n\nAt:\n  model.py(1)')).toBe('Internal: no module | At: | model.py(1)');
  });
});
