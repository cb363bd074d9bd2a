/** What doctor says of koffi, every build of ONNX Runtime, GPUs and TensorRT, and where each provider has run. */
import { messageOf } from '../common/errors.js';
import { type Finding, finding, type Section } from './doctor-report.js';
import { providerEvidence } from './provider-evidence.js';
import type { RuntimeFinding, Survey } from './survey-runtimes.js';
import { findTensorRt, librarySearchFolders } from './system-libraries.js';

export async function inspectKoffi(): Promise<Finding> {
  try {
    const { default: koffi } = await import('koffi');
    return finding('koffi', 'ok', `version ${koffi.version}`);
  } catch (cause) {
    const remedy = 'npm ci, without --omit=optional: it comes as a package for each platform';
    return finding('koffi', 'problem', `cannot be loaded: ${messageOf(cause)}`, remedy);
  }
}

export async function inspectRuntimes({ runtimes }: Survey): Promise<Section> {
  return { title: 'ONNX Runtime', findings: [await inspectKoffi(), ...runtimes.flatMap(describeRuntime)] };
}

function describeRuntime(runtime: RuntimeFinding): Finding[] {
  const { name, version, apiVersion, source, reason = '', remedy } = runtime;
  // Without the bundled one nothing can be served; any other is an extra.
  const grave = source === 'bundled' ? 'problem' : 'warning';
  if (runtime.state === 'unusable') return [finding(name, grave, `cannot be used: ${reason}`, remedy)];
  const proven = runtime.providers.filter(({ state }) => state === 'proven').map((provider) => provider.name);
  const lacksCpu = !proven.includes('cpu');
  const about = `ONNX Runtime ${version}, API ${apiVersion}; proven: ${proven.join(', ') || 'nothing'}`;
  return [
    finding(name, lacksCpu ? grave : 'ok', about),
    ...runtime.providers
      .filter(({ state }) => state === 'unusable')
      .map((provider) => {
        // What a build was installed for should work; the bundled one merely has more compiled in than is used.
        const state = provider.name === 'cpu' ? grave : source === 'installed' ? 'warning' : 'note';
        return finding(`${name} ${provider.name}`, state, provider.reason ?? '', provider.remedy);
      }),
  ];
}

export function inspectGpus({ driver }: Survey, folders = librarySearchFolders()): Section {
  const { version, cudaVersion, devices, problem } = driver;
  const gpu =
    problem === undefined
      ? finding(
          'NVIDIA',
          'ok',
          `driver ${version ?? 'of unknown version'}, CUDA up to ${cudaVersion ?? '?'}: ${devices.join(', ')}`,
        )
      : finding(
          'NVIDIA',
          'note',
          `${problem}${version === undefined ? '; no NVML either' : `; NVML says driver ${version}`}`,
        );
  const tensorRt = findTensorRt(folders);
  const found =
    tensorRt.state === 'usable'
      ? finding('TensorRT', 'ok', `${tensorRt.version} in ${tensorRt.folder}`)
      : tensorRt.state === 'unusable'
        ? finding('TensorRT', 'warning', `${tensorRt.reason} (${tensorRt.folder})`, 'install TensorRT 10')
        : finding('TensorRT', 'note', `no libnvinfer.so in ${folders.length} library folders`);
  return { title: 'GPUs', findings: [gpu, found] };
}

/** Where each provider row has run, not on this host but in the making of perf-ts. */
export const describeEvidence = (): Section => ({
  title: 'Where each provider row has run in the making of perf-ts',
  findings: providerEvidence.map(({ provider, ranOn, remark }) =>
    finding(
      provider,
      ranOn.length > 0 ? 'ok' : 'note',
      [...ranOn, ...(remark === undefined ? [] : [remark])].join('; '),
    ),
  ),
});
