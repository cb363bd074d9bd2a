/** What the model's thread and an instance's worker thread tell each other outside the path of requests. */
import type { MessagePort } from 'node:worker_threads';
import type { DataType } from '../../src/kserve/data-types.js';
import type { TensorSpec } from '../../src/kserve/tensor.js';
import type { SessionSettings } from '../../src/onnxruntime/session-settings.js';
import type { SlotLayout } from './slot-layout.js';

/** What a worker starts with: enough to make its session. */
export interface InstanceWorkerData {
  readonly modelFile: string;
  readonly ortLibrary: string;
  readonly settings: SessionSettings;
}

/** Posted once by the worker: its session is there, or why not. */
export type InstanceReport =
  | { readonly kind: 'ready'; readonly inputs: readonly TensorSpec[]; readonly outputs: readonly TensorSpec[] }
  | { readonly kind: 'failed'; readonly message: string };

/** Posted once to a worker that is ready: from then on it takes batches. */
export interface ServeOrder {
  readonly kind: 'serve';
  readonly instance: number;
  readonly slotCount: number;
  readonly control: SharedArrayBuffer;
  readonly ring: SharedArrayBuffer;
  /** The first buffer of each slot; larger ones arrive through `port` as they are needed. */
  readonly slotBuffers: readonly SharedArrayBuffer[];
  readonly layout: SlotLayout | undefined;
  /** Carries slot buffers to the worker and spilled outputs from it. */
  readonly port: MessagePort;
}

/** What a ready worker is told: serve, or end because another instance could not be started. */
export type InstanceOrder = ServeOrder | { readonly kind: 'end' };

/** A buffer that replaces the one of `slot` from `generation` on. */
export interface SlotBufferMessage {
  readonly slot: number;
  readonly generation: number;
  readonly buffer: SharedArrayBuffer;
}

/** Outputs that did not fit the slot, in the described form of described-batch.ts. */
export interface SpillMessage {
  readonly slot: number;
  readonly buffer: SharedArrayBuffer;
}

export interface DescribedTensor {
  readonly name: string;
  readonly dataType: DataType;
  readonly shape: readonly number[];
  readonly offset: number;
  readonly length: number;
}
