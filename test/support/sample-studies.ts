/**
 * Sweeps with everything a record can hold, made from a formula and a seed so that they never change: phases and times,
 * causes of failures, accuracy, trade-offs, importance, confirmation rounds and the plan of the budget.
 */
import { createRng, type Rng } from '../../src/common/random.js';
import type { StudyRecord, TrialAccuracy, TrialCause, TrialRecord } from '../../src/record/study-record.js';
import { sampleLevel, sampleStudy } from './sample-records.js';

const SEC = 1_000_000_000;
const MIB = 1024 ** 2;

type Parameters = TrialRecord['parameters'];

const space = {
  instance_count: [1, 2, 3, 4],
  dynamic_batching: [false, true],
  max_queue_delay_us: [0, 100, 500, 1000],
  intra_op_threads: [2, 1, 4],
  graph_level: ['all', 'extended', 'basic'],
  precision: ['fp32', 'fp16'],
} as const;
type Knob = keyof typeof space;
const knobs = Object.keys(space) as Knob[];
const base = Object.fromEntries(knobs.map((knob) => [knob, space[knob][0]])) as Parameters;

/** Inferences a second, before noise. */
function throughputOf(parameters: Parameters): number {
  const factor: Record<Knob, number> = {
    instance_count: [1, 1.3, 1.22, 1.1][Number(parameters.instance_count) - 1] ?? 1,
    dynamic_batching: parameters.dynamic_batching === true ? 1.15 : 1,
    max_queue_delay_us: 1 + Number(parameters.max_queue_delay_us) / 12_000,
    intra_op_threads: parameters.intra_op_threads === 1 ? 1.12 : parameters.intra_op_threads === 4 ? 0.8 : 1,
    graph_level: parameters.graph_level === 'basic' ? 0.85 : 1,
    precision: parameters.precision === 'fp16' ? 1.05 : 1,
  };
  return knobs.reduce((product, knob) => product * factor[knob], 800);
}

interface Outcome {
  readonly state: TrialRecord['state'];
  readonly reason: string | null;
  readonly cause?: TrialCause;
}

function outcomeOf(parameters: Parameters, number: number): Outcome {
  if (parameters.instance_count === 4 && parameters.intra_op_threads === 4)
    return { state: 'failed', cause: 'out_of_memory', reason: 'the engine ended with SIGKILL while loading' };
  if (parameters.precision === 'fp16' && parameters.graph_level === 'basic')
    return { state: 'infeasible', cause: 'accuracy', reason: 'accuracy_cosine >= 0.999: was 0.9971, missed by 0.2 %' };
  if (parameters.graph_level === 'basic') {
    const ms = (14 + number / 7).toFixed(1);
    return {
      state: 'infeasible',
      cause: 'constraint',
      reason: `latency_p99 <= 15ms: was ${ms}ms, missed by ${number} %`,
    };
  }
  if (number > 2 && number % 9 === 0)
    return {
      state: 'pruned',
      cause: 'early_abort',
      reason: `ended after 0.${number % 10} s: at best 0.7 of the best so far`,
    };
  return { state: 'complete', reason: null };
}

function accuracyOf(parameters: Parameters): TrialAccuracy | undefined {
  if (parameters.precision !== 'fp16') return undefined;
  const isBad = parameters.graph_level === 'basic';
  return {
    sampleCount: 64,
    cosine: isBad ? 0.9971 : 0.999987,
    maxAbs: isBad ? 0.41 : 0.00312,
    top1: isBad ? 0.94 : 1,
    top5: null,
    cer: null,
    nonFiniteCount: 0,
  };
}

