/**
 * Whether this CPU computes in the reduced precision that a config asks of OpenVINO. OpenVINO takes the hint anywhere
 * and computes in f32 without a word where the instructions are missing.
 */
import { readFileSync } from 'node:fs';
import type { Problem } from '../common/errors.js';
import type { PlacedProvider } from './accelerator-settings.js';
import { precisionOf } from './providers/openvino.js';

/** Any of them is enough for either precision: OpenVINO takes the one that is there. */
const instructions = ['avx512_bf16', 'avx512_fp16', 'amx_bf16', 'amx_fp16'];

/** Instruction sets as Linux names them; undefined where the system does not tell, or for other processors. */
export function readCpuFlags(): readonly string[] | undefined {
  if (process.platform !== 'linux' || process.arch !== 'x64') return undefined;
  try {
    return /^flags\s*:(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1]?.trim().split(' ');
  } catch {
    return undefined;
  }
}

export function findPrecisionProblems(
  providers: readonly PlacedProvider[],
  readFlags: () => readonly string[] | undefined = readCpuFlags,
): readonly Problem[] {
  const flags = readFlags();
  if (flags === undefined || instructions.some((name) => flags.includes(name))) return [];
  return providers.flatMap(({ name, options, where }): Problem[] => {
    const precision = name === 'openvino' ? precisionOf(options) : 'f32';
    if (precision === 'f32') return [];
    const what = `asks for ${precision}, and this CPU would compute in f32: it has none of ${instructions.join(', ')}`;
    return [{ where, what, hint: 'use inference_precision f32, or a CPU that has them' }];
  });
}
