import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { cudaRemedyFor } from '../../src/onnxruntime/cuda-error.js';
import { bundledLibraryPath } from '../../src/onnxruntime/library-path.js';
import { tidyReason } from '../../src/onnxruntime/provider-log.js';
import type { ProviderName } from '../../src/onnxruntime/provider-table.js';
import { proveSession } from '../../src/onnxruntime/session-proof.js';
import type { SessionSettings } from '../../src/onnxruntime/session-settings.js';
import { readSessionSettings } from '../../src/onnxruntime/triton-settings.js';
import { plainReason } from '../../src/runtime/survey-runtimes.js';
import { modelFile } from '../support/model-files.js';
import { makeTemporaryFolder } from '../support/temporary-folder.js';

/**
 * Everything that ONNX Runtime and its providers were seen to refuse, word for word, and what a person is told. Texts
 * of CUDA are from onnxruntime-gpu 1.31.1 and 1.26.0 with a real driver library (535) and no GPU.
 */
const BRIDGE =
  '/onnxruntime_src/onnxruntime/core/session/provider_bridge_ort.cc:2043 onnxruntime::Provider& onnxruntime::ProviderLibrary::Get() [ONNXRuntimeError] : 1 : FAIL : ';
const OPTIONS =
  '/onnxruntime_src/onnxruntime/core/providers/cuda/cuda_execution_provider_info.cc:63 static onnxruntime::CUDAExecutionProviderInfo onnxruntime::CUDAExecutionProviderInfo::FromProviderOptions(const onnxruntime::ProviderOptions&) [ONNXRuntimeError] : 1 : FAIL : ';
const CALL =
  '/onnxruntime_src/onnxruntime/core/providers/cuda/cuda_call.cc:154 std::conditional_t<THRW, void, onnxruntime::common::Status> onnxruntime::CudaCall(ERRTYPE, const char*, const char*, SUCCTYPE, const char*, const char*, int) [with ERRTYPE = cudaError; bool THRW = true; SUCCTYPE = cudaError; std::conditional_t<THRW, void, common::Status> = void] ';
const PLACE = ' ; GPU=-1 ; hostname=vm ; file=/onnxruntime_src/onnxruntime/core/providers/cuda/x.cc ; line=355 ; expr=';

const texts: readonly (readonly [cause: string, said: string, told: string])[] = [
  [
    'a library of CUDA is missing',
    `${BRIDGE}Failed to load library /r/libonnxruntime_providers_cuda.so with error: libcublasLt.so.13: cannot open shared object file: No such file or directory\n`,
    'Failed to load library /r/libonnxruntime_providers_cuda.so with error: libcublasLt.so.13: cannot open shared object file: No such file or directory',
  ],
  [
    'an option that CUDA does not have',
    `${OPTIONS}provider_options_utils.h:182 Parse Unknown provider option: "nope".\n`,
    'Unknown provider option: "nope".',
  ],
  [
    'a value that CUDA does not know',
    `${OPTIONS}provider_options_utils.h:187 Parse Failed to parse provider option "cudnn_conv_algo_search": provider_options_utils.h:56 NameToEnum Failed to map enum name to value: X\n`,
    'Failed to parse provider option "cudnn_conv_algo_search": Failed to map enum name to value: X',
  ],
  [
    'a driver that is too old',
    `${CALL}${CALL}CUDA failure 35: CUDA driver version is insufficient for CUDA runtime version${PLACE}cudaSetDevice(info_.device_id); \n\n`,
    'CUDA failure 35: CUDA driver version is insufficient for CUDA runtime version, at cudaSetDevice(info_.device_id)',
  ],
  [
    'the same while a device is looked up',
    `${OPTIONS}provider_options_utils.h:187 Parse Failed to parse provider option "device_id": CUDA failure 35: CUDA driver version is insufficient for CUDA runtime version${PLACE}cudaGetDeviceCount(&num_devices);`,
    'Failed to parse provider option "device_id": CUDA failure 35: CUDA driver version is insufficient for CUDA runtime version, at cudaGetDeviceCount(&num_devices)',
  ],
  [
    'a driver without a GPU',
    `${CALL}CUDA failure 100: no CUDA-capable device is detected${PLACE}cudaSetDevice(info_.device_id); \n`,
    'CUDA failure 100: no CUDA-capable device is detected, at cudaSetDevice(info_.device_id)',
  ],
  [
    'an option that OpenVINO does not have',
    '2026-11-21 11:27:01.721104702 [E:onnxruntime:, openvino_provider_factory.cc:232 operator()] /a/openvino_provider_factory.cc:232 onnxruntime::ParseProviderInfo(const T&, X&)::<lambda()> Invalid provider_option key: nope',
    'Invalid provider_option key: nope',
  ],
  [
    'a property that OpenVINO does not have',
    '/x/y.cc:1 ns::f(int) [OpenVINO-EP] Exception while Loading Network\nException from src/core.cpp:114:\nNotFound: Unsupported property NOPE by CPU plugin.',
    'Exception while Loading Network NotFound: Unsupported property NOPE by CPU plugin.',
  ],
  [
    'a device that OpenVINO does not have',
    '2026-11-21 11:27:01 [E:onnxruntime:, x.cc:2 f] [ERROR] [OpenVINO] Device GPU is not available',
    'Device GPU is not available',
  ],
  [
    'a provider that is not in the build',
    'XNNPACK execution provider is not supported in this build. ',
    'XNNPACK execution provider is not supported in this build.',
  ],
  [
    'no driver for WebGPU',
    '/a/webgpu_context.cc:70 void f() Failed to get a WebGPU adapter: No supported adapters',
    'Failed to get a WebGPU adapter: No supported adapters',
  ],
];

