/** `perf-ts runtime list` as text: a block for each build, a line for each provider, and what would make it work. */
import { appendAll } from '../../common/append-all.js';
import { formatBytes } from '../../common/format.js';
import { wrapText } from '../../common/wrap-text.js';
import type { ProviderFinding, RuntimeFinding, Survey } from '../../runtime/survey-runtimes.js';

const INDENT = '    ';

export function renderSurvey({ runtimes, driver }: Survey, width: number): string {
  const gpu =
    driver.problem === undefined
      ? `NVIDIA driver ${driver.version ?? 'of unknown version'}, CUDA ${driver.cudaVersion ?? '?'}: ${driver.devices.join(', ')}`
      : `No NVIDIA GPU: ${driver.problem}`;
  return [...runtimes.map((runtime) => renderRuntime(runtime, width)), wrapText(gpu, width)].join('\n\n');
}

function renderRuntime(runtime: RuntimeFinding, width: number): string {
  const { name, version, apiVersion, source, sizeBytes, libraryPath } = runtime;
  const about = [
    ...(version === null ? [] : [`ONNX Runtime ${version}, API ${apiVersion}`]),
    source === 'named' ? 'named by --ort-library' : source,
    ...(sizeBytes === undefined ? [] : [formatBytes(sizeBytes)]),
  ];
  const head = [`${name}  (${about.join(', ')})`, ...(libraryPath === name ? [] : [`  ${libraryPath}`])];
  if (runtime.state === 'unusable') appendAll(head, renderReason(runtime, width, '  unusable: '));
  return [...head, ...runtime.providers.flatMap((provider) => renderProvider(provider, width))].join('\n');
}

const words: Readonly<Record<ProviderFinding['state'], string>> = {
  proven: 'proven',
  unusable: 'compiled in, unusable',
  unknown: 'compiled in, unknown to perf-ts',
};

function renderProvider(provider: ProviderFinding, width: number): string[] {
  const devices = provider.devices.length === 0 ? '' : ` on ${provider.devices.join(', ')}`;
  const isProven = provider.state === 'proven';
  const line = `  ${isProven ? '✓' : '✗'} ${provider.name.padEnd(10)} ${words[provider.state]}${isProven ? devices : ''}`;
  return isProven ? [line] : [line, ...renderReason(provider, width, INDENT)];
}

function renderReason(
  { reason, remedy }: { readonly reason?: string; readonly remedy?: string },
  width: number,
  start: string,
): string[] {
  const text = (first: string, rest: string): string => `${first}${wrapText(rest, width - INDENT.length, INDENT)}`;
  return [
    ...(reason === undefined ? [] : [text(start, reason)]),
    ...(remedy === undefined ? [] : [text(`${INDENT}→ `, remedy)]),
  ];
}