function makeTrial(
  number: number,
  variantId: string,
  parameters: Parameters,
  rng: Rng,
  startedNs: number,
): TrialRecord {
  const outcome =
    variantId === 'default' ? { state: 'complete' as const, reason: null } : outcomeOf(parameters, number);
  const throughput = Number((throughputOf(parameters) * (1 + rng.normal() * 0.02)).toFixed(1));
  const concurrency = 4 * Number(parameters.instance_count);
  const accuracy = accuracyOf(parameters);
  const hasLevel = outcome.state === 'complete' || outcome.cause === 'constraint';
  return {
    id: variantId === 'default' && startedNs === 0 ? 'default' : `trial-${number}`,
    variantId,
    phase: 'search',
    parameters,
    score: outcome.state === 'complete' ? throughput : null,
    durationNs: Math.round((outcome.state === 'failed' ? 0.9 : 3.1) * SEC + number * 1e6),
    loadTimeNs: outcome.state === 'failed' ? null : 180_000_000 + number * 100_000,
    level: hasLevel ? sampleLevel({ concurrency, throughput, computeMs: 1.4 }, createRng(number)) : null,
    startedNs,
    memoryBytes: outcome.state === 'failed' ? null : (90 + 40 * Number(parameters.instance_count)) * MIB,
    ...(accuracy !== undefined && { accuracy }),
    ...outcome,
  };
}

export interface SampleStudyShape {
  /** Of the search, the default's included. */
  readonly searchTrials: number;
  readonly rounds: number;
  readonly finalists: number;
  readonly seed?: number;
}

/** A whole study of that many trials; its best finalist is recommended. */
export function sampleFullStudy({ searchTrials, rounds, finalists, seed = 11 }: SampleStudyShape): StudyRecord {
  const rng = createRng(seed);
  const trials: TrialRecord[] = [];
  let clock = 0;
  const add = (trial: TrialRecord): void => {
    trials.push(trial);
    clock += trial.durationNs + 0.2 * SEC;
  };
  add(makeTrial(0, 'default', base, rng, 0));
  for (let number = 1; number < searchTrials; number++) {
    const parameters = Object.fromEntries(
      knobs.map((knob) => [knob, space[knob][Math.floor(rng.next() * space[knob].length)]!]),
    );
    const id = `v-${knobs.map((knob) => (space[knob] as readonly unknown[]).indexOf(parameters[knob])).join('')}`;
    add(makeTrial(number, id, parameters, rng, clock));
  }
  const complete = trials.filter(({ state, variantId }) => state === 'complete' && variantId !== 'default');
  const ordered = complete.toSorted((a, b) => b.score! - a.score!);
  const field = [...new Map(ordered.map((trial) => [trial.variantId, trial])).values()].slice(0, finalists);
  for (let round = 0; round < rounds; round++) {
    for (const { variantId, parameters } of [trials[0]!, ...field]) {
      const trial = makeTrial(trials.length + 1, variantId, parameters, rng, clock);
      const { throughputPerSec } = sampleLevel({ concurrency: 4, throughput: throughputOf(parameters) });
      const score = Number((throughputPerSec.value * (1 + rng.normal() * 0.01)).toFixed(1));
      add({ ...trial, state: 'complete', reason: null, score, phase: 'confirmation', round });
    }
  }
  return { ...describeStudy(trials, field, clock), ...findingsOf(trials) };
}

function describeStudy(trials: TrialRecord[], field: readonly TrialRecord[], clock: number): StudyRecord {
  const gainOf = ({ parameters }: TrialRecord) => {
    const value = throughputOf(parameters) / throughputOf(base);
    return { value, low: value * 0.97, high: value * 1.03 };
  };
  const winner = sampleStudy.recommended.portable!;
  const [first] = field;
  return {
    ...sampleStudy,
    strategy: 'forest',
    budgetNs: Math.ceil(clock / SEC) * SEC,
    usedNs: clock,
    finishedAt: new Date(Date.parse(sampleStudy.startedAt) + clock / 1e6).toISOString(),
    constraints: ['latency_p99 <= 15ms', 'accuracy_cosine >= 0.999'],
    server: { kind: 'engine', name: 'perf-ts', version: '0.1.0' },
    trials,
    recommended: {
      portable: first === undefined ? null : { ...winner, id: first.variantId, gain: gainOf(first) },
      engine: null,
    },
    confirmed: field.map((trial, index) => ({
      variantId: trial.variantId,
      gain: gainOf(trial),
      objection: index === 2 ? 'its interval does not exclude that it is no better than the default' : null,
      memoryBytes: trial.memoryBytes ?? null,
    })),
    plan: {
      searchNs: clock * 0.6,
      confirmationNs: clock * 0.4,
      levelNs: 2 * SEC,
      expectedTrials: 24,
      variantCount: 575,
      finalists: field.length,
      rounds: 5,
      leftOut: ['about 550 of the 575 variants will not be tried'],
    },
    remainingGain: 0.034,
  };
}

