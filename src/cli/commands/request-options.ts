/** Options that say what is in the requests and how they travel: input data, parameters, headers, TLS, shared memory. */
import { type OptionRow, optional, repeated, toggle, withDefault } from '../../common/option-row.js';
import { isEndpoint, parseChoice, parseDuration, parseInteger, parseText } from '../../common/value-parsers.js';
import { parseInputChoice } from '../../plan/input-data/input-choice.js';

const dataGroup = 'Input data';
const group = 'Requests';
const tlsGroup = 'TLS';

const stringLengthRow = withDefault({
  flag: 'string-length',
  placeholder: 'N',
  group: dataGroup,
  help: 'length of generated strings for BYTES inputs',
  defaultText: '128',
  parse: parseInteger(0, 1 << 20),
});

export const inputRows = {
  inputData: repeated({
    flag: 'input-data',
    placeholder: 'WHAT',
    group: dataGroup,
    help: 'values of the inputs: random (the default), zero, LOW..HIGH, one of these for one input (NAME:zero), a JSON file as perf_analyzer has it, or a folder with a file for each input; repeatable',
    parse: parseInputChoice,
  }),
  stringLength: stringLengthRow,
  stringData: optional({
    flag: 'string-data',
    placeholder: 'TEXT',
    group: dataGroup,
    help: 'the text of every generated string for BYTES inputs',
    conflicts: ['string-length'],
    parse: (text) => text,
  }),
  validationTolerance: optional({
    flag: 'validation-tolerance',
    placeholder: 'X',
    group: dataGroup,
    help: 'by how much a float of an answer may differ from validation_data, relative and absolute (default 1e-5); other types must be the same',
    parse: parseTolerance,
  }),
} as const;

export const requestRows = {
  requestParameters: repeated({
    flag: 'request-parameter',
    placeholder: 'NAME:VALUE:TYPE',
    group,
    help: 'parameter of every request; the type is bool, int, double or string; repeatable',
    parse: parseParameter,
  }),
  priority: optional({
    flag: 'priority',
    placeholder: 'N',
    group,
    help: 'priority of every request; 1 is the highest, 0 the model’s default',
    parse: parseInteger(0),
  }),
  serverTimeout: optional({
    flag: 'server-timeout',
    placeholder: 'DURATION',
    group,
    help: 'how long the server may let a request wait in its queue, where the model’s queue policy allows it (Triton’s request parameter "timeout"); --request-timeout is this side’s own limit',
    parse: parseDuration,
  }),
  headers: repeated({
    flag: 'header',
    aliases: ['H'],
    placeholder: 'NAME:VALUE',
    group,
    help: 'HTTP header or gRPC metadata of every request and of the calls that ask about the model; repeatable, and records keep only the name',
    parse: parseHeader,
  }),
  sharedMemory: withDefault({
    flag: 'shared-memory',
    placeholder: 'none|system',
    group,
    help: 'system: inputs and outputs lie in memory that a server on this host shares, in regions of this run’s own',
    defaultText: 'none',
    parse: parseSharedMemory,
  }),
  outputSharedMemorySize: withDefault({
    flag: 'output-shared-memory-size',
    placeholder: 'BYTES',
    group,
    help: 'with --shared-memory: room for each row of an output whose size is not fixed',
    defaultText: '102400',
    parse: parseInteger(1, 2 ** 31 - 1),
  }),
  grpcCompression: withDefault({
    flag: 'grpc-compression-algorithm',
    placeholder: 'none|gzip|deflate',
    group,
    help: 'compress gRPC requests; they are then sent by @grpc/grpc-js, which compresses each anew',
    defaultText: 'none',
    parse: parseChoice('none', 'gzip', 'deflate'),
  }),
  inputTensorFormat: withDefault({
    flag: 'input-tensor-format',
    placeholder: 'binary|json',
    group,
    help: 'how inputs travel over HTTP: as bytes after the JSON, or as numbers and texts within it',
    defaultText: 'binary',
    parse: parseChoice('binary', 'json'),
  }),
  outputTensorFormat: withDefault({
    flag: 'output-tensor-format',
    placeholder: 'binary|json',
    group,
    help: 'how outputs are asked for over HTTP',
    defaultText: 'binary',
    parse: parseChoice('binary', 'json'),
  }),
  httpCompression: withDefault({
    flag: 'http-compression-algorithm',
    placeholder: 'none|gzip|deflate',
    group,
    help: 'compress the bodies of HTTP requests, once each when they are prepared',
    defaultText: 'none',
    parse: parseChoice('none', 'gzip', 'deflate'),
  }),
} as const;

const file = (flag: string, help: string): OptionRow<string | undefined> =>
  optional({ flag, placeholder: 'FILE', group: tlsGroup, help, parse: parseText });

const form = (flag: string, help: string) =>
  withDefault({
    flag,
    placeholder: 'PEM|DER',
    group: tlsGroup,
    help,
    defaultText: 'PEM',
    parse: (text) => parseChoice('PEM', 'DER')(text.toUpperCase()),
  });