describe('what a provider says when it refuses', () => {
  it.each(texts)('%s is told without places in sources, codes and noise', (_, said, told) => {
    expect(tidyReason(said)).toBe(told);
    expect(plainReason(`the execution provider cuda cannot be used: ${said}`)).toBe(told);
    expect(told).not.toMatch(/\.(cc|h|cpp):\d|onnxruntime_src|ONNXRuntimeError|hostname|\n/);
  });

  it.each(texts.filter(([, said]) => /CUDA failure/.test(said)))('%s comes with what to do', (_, __, told) => {
    expect(cudaRemedyFor(told)).toBeDefined();
  });
});

const onCpu = (parameters: Record<string, string>) => ({
  optimization: { execution_accelerators: { cpu_execution_accelerator: [{ name: 'openvino', parameters }] } },
});

describe('what OpenVINO would take without a word', () => {
  it.each([
    ['another device', { device_type: 'XPU' }],
    ['an unknown precision', { inference_precision: 'zz' }],
    ['no threads', { num_of_threads: '0' }],
    ['no streams', { num_streams: '0' }],
    ['an unknown precision in its properties', { load_config: '{"CPU":{"INFERENCE_PRECISION_HINT":"zz"}}' }],
    ['an option of another name', { num_threads: '1' }],
  ])('%s is refused before anything is loaded', (_, parameters) => {
    expect(readSessionSettings(onCpu(parameters as unknown as Record<string, string>)).problems).toHaveLength(1);
  });
});

const refusalOf = async (ortLibrary: string, settings: SessionSettings): Promise<string> => {
  const proof = await proveSession({ ortLibrary, modelFile: modelFile('add_sub'), settings });
  return proof.state === 'refused' ? proof.reason : 'it was proven';
};
const asking = (name: ProviderName, options: Record<string, string> = {}): SessionSettings => ({
  providers: [{ name, options }],
});

describe('a session of the bundled build', () => {
  it.each([
    ['xnnpack', /^XNNPACK execution provider is not supported in this build/],
    ['openvino', /^OpenVINO execution provider is not supported in this build/],
    ['cuda', /libonnxruntime_providers_shared|CUDA/],
    ['tensorrt', /libonnxruntime_providers_shared|CUDA|TensorRT/],
  ] as const)('with %s is refused in words', async (name, reason) => {
    expect(await refusalOf(bundledLibraryPath(), asking(name))).toMatch(reason);
  });
});

/** A build with OpenVINO, to try the real one: PERF_TS_TEST_OPENVINO=/path/to/libonnxruntime.so.1.24.1. */
const openVino = process.env.PERF_TS_TEST_OPENVINO;

describe.skipIf(openVino === undefined)('a session of a build with OpenVINO', () => {
  it.each([
    ['an option that is not there', { nope: '1' }, /^Invalid provider_option key: nope/],
    ['a device that is not there', { device_type: 'GPU' }, /GPU/],
    [
      'a property that is not there',
      { load_config: '{"CPU":{"NOPE":"1"}}' },
      /Unsupported property NOPE by CPU plugin/,
    ],
  ])('is refused with the reason from its log for %s', async (_, options, reason) => {
    const said = await refusalOf(openVino!, asking('openvino', options as unknown as Record<string, string>));
    expect(said).toMatch(reason);
    expect(said).not.toMatch(/^Failed to load provider OpenVINO/);
  });

  it('is refused for a model with a node that OpenVINO leaves', async () => {
    const settings = { ...asking('openvino'), configEntries: { 'session.disable_cpu_ep_fallback': '1' } };
    const proof = await proveSession({ ortLibrary: openVino!, modelFile: modelFile('string_identity'), settings });
    expect(proof).toMatchObject({ state: 'refused' });
  });
});

it('a library that is no library is refused in words', async () => {
  const file = join(await makeTemporaryFolder(), 'libonnxruntime.so');
  writeFileSync(file, 'text');
  expect(await refusalOf(file, {})).toMatch(/^cannot use this ONNX Runtime library/);
});