function findingsOf(trials: readonly TrialRecord[]): Partial<StudyRecord> {
  const search = trials.filter(({ phase, score }) => phase === 'search' && score !== null);
  const shares = [0.48, 0.21, 0.04, 0.12, 0.02, 0.008];
  const points = [...new Map(search.map((trial) => [trial.variantId, trial])).values()];
  const valuesOf = ({ score, level, memoryBytes }: TrialRecord) => ({
    throughput: score!,
    latency_p99: level!.latencyNs!.p99,
    memory_rss: memoryBytes!,
  });
  const isBeaten = (trial: TrialRecord): boolean =>
    points.some((other) => {
      const [a, b] = [valuesOf(other), valuesOf(trial)];
      return a.throughput > b.throughput && a.latency_p99 < b.latency_p99 && a.memory_rss <= b.memory_rss;
    });
  let best = 0;
  return {
    bestSoFar: search.flatMap((trial) => {
      if (trial.score! <= best) return [];
      best = trial.score!;
      return [{ elapsedNs: trial.startedNs! + trial.durationNs, trialId: trial.id, score: best }];
    }),
    importance: knobs
      .map((knob, index) => ({
        knob,
        share: shares[index]!,
        low: shares[index]! * 0.6,
        high: Math.min(1, shares[index]! * 1.5),
      }))
      .sort((a, b) => b.share - a.share),
    mainEffects: knobs.map((knob) => ({
      knob,
      values: space[knob].map((value) => {
        const gain = throughputOf({ ...base, [knob]: value }) / throughputOf(base);
        const count = search.filter(({ parameters }) => parameters[knob] === value).length;
        return { value, gain, low: gain * 0.95, high: gain * 1.06, count };
      }),
    })),
    pareto: {
      metrics: [
        { metric: 'throughput', direction: 'maximize' },
        { metric: 'latency_p99', direction: 'minimize' },
        { metric: 'memory_rss', direction: 'minimize' },
      ],
      points: points.map((trial) => ({
        variantId: trial.variantId,
        values: valuesOf(trial),
        isOnFront: !isBeaten(trial),
      })),
    },
  };
}

/** A sweep of a few minutes. */
export const fullStudy: StudyRecord = sampleFullStudy({ searchTrials: 28, rounds: 5, finalists: 3 });

/** A sweep of a night. */
export const largeStudy: StudyRecord = sampleFullStudy({ searchTrials: 300, rounds: 10, finalists: 3 });

/** Nothing kept the limit, the default included. */
export const infeasibleStudy: StudyRecord = {
  ...fullStudy,
  recommended: { portable: null, engine: null },
  default: { ...fullStudy.default, score: null },
  confirmed: [],
  pareto: undefined,
  importance: [],
  mainEffects: [],
  bestSoFar: [],
  warnings: [
    {
      code: 'NO_FEASIBLE_VARIANT',
      message: "no variant kept the constraints: 'latency_p99 <= 15ms' excluded 28 of 28; the nearest missed by 4 %",
    },
  ],
  trials: fullStudy.trials
    .filter(({ phase }) => phase === 'search')
    .map((trial) => ({
      ...trial,
      state: 'infeasible' as const,
      cause: 'constraint' as const,
      score: null,
      reason: 'latency_p99 <= 15ms: was 15.6ms, missed by 4 %',
    })),
};
