/**
 * What ONNX Runtime and its providers say in their log, which goes to stderr, and nowhere else: why a provider could
 * not be loaded, where nodes were placed, how many copies between devices were inserted.
 */
import type { NodeCounts } from './graph-assignment.js';
import { nameOfProvider } from './provider-table.js';

export interface LoggedPlacement {
  /** By provider; what a provider has fused counts as one node. Empty when the log does not tell. */
  readonly nodes: NodeCounts;
  /** Copies between devices that were inserted, over all graphs. */
  readonly copyCount: number;
}

/** Colours. */
const ESCAPES = new RegExp(`${String.fromCharCode(27)}\\[[0-9;]*m`, 'g');

export function readPlacement(log: string): LoggedPlacement {
  const nodes: Record<string, number> = {};
  for (const [, name = '', count] of log.matchAll(/ode(?:s|\(s\)) placed on \[(\w+)\]\. Number of nodes: (\d+)/g)) {
    const known = nameOfProvider(name);
    nodes[known] = (nodes[known] ?? 0) + Number(count);
  }
  let copyCount = 0;
  for (const [, count] of log.matchAll(/(\d+) Memcpy nodes are added to the graph/g)) copyCount += Number(count);
  return { nodes, copyCount };
}

/** A failed call into CUDA or a library on it, which names the process, the host and the source around what it says. */
const NVIDIA_FAILURE =
  /^.*?((?:Failed to parse provider option "\w+": )?)(CUDA|CUDNN|CUBLAS|CURAND|CUFFT) failure (-?\d+): (.*?) ; GPU=.*?expr=(.*?);?\s*$/;

/**
 * The last reason in a log: without time, place in the source and colours. Falls back to what the system's loader or
 * the provider itself wrote last. Empty when there is nothing.
 */
export function readReason(log: string): string {
  const lines = log.replace(ESCAPES, '').split('\n');
  const starts = lines.flatMap((line, index) => (/\[[EF]:onnxruntime:/.test(line) ? [index] : []));
  const start = starts.at(-1);
  const own = start === undefined ? undefined : lines.slice(start).join('\n');
  const text = own ?? lines.filter((line) => line.trim() !== '' && !/\[[VIW]:onnxruntime:/.test(line)).at(-1) ?? '';
  return tidyReason(text);
}

/** A message of ONNX Runtime without its places in sources; several lines become one sentence. */
export function tidyReason(text: string): string {
  return text
    .replace(ESCAPES, '')
    .split('\n')
    .map((line) =>
      line
        .replace(/^.*\[[EF]:onnxruntime:[^\]]*\] ?/, '')
        .replace(/^.*\S+\.(cc|cpp|h):\d+ .*?\)(::<lambda\(\)>)? (?=\S)/, '')
        .replace(NVIDIA_FAILURE, '$1$2 failure $3: $4, at $5')
        .replace(/.*\[ONNXRuntimeError\] : \d+ : \w+ : /, '')
        .replace(/\b\w+\.(cc|h):\d+ \w+ (?=[A-Z])/g, '')
        .replace(/^\[with .*?>\] (?=\[)/, '')
        .replace(/^(\[ERROR\] )?\[OpenVINO[^\]]*\] +/, '')
        .replace(/ ?Exception from \S+:\d+: ?/g, ' ')
        .trim(),
    )
    .filter((line) => line !== '' && !/^Exception from .*:\d+:$/.test(line))
    .join(' ');
}
