import { describe, expect, it } from 'vitest';
import type { Problem } from '../../../src/common/errors.js';
import { buildDataset, checkDatasetBatch, type DatasetModel } from '../../../src/plan/input-data/build-dataset.js';
import { type InputDataset, readRows } from '../../../src/plan/input-data/dataset.js';
import { readJsonData } from '../../../src/plan/input-data/json-data.js';

const spec = (name: string, dataType: 'FP32' | 'BYTES' | 'INT64' | 'FP16', shape: number[]) => ({
  name,
  dataType,
  shape,
});

const model = (changes: Partial<DatasetModel> = {}): DatasetModel => ({
  model: 'm',
  inputs: [spec('A', 'FP32', [2]), spec('S', 'BYTES', [-1])],
  outputs: [spec('O', 'INT64', [1])],
  optionalInputs: new Set(),
  generatedInputs: new Set(),
  shapes: {},
  ...changes,
});

function build(document: string, of = model()): { dataset: InputDataset | undefined; problems: Problem[] } {
  const problems: Problem[] = [];
  const streams = readJsonData(document, 'in.json', problems);
  if (problems.length > 0) return { dataset: undefined, problems };
  const dataset = buildDataset([{ kind: 'json', path: 'in.json', streams }], of, problems);
  return { dataset, problems };
}

const placesOf = (problems: readonly Problem[]) => problems.map(({ where, what }) => `${where}: ${what}`);
const strings = (...texts: string[]): Buffer =>
  Buffer.concat(texts.flatMap((text) => [Buffer.from([text.length, 0, 0, 0]), Buffer.from(text)]));

