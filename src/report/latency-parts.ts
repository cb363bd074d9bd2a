/** Where a level's mean latency went, in the order a request meets the parts; they add up to the whole. */
import type { LevelRecord } from '../record/run-record.js';

export interface LatencyPart {
  readonly label: string;
  /** For a table's head. */
  readonly shortLabel: string;
  /** A CSS custom property. */
  readonly color: string;
  readonly valueNs: number;
  /** False where the client does not tell the part from the network, which it is counted with. */
  readonly isKnown: boolean;
}

const looks = {
  sendNs: { label: 'Send', shortLabel: 'Send', color: '--part-send' },
  networkAndFrontEndNs: { label: 'Network and front end', shortLabel: 'Network + front end', color: '--part-network' },
  queueNs: { label: 'Queue', shortLabel: 'Queue', color: '--part-queue' },
  computeInputNs: { label: 'Compute input', shortLabel: 'Input', color: '--part-input' },
  computeInferNs: { label: 'Compute infer', shortLabel: 'Infer', color: '--part-infer' },
  computeOutputNs: { label: 'Compute output', shortLabel: 'Output', color: '--part-output' },
  receiveNs: { label: 'Receive', shortLabel: 'Receive', color: '--part-receive' },
} as const;

type PartName = keyof typeof looks;

/** Undefined without server statistics or without an answer. */
export function latencyParts(level: LevelRecord): LatencyPart[] | undefined {
  const values = level.latencyParts ?? reconstructParts(level);
  if (values === undefined) return undefined;
  const names = Object.keys(looks) as PartName[];
  return names.map((name) => ({ ...looks[name], valueNs: values[name] ?? 0, isKnown: values[name] !== null }));
}

/** For records of before the parts were kept. Client and server average over slightly different requests, hence the floor at 0. */
function reconstructParts({ latencyNs, serviceNs, server }: LevelRecord): Record<PartName, number | null> | undefined {
  if (latencyNs === null || serviceNs === null || server === null) return undefined;
  const { queueNs, computeInputNs, computeInferNs, computeOutputNs } = server;
  const insideNs = queueNs + computeInputNs + computeInferNs + computeOutputNs;
  return {
    sendNs: Math.max(0, latencyNs.mean - serviceNs.mean),
    networkAndFrontEndNs: Math.max(0, serviceNs.mean - insideNs),
    queueNs,
    computeInputNs,
    computeInferNs,
    computeOutputNs,
    receiveNs: null,
  };
}
