/** A wheel with what the OpenVINO recipe asks for; its library is the one that comes with perf-ts. */
import { readFileSync } from 'node:fs';
import { bundledLibraryPath } from '../../../src/onnxruntime/library-path.js';
import { writeZip, type ZipEntry } from './write-zip.js';

export const wheelName = 'onnxruntime_openvino-1.30.0-cp312-cp312-manylinux_2_28_x86_64.whl';

/** What the wheel holds beside the library: filler that does not compress, so that ranges have something to be of. */
const filler = (seed: number, length: number): Buffer => {
  const bytes = Buffer.alloc(length);
  let state = seed;
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    bytes[i] = state >>> 16;
  }
  return bytes;
};

export const smallFiles: Readonly<Record<string, Buffer>> = {
  'libonnxruntime_providers_shared.so': filler(1, 2_000),
  'libonnxruntime_providers_openvino.so': filler(2, 90_000),
  'libopenvino.so.2541': filler(3, 200_000),
  'libopenvino_onnx_frontend.so.2541': filler(4, 100),
  'libopenvino_intel_cpu_plugin.so': filler(5, 300_000),
  'libtbb.so.12': filler(6, 5_000),
};

export interface WheelChange {
  /** Instead of the real library. */
  readonly library?: Buffer;
  /** The member whose checksum is wrong. */
  readonly wrongCrcOf?: string;
  readonly without?: string;
  readonly isZip64?: boolean;
  /** Another plugin, with the right checksums for it. */
  readonly isTampered?: boolean;
}

export function makeWheel({
  library,
  wrongCrcOf,
  without,
  isZip64 = false,
  isTampered = false,
}: WheelChange = {}): Buffer {
  const content = library ?? readFileSync(bundledLibraryPath());
  const entries: ZipEntry[] = [
    { name: 'onnxruntime/__init__.py', content: Buffer.from('print("not wanted")\n') },
    ...Object.entries(smallFiles).map(([name, bytes]) => ({
      name: `onnxruntime/capi/${name}`,
      content: isTampered && name === 'libopenvino_intel_cpu_plugin.so' ? filler(8, bytes.length) : bytes,
      ...(name === wrongCrcOf && { crc32: 1 }),
    })),
    { name: 'onnxruntime/capi/libopenvino.so', content: Buffer.from('the same under another name') },
    { name: 'onnxruntime/capi/libonnxruntime.so.1.30.0', content, isStored: true },
    { name: 'onnxruntime/capi/onnxruntime_pybind11_state.so', content: filler(7, 400_000) },
  ];
  return writeZip(
    entries.filter(({ name }) => without === undefined || !name.endsWith(without)),
    { isZip64 },
  );
}
