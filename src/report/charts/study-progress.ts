/** The study over time: each trial's score when it ended, the best so far of the search, and the two phases. */
import { largestOf, smallestOf } from '../../common/append-all.js';
import { formatDuration } from '../../common/format.js';
import { NANOS_PER_SEC } from '../../common/units.js';
import type { StudyRecord, TrialRecord, TrialState } from '../../record/study-record.js';
import { metricFormat } from '../metric-format.js';
import { defaultTrial, describeChanges } from '../ranking.js';
import { describeCause } from '../study/failures-table.js';
import {
  aboutChannels,
  CHART_WIDTH,
  type ChartLayer,
  chartBase,
  cssColor,
  type Figure,
  hoverTarget,
  type LegendItem,
  type PositionChannel,
} from './chart.js';
import { kindColor, variantColors, variantKind } from './study-ranking.js';

/** Trials without a score, by how they ended. */
const endings = {
  failed: { label: 'failed', color: '--critical', shape: 'cross' },
  infeasible: { label: 'limit missed', color: '--warning', shape: 'triangle' },
  pruned: { label: 'ended early', color: '--default', shape: 'diamond' },
} as const satisfies Readonly<Record<Exclude<TrialState, 'complete'>, LegendItem>>;

const vegaShapes = { cross: 'cross', triangle: 'triangle-up', diamond: 'diamond' } as const;

/** Undefined with fewer than two scored trials. */
export function studyProgressFigure(record: StudyRecord): Figure | undefined {
  const { objective } = record;
  const scored = record.trials.filter((trial) => trial.score !== null);
  if (scored.length < 2) return undefined;
  const metric = metricFormat(objective.metric);
  const format = metric.column(scored.map((trial) => trial.score));
  const times = endTimes(record.trials);
  const scores = scored.map((trial) => trial.score! / format.scale);
  const lowest = smallestOf(scores);
  const span = largestOf(scores) - lowest || Math.abs(lowest) || 1;
  const [floor, top] = [lowest - span * 0.14, lowest + span * 1.1];
  const rows = record.trials.map((trial, index) => toRow(record, trial, times[index]!, format.scale, floor));
  const end = largestOf(times.map(({ endNs }) => endNs)) / NANOS_PER_SEC;
  const x: PositionChannel = {
    field: 'sec',
    type: 'quantitative',
    scale: { domain: [0, end * 1.01], nice: false },
    axis: { title: 'Time since the start of the sweep', tickCount: 6, labelExpr: "format(datum.value, ',~r') + ' s'" },
  };
  const y: PositionChannel = {
    field: 'score',
    type: 'quantitative',
    scale: { domain: [floor, top], nice: false },
    axis: {
      title: `${metric.title}${format.unit === '' ? '' : ` (${format.unit})`}, ${objective.direction === 'maximize' ? 'more' : 'less'} is better`,
      format: ',~r',
      tickCount: 5,
    },
  };
  const failed = rows.filter(({ ending }) => ending !== null);
  const phases = phaseSpans(record.trials, times, { floor, top });
  return {
    title: 'Best so far',
    note: `The line is the best score of the search so far${phases.length > 1 ? '; the shaded part is confirmation, which alone decides' : ''}.${failed.length > 0 ? ' Marks at the bottom are trials without a score.' : ''}`,
    legend: legendOf(record, failed),
    layout: 'wide',
    charts: [
      {
        id: 'study-progress',
        label: '',
        spec: {
          ...chartBase({ width: 2 * CHART_WIDTH, height: 250 }),
          padding: { left: 2, right: 16, top: 22, bottom: 2 },
          data: { values: rows.filter(({ ending }) => ending === null) },
          layer: [
            ...(phases.length > 1 ? phaseLayers(phases, { x, y }) : []),
            {
              data: { values: bestLine(record, rows, format.scale, end) },
              mark: { type: 'line', interpolate: 'step-after', color: cssColor('--line'), strokeWidth: 2, aria: false },
              encoding: { x, y },
            },
            {
              mark: { type: 'point', filled: true, size: 50, opacity: 1, aria: false },
              encoding: { x, y, color: kindColor },
            },
            { mark: { ...hoverTarget, size: 200 }, encoding: { x, y, ...aboutChannels } },
            ...(failed.length > 0 ? [failedLayer(failed, { x, y })] : []),
          ],
        },
      },
    ],
  };
}

interface TrialTime {
  readonly startNs: number;
  readonly endNs: number;
}

/** Trials run one after the other, so where a record keeps no starts their durations give the time. */
function endTimes(trials: readonly TrialRecord[]): TrialTime[] {
  let clock = 0;
  return trials.map(({ startedNs, durationNs }) => {
    const startNs = startedNs ?? clock;
    clock = startNs + durationNs;
    return { startNs, endNs: clock };
  });
}

