/** What the probing child process is asked and what it answers. */
import type { ProviderName } from '../onnxruntime/provider-table.js';
import type { LibraryFacts } from './library-facts.js';

export type ProbeQuestion =
  | { readonly kind: 'describe'; readonly libraryPath: string }
  | {
      readonly kind: 'prove';
      readonly libraryPath: string;
      readonly provider: ProviderName;
      readonly modelFile: string;
    }
  | { readonly kind: 'driver' };

/** The NVIDIA driver as its own libraries tell it. */
export interface DriverFacts {
  /** Such as `580.65.06`; undefined where NVML cannot be asked. */
  readonly version: string | undefined;
  /** The newest CUDA that it serves, such as `13.0`. */
  readonly cudaVersion: string | undefined;
  readonly devices: readonly string[];
  /** Why there is none that can be used. */
  readonly problem: string | undefined;
}

export type ProbeAnswer =
  | { readonly kind: 'described'; readonly facts: LibraryFacts }
  | { readonly kind: 'proven' }
  | { readonly kind: 'driver'; readonly facts: DriverFacts }
  | { readonly kind: 'failed'; readonly reason: string };