describe('a data set', () => {
  it('takes lists, content with a shape, and base64, as perf_analyzer does', () => {
    const { dataset, problems } = build(`{"data": [
      {"A": [1, 2.5], "S": ["x", "yz"], "model": "ignored"},
      {"A": {"b64": "AACAPwAAAEA="}, "S": {"content": ["q"], "shape": [1]}},
      {"A": {"content": {"b64": "AACAPwAAAEA="}, "shape": [2]}, "S": {"b64": "AQAAAHE=", "shape": [1]}}
    ]}`);
    expect(problems).toEqual([]);
    const rows = (column: number, step: number) => readRows(dataset!, column, [step]);
    expect(rows(0, 0)).toEqual({ shape: [2], bytes: new Uint8Array(new Float32Array([1, 2.5]).buffer) });
    expect(rows(0, 1)).toEqual(rows(0, 2));
    expect(rows(1, 0)).toEqual({ shape: [2], bytes: new Uint8Array(strings('x', 'yz')) });
    expect(rows(1, 1)).toEqual(rows(1, 2));
  });

  it('puts streams one after the other, and files behind them', () => {
    const problems: Problem[] = [];
    const streams = readJsonData('{"data": [[{"A": [1, 1]}, {"A": [2, 2]}], [{"A": [3, 3]}]]}', 'in.json', problems);
    const file = { kind: 'json', path: 'in.json', streams } as const;
    const only = model({ inputs: [spec('A', 'FP32', [2])] });
    const dataset = buildDataset([file, file], only, problems)!;
    expect(dataset).toMatchObject({ streamCount: 4, stepCount: 6 });
    const values = new Float32Array(dataset.bytes.slice(0));
    expect([...values].filter((_, index) => index % 2 === 0)).toEqual([1, 2, 3, 1, 2, 3]);
  });

  it('takes half floats as numbers, and whole numbers beyond 2^53 in full', () => {
    const wide = model({ inputs: [spec('H', 'FP16', [2]), spec('I', 'INT64', [1])] });
    const { dataset } = build('{"data": [{"H": [1, -2], "I": [9007199254740993]}]}', wide);
    expect([...new Uint16Array(readRows(dataset!, 0, [0])!.bytes.buffer)]).toEqual([0x3c00, 0xc000]);
    expect(new BigInt64Array(readRows(dataset!, 1, [0])!.bytes.buffer)[0]).toBe(9007199254740993n);
  });

  it('names every problem with its place in the file', () => {
    const { problems } = build(`{"data": [
      {"A": [1], "S": ["x"]},
      {"a": [1, 2], "S": {"content": ["x"], "shap": [1]}},
      {"A": [1, "x"], "S": [5]}
    ]}`);
    expect(placesOf(problems)).toEqual([
      'in.json: data[1].S: has the unknown key "shap" (content, b64 and shape are known)',
    ]);
    const later = build(`{"data": [{"A": [1], "S": ["x"]}, {"a": [1, 2], "S": ["x"]}, {"A": [1, "x"], "S": [5]}]}`);
    expect(placesOf(later.problems)).toEqual([
      'in.json: data[1]: model m has no input a',
      'in.json: data[1]: lacks the input A',
      'in.json: data[0].A: has 1 values where the shape [2] holds 2',
      "in.json: data[2].A: tensor 'A' has a value that is no FP32",
      "in.json: data[2].S: tensor 'S' of type BYTES has a value that is no text",
    ]);
  });

  it.each([
    ['{"data": {}}', 'in.json: has no list named "data"'],
    ['{"data": []}', 'in.json: data: holds no step'],
    ['{"data": [{"A": [1, 2]}, [{"A": [1, 2]}]]}', 'in.json: data: mixes steps with lists of steps'],
    ['{"data": [{}], "validation_dat": []}', 'in.json: the key "validation_dat" is unknown'],
    ['{"data": [{}],\n "x": }', 'in.json:2:7: a value is expected here'],
    ['{"data": [{"A": {"b64": "?"}}]}', 'in.json: data[0].A: has a "b64" that is no base64 text'],
    [
      '{"data": [{"A": [1, 2]}], "validation_data": []}',
      'in.json: validation_data: does not have the same streams and steps as data',
    ],
  ])('refuses %s', (text, message) => {
    expect(placesOf(build(text).problems)).toEqual([message]);
  });

  it('lets an optional input be missing, and an input that is generated', () => {
    const lenient = model({ optionalInputs: new Set(['S']) });
    expect(build('{"data": [{"A": [1, 2]}]}', lenient).dataset?.inputs).toEqual(['A']);
    const generated = model({ generatedInputs: new Set(['S']) });
    expect(build('{"data": [{"A": [1, 2]}]}', generated).problems).toEqual([]);
    expect(placesOf(build('{"data": [{"A": [1, 2]}]}').problems)).toEqual(['in.json: has no values for the input S']);
  });

  it('prefers the shape of the file to the one of the command line', () => {
    const shaped = model({ inputs: [spec('S', 'BYTES', [-1, -1])], shapes: { S: [2, 1] } });
    const { dataset } = build('{"data": [{"S": ["a", "b"]}, {"S": {"content": ["a", "b"], "shape": [1, 2]}}]}', shaped);
    expect([0, 1].map((step) => readRows(dataset!, 0, [step])?.shape)).toEqual([
      [2, 1],
      [1, 2],
    ]);
  });

  it('cannot put rows of different shapes into one request', () => {
    const { dataset } = build('{"data": [{"A": [1, 2], "S": ["a"]}, {"A": [1, 2], "S": ["a", "b"]}]}');
    const problems: Problem[] = [];
    checkDatasetBatch(dataset!, 1, 1, problems);
    expect(problems).toEqual([]);
    checkDatasetBatch(dataset!, 2, 1, problems);
    expect(problems).toHaveLength(1);
    expect(problems[0]!.what).toContain('S differs in shape');
  });

  it('reads a folder: bytes as they are, and strings by the line', () => {
    const contents = new Map<string, Uint8Array>([
      ['A', new Uint8Array(8)],
      ['S', Buffer.from('one\ntwo\n')],
      ['README', Buffer.from('not a tensor')],
    ]);
    const problems: Problem[] = [];
    const dataset = buildDataset([{ kind: 'folder', path: 'd', contents }], model(), problems);
    expect(problems).toEqual([]);
    expect(readRows(dataset!, 1, [0])).toEqual({ shape: [2], bytes: new Uint8Array(strings('one', 'two')) });
  });
});
