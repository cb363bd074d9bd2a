/** What the options of request-options.ts mean together, and with the protocol. */
import type { Compression, TensorFormats, TlsOptions } from '../../client/infer-client.js';
import { PerfTsError, type Problem } from '../../common/errors.js';
import type { OptionValues } from '../../common/option-row.js';
import type { Protocol } from '../../kserve/protocol.js';
import type { PlanOptions } from '../../plan/plan.js';
import type { RequestContents } from '../../plan/request-contents.js';
import type { measureRows } from './measure-options.js';
import { readContents } from './request-contents.js';

type MeasureValues = OptionValues<typeof measureRows>;

type RequestOptions = Omit<RequestContents, 'shapes' | 'inputSource'> &
  Pick<PlanOptions, 'keepsTensors' | 'sharedMemory' | 'compression' | 'tensorFormats' | 'headers' | 'tls'>;

/** Reads the data files. Throws PerfTsError BAD_OPTION or BAD_FILE with every problem. */
export async function readRequestOptions(values: MeasureValues): Promise<RequestOptions> {
  const { sharedMemory } = values;
  return {
    ...(await readContents(values)),
    keepsTensors: values.profileExportFile === undefined || values.profileExportTensors === 'none' ? undefined : true,
    sharedMemory:
      sharedMemory === 'none' ? undefined : { kind: sharedMemory, outputBytes: values.outputSharedMemorySize },
    ...travelOptions(values),
  };
}

/** How requests and questions about the model travel. Throws PerfTsError BAD_OPTION for options that contradict one another. */
export function travelOptions(
  values: MeasureValues,
): Pick<PlanOptions, 'compression' | 'tensorFormats' | 'headers' | 'tls'> {
  const problems: Problem[] = [];
  const compression = compressionOf(values, problems);
  const headers = headersOf(values, problems);
  const tls = tlsOf(values, problems);
  if (problems.length > 0) throw new PerfTsError('BAD_OPTION', problems);
  return { compression, tensorFormats: usesJson(values) ? formatsOf(values) : undefined, headers, tls };
}

/** What -i, the URL's scheme, the client and the flags of one protocol say of the protocol; undefined is found out by asking. */
export function protocolOf(values: MeasureValues): Protocol | undefined {
  const { protocol, url, client } = values;
  if (protocol !== undefined) return protocol;
  if (url?.scheme?.startsWith('http') === true) return 'http';
  if (url?.scheme?.startsWith('grpc') === true) return 'grpc';
  if (client !== undefined) return client === 'http' ? 'http' : 'grpc';
  if (values.grpcUseSsl || values.grpcCompression !== 'none') return 'grpc';
  return values.httpCompression !== 'none' || usesJson(values) || usesHttpsFiles(values) ? 'http' : undefined;
}

function headersOf({ headers }: MeasureValues, problems: Problem[]): PlanOptions['headers'] {
  const names = headers.map(([name]) => name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) problems.push({ where: '--header', what: `the header ${twice} is given twice` });
  return headers.length === 0 ? undefined : Object.fromEntries(headers);
}

function compressionOf(values: MeasureValues, problems: Problem[]): Compression | undefined {
  const protocol = protocolOf(values);
  const { grpcCompression, httpCompression } = values;
  if (protocol === 'http' && grpcCompression !== 'none') {
    const hint = 'use --http-compression-algorithm';
    problems.push({ where: '--grpc-compression-algorithm', what: 'compresses gRPC, and this run sends HTTP', hint });
  }
  if (protocol === 'grpc' && httpCompression !== 'none') {
    const hint = 'use --grpc-compression-algorithm';
    problems.push({ where: '--http-compression-algorithm', what: 'compresses HTTP, and this run sends gRPC', hint });
  }
  const asked = grpcCompression === 'none' ? httpCompression : grpcCompression;
  return asked === 'none' ? undefined : asked;
}

const formatsOf = ({ inputTensorFormat, outputTensorFormat }: MeasureValues): TensorFormats => ({
  input: inputTensorFormat,
  output: outputTensorFormat,
});

const usesJson = (values: MeasureValues): boolean => Object.values(formatsOf(values)).includes('json');

const usesHttpsFiles = ({ httpsRoots, httpsCertificate, httpsKey }: MeasureValues): boolean =>
  [httpsRoots, httpsCertificate, httpsKey].some((file) => file !== undefined);

/** Undefined for plain text. As with perf_analyzer, HTTP asks for TLS by `https://`; naming its files does too. */
function tlsOf(values: MeasureValues, problems: Problem[]): TlsOptions | undefined {
  const scheme = values.url?.scheme;
  const isGrpc = values.grpcUseSsl || scheme === 'grpcs';
  const hasGrpcFiles = [values.grpcRoots, values.grpcKey, values.grpcCertificate].some((file) => file !== undefined);
  if (hasGrpcFiles && !isGrpc) {
    const where = '--ssl-grpc-…-file';
    problems.push({ where, what: 'has no use without TLS', hint: 'add --ssl-grpc-use-ssl' });
  }
  if (isGrpc && protocolOf(values) === 'http') {
    problems.push({ where: '--ssl-grpc-use-ssl', what: 'speaks of gRPC, and this run sends HTTP' });
  }
  if (usesHttpsFiles(values) && (scheme === 'http' || protocolOf(values) === 'grpc')) {
    const hint = 'give the server as -u https://HOST:PORT';
    problems.push({ where: '--ssl-https-…-file', what: 'speaks of HTTPS, which this run does not use', hint });
  }
  if (isGrpc) return grpcTls(values);
  return scheme === 'https' || usesHttpsFiles(values) ? httpsTls(values) : undefined;
}

const grpcTls = ({ grpcRoots, grpcKey, grpcCertificate }: MeasureValues): TlsOptions => ({
  ...(grpcRoots !== undefined && { rootCertificatesFile: grpcRoots }),
  ...(grpcCertificate !== undefined && { certificateChainFile: grpcCertificate }),
  ...(grpcKey !== undefined && { privateKeyFile: grpcKey }),
});

const httpsTls = (values: MeasureValues): TlsOptions => ({
  ...(values.httpsRoots !== undefined && { rootCertificatesFile: values.httpsRoots }),
  ...(values.httpsCertificate !== undefined && { certificateChainFile: values.httpsCertificate }),
  ...(values.httpsKey !== undefined && { privateKeyFile: values.httpsKey }),
  certificateForm: values.httpsCertificateForm,
  privateKeyForm: values.httpsKeyForm,
  verifiesPeer: values.httpsVerifyPeer === '1',
  verifiesHost: values.httpsVerifyHost !== '0',
});

/** The command line for the record: of headers, which may hold secrets, only the name. */
export function withoutSecrets(argv: readonly string[]): readonly string[] {
  const hidden = (text: string): string => text.replace(/:.*/s, ': (not kept)');
  return argv.map((word, index) => {
    const before = argv[index - 1];
    if (before === '-H' || before === '--header') return hidden(word);
    return word.startsWith('--header=') || /^-H./.test(word) ? hidden(word) : word;
  });
}