export const tlsRows = {
  grpcUseSsl: toggle({ flag: 'ssl-grpc-use-ssl', group: tlsGroup, help: 'gRPC over TLS' }),
  grpcRoots: file('ssl-grpc-root-certifications-file', 'PEM file of the authorities that gRPC servers are trusted by'),
  grpcKey: file('ssl-grpc-private-key-file', 'PEM file of this client’s private key for gRPC'),
  grpcCertificate: file('ssl-grpc-certificate-chain-file', 'PEM file of this client’s certificates for gRPC'),
  httpsVerifyPeer: withDefault({
    flag: 'ssl-https-verify-peer',
    placeholder: '0|1',
    group: tlsGroup,
    help: 'HTTPS: 0 accepts any certificate',
    defaultText: '1',
    parse: parseChoice('0', '1'),
  }),
  httpsVerifyHost: withDefault({
    flag: 'ssl-https-verify-host',
    placeholder: '0|1|2',
    group: tlsGroup,
    help: 'HTTPS: 0 accepts a certificate for another host name',
    defaultText: '2',
    parse: parseChoice('0', '1', '2'),
  }),
  httpsRoots: file('ssl-https-ca-certificates-file', 'PEM file of the authorities that HTTPS servers are trusted by'),
  httpsCertificate: file('ssl-https-client-certificate-file', 'this client’s certificate for HTTPS'),
  httpsCertificateForm: form('ssl-https-client-certificate-type', 'form of the client’s certificate'),
  httpsKey: file('ssl-https-private-key-file', 'this client’s private key for HTTPS'),
  httpsKeyForm: form('ssl-https-private-key-type', 'form of the client’s private key'),
} as const;

/** Where the server is, and what the scheme before it says. */
export interface ServerUrl {
  readonly endpoint: string;
  /** Lower case, without `://`; undefined where there is none. */
  readonly scheme: string | undefined;
}

/** `host:port`, perhaps behind `http://`, `https://`, `grpc://` or `grpcs://`. */
export function parseServerUrl(text: string): ServerUrl {
  const [, scheme, rest = text] = /^(https?|grpcs?):\/\/(.*?)\/?$/i.exec(text) ?? [];
  const endpoint = rest.replace(/\/$/, '');
  if (!isEndpoint(endpoint)) throw new Error(`must be HOST:PORT, such as localhost:8001, not '${text}'`);
  return { endpoint, scheme: scheme?.toLowerCase() };
}

function parseTolerance(text: string): number {
  const value = /^\d+(?:\.\d+)?(?:e[-+]?\d+)?$/i.test(text) ? Number(text) : Number.NaN;
  if (!(value >= 0 && Number.isFinite(value))) throw new Error(`must be a number of at least 0, not '${text}'`);
  return value;
}

function parseSharedMemory(text: string): 'none' | 'system' {
  if (text === 'cuda') {
    throw new Error("'cuda' is not offered: perf-ts does not hold GPU memory; use system, or none");
  }
  return parseChoice('none', 'system')(text);
}

/** A name in lower case, as both protocols compare them. */
function parseHeader(text: string): readonly [name: string, value: string] {
  const colon = text.indexOf(':');
  const name = text.slice(0, Math.max(colon, 0)).trim().toLowerCase();
  if (name === '') throw new Error(`must be NAME:VALUE, such as 'Authorization: Bearer …', not '${text}'`);
  return [name, text.slice(colon + 1).trim()];
}

function parseParameter(text: string): readonly [name: string, value: string | number | boolean] {
  const [, name, value = '', type] = /^([^:]+):(.*):([^:]+)$/s.exec(text) ?? [];
  if (name === undefined) throw new Error(`must be NAME:VALUE:TYPE, such as max_tokens:256:int, not '${text}'`);
  if (reservedParameters.has(name)) {
    const instead = { priority: '--priority', timeout: '--server-timeout' }[name];
    throw new Error(`'${name}' is the protocol's own${instead === undefined ? '' : `; use ${instead}`}`);
  }
  return [name, valueOfType(value, type!)];
}

const reservedParameters = new Set([
  'priority',
  'timeout',
  'sequence_id',
  'sequence_start',
  'sequence_end',
  'binary_data_output',
]);

function valueOfType(text: string, type: string): string | number | boolean {
  const wrong = (): Error => new Error(`'${text}' is no ${type}`);
  switch (type) {
    case 'string':
      return text;
    case 'bool':
      if (!/^(?:true|false|1|0)$/i.test(text)) throw wrong();
      return /^(?:true|1)$/i.test(text);
    case 'int':
      if (!/^[+-]?\d+$/.test(text) || !Number.isSafeInteger(Number(text))) throw wrong();
      return Number(text);
    case 'double':
      if (text.trim() === '' || !Number.isFinite(Number(text))) throw wrong();
      return Number(text);
    default:
      throw new Error(`the type of a parameter is bool, int, double or string, not '${type}'`);
  }
}
