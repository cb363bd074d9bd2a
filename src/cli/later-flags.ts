/** perf_analyzer's flags that this version knows of but does not act on: they are refused by name, never ignored. */
export const laterFlags: Readonly<Record<string, string>> = {
  'fixed-schedule': 'open-loop load from a schedule',
  'periodic-concurrency-range': 'periodic concurrency',
  'request-period': 'periodic concurrency',
  'session-concurrency': 'sessions',
  'input-tensor-format': 'JSON tensors (they are always binary)',
  'output-tensor-format': 'JSON tensors (they are always binary)',
  'grpc-method': 'methods other than KServe v2’s',
  proto: 'methods other than KServe v2’s',
  'num-of-sequences': 'sequences',
  'sequence-length': 'sequences',
  'sequence-length-variation': 'sequences',
  'sequence-id-range': 'sequences',
  'serial-sequences': 'sequences',
  streaming: 'gRPC streams',
  'service-kind': 'other kinds of service',
  endpoint: 'other kinds of service',
  'trace-level': 'tracing',
  'trace-rate': 'tracing',
  'trace-count': 'tracing',
  'log-frequency': 'tracing',
  'bls-composing-models': 'ensembles',
  'model-signature-name': 'TensorFlow Serving',
  'triton-server-directory': 'in-process serving',
  'enable-mpi': 'MPI',
};

/** perf_analyzer's flags that it gave up itself, with what replaced them there and here. */
export const deprecatedFlags: Readonly<Record<string, string>> = {
  'data-directory': '--input-data',
  c: '--concurrency-range',
  t: '--concurrency-range',
  d: '--concurrency-range',
  z: '--input-data zero',
};
