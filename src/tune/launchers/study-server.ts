/** On which server a study's variants are served: what a sweep needs of it, whichever it is. */
import type { Warning } from '../../record/run-record.js';
import type { StudyServer as ServerRecord } from '../../record/study-record.js';
import type { HostQuestion } from '../knobs/host-context.js';
import type { KnobContext } from '../knobs/knobs.js';
import type { KnobSelection } from '../variants/search-space.js';
import type { StudyModel } from '../variants/variants.js';
import type { LaunchVariant } from './launched-variant.js';

/** As the command line names it. */
export type ServerQuestion =
  /** Our engine, a fresh process a trial. */
  | { readonly kind: 'engine' }
  /** A running server in explicit model-control mode, which variants are pushed to. */
  | {
      readonly kind: 'remote';
      /** `host:port`. */
      readonly endpoint: string;
      /** Of every call and request, with lower-case names. */
      readonly headers?: Readonly<Record<string, string>> | undefined;
    }
  /** A tritonserver of this host, started for every trial. */
  | { readonly kind: 'local'; readonly command: string };

export interface StudyServer {
  readonly model: StudyModel;
  /** Each of several that are tuned together, which `model` then stands for; only where the server can serve them so. */
  readonly models?: readonly StudyModel[];
  readonly record: ServerRecord;
  /** Whether the model's ONNX file is here, so that a variant's answers can be held against it. */
  readonly canCompareAnswers: boolean;
  /** What the values of knobs depend on there. */
  describeContext(question: Omit<HostQuestion, 'model'>): Promise<KnobContext>;
  /** The same for another of its models, from what `describeContext` said; there where `models` is. */
  describeOther?(model: StudyModel, context: KnobContext, selection: KnobSelection | undefined): Promise<KnobContext>;
  /** The selection without what this server cannot change or does not know; undefined stands for every major knob. */
  offer(selection: KnobSelection | undefined, context: KnobContext): OfferedKnobs;
  readonly launchVariant: LaunchVariant;
  /** Aborts, with the fault as its reason, when a server that is not ours to start has gone for good. */
  readonly lost?: AbortSignal;
  /** What the study as a whole must say of it, told after the last trial. */
  warnings(): readonly Warning[];
  /** Leaves everything as it was; safe to call twice. Throws PerfTsError where a server does not let it. */
  close(): Promise<void>;
}

export interface OfferedKnobs {
  readonly selection: KnobSelection | undefined;
  /** What is left out, and why, as sentences. */
  readonly leftOut: readonly string[];
}
