/** docs/perf-analyzer.md against the parser: every flag of perf_analyzer is in the table, and does what its row says. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { measureCommand } from '../../src/cli/commands/measure.js';
import { parseCommandLine } from '../../src/cli/parse-command-line.js';
import { translatePerfAnalyzerWords } from '../../src/cli/perf-analyzer-flags.js';
import { PerfTsError } from '../../src/common/errors.js';
import { packageRoot } from '../../src/common/package-root.js';

/** What perf_analyzer 2.55 parses, deprecated flags included; an example of a value where one is taken. */
const flags: Readonly<Record<string, string>> = {
  '-m': 'a',
  '-x': '1',
  '--version': '',
  '-v': '',
  '--help': '',
  '--service-kind': 'openai',
  '--endpoint': 'v1/chat/completions',
  '--model-signature-name': 'predict',
  '--bls-composing-models': 'a,b',
  '--triton-server-directory': '/opt/tritonserver',
  '--model-repository': '/models',
  '--grpc-method': 'pkg.Svc/Method',
  '--proto': 'a.proto',
  '--enable-mpi': '',
  '--concurrency-range': '1:4:1',
  '--request-rate-range': '10:20:5',
  '--request-distribution': 'poisson',
  '--request-intervals': 'intervals.txt',
  '--fixed-schedule': '',
  '--periodic-concurrency-range': '1:4:1',
  '--request-period': '20',
  '--session-concurrency': '4',
  '--binary-search': '',
  '-l': '100',
  '--max-threads': '16',
  '--request-count': '100',
  '--warmup-request-count': '10',
  '-a': '',
  '--sync': '',
  '--streaming': '',
  '--measurement-mode': 'count_windows',
  '-p': '1000',
  '--measurement-request-count': '100',
  '-s': '20',
  '-r': '5',
  '--percentile': '95',
  '--num-of-sequences': '8',
  '--sequence-length': '7',
  '--sequence-length-variation': '0',
  '--sequence-id-range': '1:100',
  '--serial-sequences': '',
  '-b': '4',
  '--input-data': 'zero',
  '--shape': 'x:3,4',
  '--string-length': '16',
  '--string-data': 'abc',
  '--input-tensor-format': 'json',
  '--output-tensor-format': 'json',
  '--shared-memory': 'system',
  '--output-shared-memory-size': '1024',
  '--request-parameter': 'a:1:int',
  '-i': 'grpc',
  '-u': 'localhost:8001',
  '-H': 'a:b',
  '--grpc-compression-algorithm': 'gzip',
  '--ssl-grpc-use-ssl': '',
  '--ssl-grpc-root-certifications-file': 'a.pem',
  '--ssl-grpc-private-key-file': 'a.pem',
  '--ssl-grpc-certificate-chain-file': 'a.pem',
  '--ssl-https-verify-peer': '1',
  '--ssl-https-verify-host': '2',
  '--ssl-https-ca-certificates-file': 'a.pem',
  '--ssl-https-client-certificate-file': 'a.pem',
  '--ssl-https-client-certificate-type': 'PEM',
  '--ssl-https-private-key-file': 'a.pem',
  '--ssl-https-private-key-type': 'PEM',
  '--collect-metrics': '',
  '--metrics-url': 'localhost:8002/metrics',
  '--metrics-interval': '500',
  '-f': 'out.csv',
  '--verbose-csv': '',
  '--profile-export-file': 'out.json',
  '--trace-level': 'TIMESTAMPS',
  '--trace-rate': '100',
  '--trace-count': '10',
  '--log-frequency': '5',
  '--data-directory': 'data',
  '-c': '8',
  '-t': '4',
  '-d': '',
  '-z': '',
};

const rows = readFileSync(join(packageRoot, 'docs/perf-analyzer.md'), 'utf8')
  .split('\n')
  .filter((line) => /^\| `-/.test(line))
  .map((line) => {
    const [flag, meaning, differs, shownBy] = line.split(' | ').map((cell) => cell.replace(/^\| | \|$/g, '').trim());
    return { flag: flag!.replaceAll('`', ''), meaning: meaning!, differs: differs!, shownBy: shownBy! };
  });

