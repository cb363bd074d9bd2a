/** tritonserver's flags that mean nothing here, each with the reason; `perf-ts serve` refuses them by name. */

const threads = 'the engine answers all connections on one thread, with the models on threads of their own';
const sagemaker = 'there is no Amazon SageMaker front end';
const vertex = 'there is no Vertex AI front end';
const trace = 'requests are not traced; --log-verbose=1 tells of each executed batch';
const cache = 'there is no response cache';
const rates = 'there is no rate limiter; each instance runs whenever it is free';
const gpus = 'models run on the CPU only';
const restriction = 'calls cannot be restricted by headers; bind to 127.0.0.1, which is the default';
const reuse = 'Node has no SO_REUSEPORT, and two servers on one port would each be measured in part';
const forwarding = 'headers are not forwarded to models';

export const refusedFlags: Readonly<Record<string, string>> = {
  'http-thread-count': threads,
  'grpc-infer-thread-count': threads,
  'grpc-infer-allocation-pool-size': 'request memory is pooled by size, without a number to set',
  'buffer-manager-thread-count': 'tensors are copied by the thread that has them',
  'reuse-http-port': reuse,
  'reuse-grpc-port': reuse,
  'http-header-forward-pattern': forwarding,
  'grpc-header-forward-pattern': forwarding,
  'http-restricted-api': restriction,
  'grpc-restricted-protocol': restriction,
  'allow-sagemaker': sagemaker,
  'sagemaker-port': sagemaker,
  'sagemaker-safe-port-range': sagemaker,
  'sagemaker-thread-count': sagemaker,
  'allow-vertex-ai': vertex,
  'vertex-ai-port': vertex,
  'vertex-ai-thread-count': vertex,
  'vertex-ai-default-model': vertex,
  'trace-config': trace,
  'trace-file': trace,
  'trace-level': trace,
  'trace-rate': trace,
  'trace-count': trace,
  'trace-log-frequency': trace,
  'response-cache-byte-size': cache,
  'cache-config': cache,
  'cache-directory': cache,
  'rate-limit': rates,
  'rate-limit-resource': rates,
  'backend-directory': 'there is one backend, and it is built in; --ort-library chooses its ONNX Runtime',
  'repoagent-directory': 'there are no repository agents',
  'model-namespacing': 'model names must differ over all repositories',
  'model-load-gpu-limit': gpus,
  'enable-peer-access': gpus,
  'min-supported-compute-capability': gpus,
  'cuda-virtual-address-size': gpus,
};
