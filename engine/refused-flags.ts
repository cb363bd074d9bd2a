/**
 * tritonserver's flags that mean nothing here, each with the reason; `perf-ts serve` refuses them by name. At a value
 * that asks for nothing (`neutral`: mostly tritonserver's default) they are taken, with a remark, so that a command line
 * that runs there runs here.
 */

export interface RefusedFlag {
  readonly reason: string;
  /** Matches the values at which the flag asks for nothing that the engine does not do anyway. */
  readonly neutral?: RegExp;
}

const off = /^(false|0|off)$/i;
const any = /^/;
const nothing = /^$/;

const threads = 'the engine answers all connections on one thread, with the models on threads of their own';
const sagemaker = 'there is no Amazon SageMaker front end';
const vertex = 'there is no Vertex AI front end';
const trace = 'requests are not traced; --log-verbose=1 tells of each executed batch';
const cache = 'there is no response cache';
const rates = 'there is no rate limiter; each instance runs whenever it is free';
const restriction = 'calls cannot be restricted by headers; bind to 127.0.0.1, which is the default';
const reuse = 'Node has no SO_REUSEPORT, and two servers on one port would each be measured in part';
const forwarding = 'headers are not forwarded to models';

export const refusedFlags: Readonly<Record<string, RefusedFlag>> = {
  'http-thread-count': { reason: threads, neutral: /^[18]$/ },
  'grpc-infer-thread-count': { reason: threads, neutral: /^[12]$/ },
  'grpc-infer-allocation-pool-size': {
    reason: 'request memory is pooled by size, without a number to set',
    neutral: /^8$/,
  },
  'buffer-manager-thread-count': { reason: 'tensors are copied by the thread that has them', neutral: /^0$/ },
  'reuse-http-port': { reason: reuse, neutral: off },
  'reuse-grpc-port': { reason: reuse, neutral: off },
  'http-header-forward-pattern': { reason: forwarding, neutral: nothing },
  'grpc-header-forward-pattern': { reason: forwarding, neutral: nothing },
  'http-restricted-api': { reason: restriction, neutral: nothing },
  'grpc-restricted-protocol': { reason: restriction, neutral: nothing },
  // Without their front end the others ask for nothing.
  'allow-sagemaker': { reason: sagemaker, neutral: off },
  'sagemaker-port': { reason: sagemaker, neutral: any },
  'sagemaker-safe-port-range': { reason: sagemaker, neutral: any },
  'sagemaker-thread-count': { reason: sagemaker, neutral: any },
  'allow-vertex-ai': { reason: vertex, neutral: off },
  'vertex-ai-port': { reason: vertex, neutral: any },
  'vertex-ai-thread-count': { reason: vertex, neutral: any },
  'vertex-ai-default-model': { reason: vertex, neutral: any },
  'trace-config': {
    reason: trace,
    neutral: /^(level=OFF|mode=triton|(triton,)?(rate=1000|count=-1|log-frequency=0))$/,
  },
  'trace-file': { reason: trace, neutral: nothing },
  'trace-level': { reason: trace, neutral: /^OFF$/ },
  'trace-rate': { reason: trace, neutral: /^1000$/ },
  'trace-count': { reason: trace, neutral: /^-1$/ },
  'trace-log-frequency': { reason: trace, neutral: /^0$/ },
  'response-cache-byte-size': { reason: cache, neutral: /^0$/ },
  'cache-config': { reason: cache, neutral: /^(local,)?size=0$/ },
  'cache-directory': { reason: cache, neutral: any },
  'rate-limit': { reason: rates, neutral: /^off$/ },
  'rate-limit-resource': { reason: rates },
  'backend-directory': {
    reason: 'there is one backend, and it is built in; --ort-library chooses its ONNX Runtime',
    neutral: /^\/opt\/tritonserver\/backends\/?$/,
  },
  'repoagent-directory': {
    reason: 'there are no repository agents',
    neutral: /^\/opt\/tritonserver\/repoagents\/?$/,
  },
  'model-namespacing': { reason: 'model names must differ over all repositories', neutral: off },
  'model-load-gpu-limit': {
    reason: 'GPU memory is not watched while models load',
    neutral: /^\d+:1(\.0*)?$/,
  },
  'enable-peer-access': { reason: 'nothing is copied from one GPU to another', neutral: any },
  'min-supported-compute-capability': {
    reason: 'every GPU that ONNX Runtime can use is used; instance groups choose among them',
    neutral: /^([0-5](\.\d+)?|6(\.0*)?)$/,
  },
  'cuda-virtual-address-size': {
    reason: "GPU memory is held by the arenas of ONNX Runtime's sessions",
    neutral: /^\d+:1073741824$/,
  },
};
