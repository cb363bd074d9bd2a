/** What the model's thread and an instance's worker thread tell each other outside the path of requests. */
import type { MessagePort } from 'node:worker_threads';
import type { DataType } from '../../src/kserve/data-types.js';
import type { TensorSpec } from '../../src/kserve/tensor.js';
import type { SessionSettings } from '../../src/onnxruntime/session-settings.js';
import type { WarmUpRun, WarmUpSample } from '../warm-up/warm-up-sample.js';
import type { SlotLayout } from './slot-layout.js';

/** What the sessions of all instances of a model are made of. */
export interface ModelSessionPlan {
  readonly modelFile: string;
  readonly ortLibrary: string;
  readonly settings: SessionSettings;
  /** Run on each session before it counts as ready. */
  readonly warmUp?: readonly WarmUpSample[];
}

/** What a worker's thread starts with, before it is known what it will run. */
export interface WorkerStart {
  /** Opened while the thread waits; empty for the bundled one. */
  readonly ortLibrary: string;
}

/** The first message to a worker: enough to make its session. Nothing at all ends the thread instead. */
export interface InstanceWorkerData extends ModelSessionPlan {
  /** The only CPU cores its threads may run on. */
  readonly cpuCores?: readonly number[];
  /** The GPU that the session runs on; undefined for the CPU. */
  readonly gpu?: number;
}

/** Posted once by the worker: its session is there, or why not. */
export type InstanceReport =
  | {
      readonly kind: 'ready';
      readonly inputs: readonly TensorSpec[];
      readonly outputs: readonly TensorSpec[];
      /** Inputs that the model has values of its own for. */
      readonly overridableInputs: readonly TensorSpec[];
      readonly warmUpRuns: readonly WarmUpRun[];
    }
  | { readonly kind: 'failed'; readonly message: string };

/** Answer to a TimeOrder: what the largest batch takes, or undefined when it is long or the model did not run. */
export interface TimingReport {
  readonly kind: 'timed';
  readonly runNs: number | undefined;
}

/** Posted once to a worker that is ready: from then on it takes batches. */
export interface ServeOrder {
  readonly kind: 'serve';
  readonly instance: number;
  /** Slots are numbered below this. */
  readonly slotCapacity: number;
  readonly control: SharedArrayBuffer;
  readonly ring: SharedArrayBuffer;
  /** Of this instance alone, see instance-state.ts. */
  readonly state: SharedArrayBuffer;
  /** The memory of the slots there are; others arrive through `port` as they are needed. */
  readonly slots: readonly SlotMemoryMessage[];
  readonly layout: SlotLayout | undefined;
  /** Carries slot memory to the worker and spilled outputs from it. */
  readonly port: MessagePort;
}

/** Asks a ready worker how long its session takes for the largest batch; it stays ready. */
export interface TimeOrder {
  readonly kind: 'time';
  readonly layout: SlotLayout;
}

/** What a ready worker is told last: serve, or end because another instance could not be started. */
export type InstanceOrder = ServeOrder | { readonly kind: 'end' };

/** Memory that replaces that of `slot` from `generation` on. */
export interface SlotMemoryMessage {
  readonly slot: number;
  readonly generation: number;
  /** Over shared memory. */
  readonly bytes: Uint8Array;
}

/** Outputs that did not fit the slot, in the described form of described-batch.ts. */
export interface SpillMessage {
  readonly slot: number;
  /** Of the batch whose outputs they are. */
  readonly ticket: number;
  readonly buffer: SharedArrayBuffer;
}

export interface DescribedTensor {
  readonly name: string;
  readonly dataType: DataType;
  readonly shape: readonly number[];
  readonly offset: number;
  readonly length: number;
}