async function problemsOf(words: readonly string[]): Promise<string[]> {
  const line = words.includes('-m') ? words : ['-m', 'a', ...words];
  try {
    await parseCommandLine('measure', measureCommand, line, 100);
    return [];
  } catch (thrown) {
    if (!(thrown instanceof PerfTsError)) throw thrown;
    return thrown.problems.map(({ where = '', what }) => `${where} ${what}`);
  }
}

describe('the table of perf_analyzer’s flags', () => {
  it('has each flag once, and no other', () => {
    expect(rows.map(({ flag }) => flag).sort()).toEqual(Object.keys(flags).sort());
  });

  it('names tests that exist', () => {
    for (const { shownBy } of rows) expect(existsSync(join(packageRoot, shownBy)), shownBy).toBe(true);
  });

  it.each(rows)('says of $flag what the parser does: $meaning', async ({ flag, meaning }) => {
    const value = flags[flag] ?? '';
    const problems = await problemsOf(value === '' ? [flag] : [flag, value]);
    if (/refused$/.test(meaning) || meaning.startsWith('refused')) expect(problems.join('\n')).toContain(flag);
    // A flag that needs another one beside it is known all the same.
    else expect(problems.filter((problem) => /not part of this version|no such option/.test(problem))).toEqual([]);
  });
});

describe('perf_analyzer’s command lines', () => {
  it.each([
    '-m a',
    '-m a -u localhost:8001 -i grpc --concurrency-range 1:8:2 -b 4 -p 2000 -s 20 -r 5',
    '-m a -i HTTP --request-rate-range 100:500:100 --request-distribution poisson -f out.csv --verbose-csv',
    '-m a --concurrency-range 1:64:1 --binary-search -l 50 --percentile 99',
    '-m a --measurement-mode count_windows --measurement-request-count 200 --async --max-threads 8',
    '-m a --concurrency-range 8 --request-count 1000 --warmup-request-count 50 --profile-export-file p.json',
    '-m a --service-kind triton --input-tensor-format=binary --output-tensor-format binary --trace-level OFF',
    '-m a --service-kind=triton --model-signature-name serving_default --triton-server-directory /opt/tritonserver',
    '-m a --input-tensor-format json --output-tensor-format=json -i http',
    '-m a -t 4 -z',
    '-m a -t4 --zero-input',
    '-m a -d -t 2 -c 8',
    '-m a -d -l 50',
    '-m a --data-directory data',
    '-m a --enable-mpi',
    '-m a --concurrency-range 1:0:4 -l 50',
    '-m a --request-rate-range 10:0:10 -l 50',
    '-m a --request-rate-range 100 --max-threads 4',
    '-m a --num-of-sequences 4 --sequence-length 20 --sequence-length-variation 20 --request-period 10',
    '-m a --trace-rate 1000 --trace-count -1 --log-frequency 0',
    '-m a --shape x:3,224,224 --input-data zero --string-length 16 --sync --compat perf_analyzer -v',
  ])('parse as they are: %s', async (line) => {
    expect(await problemsOf(line.split(' '))).toEqual([]);
  });
});

describe('flags at a value that perf-ts cannot honour', () => {
  it.each([
    [['--service-kind', 'openai'], /--service-kind openai/],
    [['--trace-level=TIMESTAMPS'], /--trace-level TIMESTAMPS/],
    [['--sequence-length', '30'], /--sequence-length 30/],
    [['--streaming'], /--streaming/],
  ])('are refused by name: %j', async (words, what) => {
    expect((await problemsOf(words)).join()).toMatch(what);
  });

  it('are all reported together, beside the problems of other options', async () => {
    const problems = await problemsOf(['--streaming', '--trace-level', 'TENSORS', '-b', 'x', '--nonsense']);
    expect(problems.length).toBe(4);
  });
});

describe('the words of old command lines', () => {
  const translated = (line: string): string => translatePerfAnalyzerWords(line.split(' ')).words.join(' ');
  it.each([
    ['-t 4', '--concurrency-range 4'],
    ['-t=4 -m a', '-m a --concurrency-range 4'],
    ['-d -t 2 -c 8 -l 5', '-l 5 --concurrency-range 2:8:1'],
    ['-d', '--concurrency-range 1:0:1'],
    ['-z', '--input-data zero'],
    ['--data-directory d', '--input-data d'],
    ['-m a --shape x:1 --trace-level off', '-m a --shape x:1'],
  ])('%s means %s', (line, words) => expect(translated(line)).toBe(words));
});
