import { describe, expect, it } from 'vitest';
import { optional, readOptions, repeated, required, toggle, withDefault } from '../../src/common/option-row.js';
import { parseDuration, parseEndpoint, parseInteger, parseShare } from '../../src/common/value-parsers.js';

const rows = {
  model: required({ flag: 'model', group: 'g', help: 'h', parse: (text) => text }),
  size: withDefault({ flag: 'size', group: 'g', help: 'h', defaultText: '4', parse: parseInteger(1, 8) }),
  url: optional({ flag: 'url', group: 'g', help: 'h', conflicts: ['size'], parse: parseEndpoint }),
  shapes: repeated({ flag: 'shape', group: 'g', help: 'h', parse: parseInteger(0) }),
  json: toggle({ flag: 'json', group: 'g', help: 'h' }),
};

describe('readOptions', () => {
  it('parses what is given and fills in defaults', () => {
    const { values, problems } = readOptions(rows, { model: ['m'], shape: ['1', '2'], json: ['true'] });
    expect(problems).toEqual([]);
    expect(values).toEqual({ model: 'm', size: 4, url: undefined, shapes: [1, 2], json: true });
  });

  it('reports every problem at once, each under its flag', () => {
    const { problems } = readOptions(rows, { size: ['9'], url: ['nowhere'] });
    expect(problems.map(({ where }) => where)).toEqual(['--model', '--size', '--url', '--url']);
  });

  it('refuses a single-valued option given twice', () => {
    const { problems } = readOptions(rows, { model: ['a', 'b'] });
    expect(problems[0]?.what).toContain('2 times');
  });
});

describe('value parsers', () => {
  it('read durations with units only', () => {
    expect(parseDuration('250ms')).toBe(250e6);
    expect(parseDuration('1.5m')).toBe(90e9);
    expect(() => parseDuration('10')).toThrow('unit');
  });

  it('read shares as percent or fraction', () => {
    expect(parseShare('5%')).toBeCloseTo(0.05);
    expect(parseShare('0.05')).toBeCloseTo(0.05);
    expect(() => parseShare('0')).toThrow();
    expect(() => parseShare('120%')).toThrow();
  });

  it('read endpoints with a port in range', () => {
    expect(parseEndpoint('http://localhost:8000/')).toBe('localhost:8000');
    expect(parseEndpoint('[::1]:8001')).toBe('[::1]:8001');
    expect(() => parseEndpoint('localhost')).toThrow('HOST:PORT');
    expect(() => parseEndpoint('localhost:99999')).toThrow('HOST:PORT');
  });
});