function toRow(record: StudyRecord, trial: TrialRecord, { endNs }: TrialTime, scale: number, floor: number) {
  const { portable, engine } = record.recommended;
  const isRecommended = portable?.id === trial.variantId || engine?.id === trial.variantId;
  const isDefault = trial.variantId === 'default';
  const ending = trial.state === 'complete' ? null : trial.state;
  const outcome =
    trial.score === null
      ? [describeCause(trial) || trial.state, trial.reason].filter(Boolean).join(': ')
      : metricFormat(record.objective.metric).format(trial.score);
  const changes = isDefault ? '' : describeChanges(trial, defaultTrial(record));
  const about = [
    `${trial.id}${trial.id === trial.variantId ? '' : ` (${trial.variantId})`}, ${trial.phase}`,
    outcome,
    `ended at ${formatDuration(endNs)}`,
    ...(changes === '' ? [] : changes.split(', ')),
  ].join('\n');
  return {
    sec: endNs / NANOS_PER_SEC,
    score: trial.score === null ? floor : trial.score / scale,
    phase: trial.phase,
    // A score that a record kept of a trial that is not complete would be no score.
    ending: trial.score === null ? (ending ?? 'pruned') : null,
    kind: variantKind({ isRecommended, isDefault }),
    about,
  };
}

type Row = ReturnType<typeof toRow>;

/** The record's own account, else from the search's trials; drawn on to the end. */
function bestLine(record: StudyRecord, rows: readonly Row[], scale: number, end: number) {
  const better = record.objective.direction === 'maximize' ? Math.max : Math.min;
  let best: number | undefined;
  const points =
    record.bestSoFar !== undefined && record.bestSoFar.length > 0
      ? record.bestSoFar.map(({ elapsedNs, score }) => ({ sec: elapsedNs / NANOS_PER_SEC, score: score / scale }))
      : rows.flatMap(({ sec, score, ending, phase }) => {
          if (ending !== null || phase !== 'search') return [];
          best = best === undefined ? score : better(best, score);
          return [{ sec, score: best }];
        });
  const last = points.at(-1);
  return last === undefined ? points : [...points, { ...last, sec: end }];
}

interface PhaseSpan {
  readonly phase: string;
  readonly from: number;
  readonly to: number;
  readonly low: number;
  readonly high: number;
}

/** One span a phase that has trials; they meet where the first trial of the later one began. */
function phaseSpans(
  trials: readonly TrialRecord[],
  times: readonly TrialTime[],
  { floor, top }: { readonly floor: number; readonly top: number },
): PhaseSpan[] {
  const first = trials.findIndex(({ phase }) => phase === 'confirmation');
  const end = largestOf(times.map(({ endNs }) => endNs)) / NANOS_PER_SEC;
  const turn = first < 0 ? end : times[first]!.startNs / NANOS_PER_SEC;
  const span = (phase: string, from: number, to: number): PhaseSpan => ({ phase, from, to, low: floor, high: top });
  return [span('search', 0, turn), span('confirmation', turn, end)].filter(({ from, to }) => to > from);
}

interface Channels {
  readonly x: PositionChannel;
  readonly y: PositionChannel;
}

function phaseLayers(phases: readonly PhaseSpan[], { x, y }: Channels): ChartLayer[] {
  return [
    {
      data: { values: phases.filter(({ phase }) => phase === 'confirmation') },
      mark: { type: 'rect', color: cssColor('--grid'), opacity: 0.55, aria: false },
      encoding: {
        x: { ...x, field: 'from' },
        x2: { field: 'to' },
        y: { ...y, field: 'low' },
        y2: { field: 'high' },
      },
    },
    {
      data: { values: [...phases] },
      mark: {
        type: 'text',
        align: 'left',
        baseline: 'top',
        dx: 5,
        dy: 4,
        fontSize: 11,
        color: cssColor('--muted'),
        aria: false,
      },
      encoding: { x: { ...x, field: 'from' }, y: { ...y, field: 'high' }, text: { field: 'phase', type: 'nominal' } },
    },
  ];
}

/** Marks of trials without a score; the layer must not be there without any, as its axis would have no extent. */
const failedLayer = (failed: readonly Row[], channels: Channels): ChartLayer => ({
  data: { values: [...failed] },
  mark: { type: 'point', filled: true, size: 55, opacity: 0.9 },
  encoding: {
    ...channels,
    color: byEnding(({ color }) => cssColor(color)),
    shape: byEnding(({ shape }) => vegaShapes[shape]),
    ...aboutChannels,
  },
});

/** Conditions and no scale, which would be one with the scale of the scored trials. */
const byEnding = (read: (ending: (typeof endings)[keyof typeof endings]) => string) => ({
  condition: Object.entries(endings).map(([state, ending]) => ({
    test: `datum.ending === '${state}'`,
    value: read(ending),
  })),
  value: read(endings.pruned),
});

function legendOf({ recommended: { portable, engine } }: StudyRecord, failed: readonly Row[]): LegendItem[] {
  return [
    ...(portable || engine
      ? [{ label: 'recommended', color: variantColors.recommended, shape: 'circle' as const }]
      : []),
    { label: 'default', color: variantColors.default, shape: 'circle' },
    { label: 'other', color: variantColors.other, shape: 'circle' },
    ...Object.entries(endings)
      .filter(([state]) => failed.some(({ ending }) => ending === state))
      .map(([, item]) => item),
  ];
}
