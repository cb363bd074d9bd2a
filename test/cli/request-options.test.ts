import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { measureCommand } from '../../src/cli/commands/measure.js';
import { protocolOf, readRequestOptions, withoutSecrets } from '../../src/cli/commands/measure-requests.js';
import { parseCommandLine } from '../../src/cli/parse-command-line.js';
import { makeTemporaryFolder } from '../support/temporary-folder.js';

async function valuesOf(...words: string[]) {
  const parsed = await parseCommandLine('measure', measureCommand, ['-m', 'a', ...words], 80);
  if (parsed.state !== 'run') throw new Error('the command line was answered');
  return parsed.values;
}

const optionsOf = async (...words: string[]) => readRequestOptions(await valuesOf(...words));
const problemsOf = async (...words: string[]): Promise<string[]> => {
  try {
    await optionsOf(...words);
  } catch (thrown) {
    const { problems } = thrown as { problems: readonly { where?: string; what: string }[] };
    return problems.map(({ where, what }) => `${where}: ${what}`);
  }
  return [];
};

describe('the options of requests', () => {
  it('become parameters, with priority and the server’s timeout among them', async () => {
    const words = ['--request-parameter', 'n:5:int', '--request-parameter', 'url:a:b:string', '--request-parameter'];
    const { requestParameters } = await optionsOf(
      ...words,
      'x:true:bool',
      '--priority',
      '2',
      '--server-timeout',
      '5ms',
    );
    expect(requestParameters).toEqual({ n: 5, url: 'a:b', x: true, priority: 2, timeout: 5000 });
  });

  it('become headers with lower-case names', async () => {
    const { headers } = await optionsOf('-H', 'Authorization: Bearer a:b', '--header', 'X-Note:1');
    expect(headers).toEqual({ authorization: 'Bearer a:b', 'x-note': '1' });
  });

  it('name every value that is wrong', async () => {
    const words = [
      '--request-parameter',
      'a:x:int',
      '-H',
      'nothing',
      '--shared-memory',
      'cuda',
      '--input-data',
      '5..1',
    ];
    await expect(optionsOf(...words)).rejects.toMatchObject({
      problems: [
        { where: '--input-data', what: "'5..1' ends before it begins" },
        { where: '--request-parameter', what: "'x' is no int" },
        { where: '--header', what: expect.stringContaining('NAME:VALUE') },
        { where: '--shared-memory', what: expect.stringContaining("'cuda' is not offered") },
      ],
    });
    expect(await problemsOf('--request-parameter', 'timeout:1:int')).toEqual([
      "--request-parameter: 'timeout' is the protocol's own; use --server-timeout",
    ]);
    expect(await problemsOf('-H', 'A:1', '-H', 'a:2')).toEqual(['--header: the header a is given twice']);
  });

  it('read the files of the input data, and say what is wrong in each of them', async () => {
    const folder = await makeTemporaryFolder();
    const good = join(folder, 'good.json');
    writeFileSync(good, '{"data": [{"A": [1]}]}');
    const bad = join(folder, 'bad.json');
    writeFileSync(bad, '{"data": [1]}');
    const { inputChoices, dataFiles } = await optionsOf('--input-data', good, '--input-data', 'B:zero');
    expect(inputChoices).toHaveLength(2);
    expect(dataFiles).toMatchObject([{ kind: 'json', path: good }]);
    expect(await problemsOf('--input-data', bad, '--input-data', join(folder, 'absent'))).toEqual([
      `${bad}: data[0]: is no object of tensors by name`,
      `--input-data ${join(folder, 'absent')}: there is no such file or folder`,
    ]);
  });

  it.each([
    [['--ssl-grpc-use-ssl', '--ssl-grpc-root-certifications-file', 'ca'], { rootCertificatesFile: 'ca' }, 'grpc'],
    [['-u', 'grpcs://h:1'], {}, 'grpc'],
    [
      ['-u', 'https://h:1', '--ssl-https-verify-peer', '0', '--ssl-https-private-key-type', 'der'],
      { certificateForm: 'PEM', privateKeyForm: 'DER', verifiesPeer: false, verifiesHost: true },
      'http',
    ],
    [['-u', 'h:1', '--ssl-https-verify-peer', '0'], undefined, undefined],
  ] as const)('%j ask for TLS', async (words, tls, protocol) => {
    const values = await valuesOf(...words);
    expect((await readRequestOptions(values)).tls).toEqual(tls);
    expect(protocolOf(values)).toBe(protocol);
  });

  it.each([
    [['--ssl-grpc-private-key-file', 'k'], '--ssl-grpc-…-file: has no use without TLS'],
    [['-i', 'http', '--ssl-grpc-use-ssl'], '--ssl-grpc-use-ssl: speaks of gRPC, and this run sends HTTP'],
    [
      ['-u', 'http://h:1', '--ssl-https-ca-certificates-file', 'f'],
      '--ssl-https-…-file: speaks of HTTPS, which this run does not use',
    ],
    [
      ['-i', 'http', '--grpc-compression-algorithm', 'gzip'],
      '--grpc-compression-algorithm: compresses gRPC, and this run sends HTTP',
    ],
    [
      ['-i', 'grpc', '--http-compression-algorithm', 'gzip'],
      '--http-compression-algorithm: compresses HTTP, and this run sends gRPC',
    ],
  ])('%j contradict one another', async (words, problem) => {
    expect(await problemsOf(...words)).toEqual([problem]);
  });

  it('keep the values of headers out of the recorded command line', () => {
    const words = ['-m', 'a', '-H', 'Authorization: x', '--header=B: y', '-HC: z', '--header', 'D:w'];
    expect(withoutSecrets(words).join(' ')).toBe(
      '-m a -H Authorization: (not kept) --header=B: (not kept) -HC: (not kept) --header D: (not kept)',
    );
  });
});
