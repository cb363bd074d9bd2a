import { describe, expect, it } from 'vitest';
import { TraceSettings } from '../../../engine/frontend/trace-settings.js';

describe('trace settings', () => {
  it('of a model are those of all models until it has its own', () => {
    const settings = new TraceSettings();
    settings.change('', { trace_rate: ['7'] });
    expect(settings.read('m').trace_rate).toEqual(['7']);
    settings.change('m', { trace_rate: ['9'] });
    settings.change('', { trace_rate: ['8'], trace_count: ['3'] });
    expect(settings.read('m')).toMatchObject({ trace_rate: ['9'], trace_count: ['3'] });
    settings.change('m', { trace_rate: [] });
    expect(settings.read('m').trace_rate).toEqual(['8']);
    settings.change('', { trace_rate: [], trace_count: [] });
    expect(settings.read('')).toEqual({
      trace_level: ['OFF'],
      trace_rate: ['1000'],
      trace_count: ['-1'],
      log_frequency: ['0'],
      trace_file: [''],
      trace_mode: ['triton'],
    });
  });

  it('change all together or not at all', () => {
    const settings = new TraceSettings();
    expect(() => settings.change('', { trace_rate: ['7'], trace_count: ['x'] })).toThrow(
      "Unable to parse 'trace_count'",
    );
    expect(settings.read('').trace_rate).toEqual(['1000']);
  });

  it.each<[string, Record<string, string[]>, string]>([
    ['a level that would need a trace file', { trace_level: ['TIMESTAMPS'] }, 'trace file name is not given'],
    ['OFF beside another level', { trace_level: ['OFF', 'TIMESTAMPS'] }, "only one trace level 'OFF'"],
    ['two rates', { trace_rate: ['1', '2'] }, "expect only 1 value for 'trace_rate'"],
    ['a count below -1', { trace_count: ['-2'] }, 'Expecting value >= -1, got:-2'],
    ['a negative rate', { trace_rate: ['-1'] }, 'Expecting value >= 0, got:-1'],
    ['a number out of range', { log_frequency: ['99999999999'] }, 'value is out of range'],
    ['another trace file', { trace_file: ['/tmp/x'] }, 'can not be updated through network protocol'],
  ])('refuse %s', (_, changes, message) => {
    expect(() => new TraceSettings().change('', changes)).toThrow(message);
  });

  it('pass over names that are none and levels that are none', () => {
    const settings = new TraceSettings();
    settings.change('', { foo: ['1'], trace_level: ['FOO'], trace_mode: ['opentelemetry'] });
    expect(settings.read('')).toMatchObject({ trace_level: ['OFF'], trace_mode: ['triton'] });
  });
});
