/** Everything a report of a sweep says, as finished text, built from the record alone; renderers only arrange it. */
import {
  type ColumnFormat,
  formatBounds,
  formatCount,
  formatDuration,
  formatGain,
  NO_VALUE,
} from '../common/format.js';
import type { StudyRecord } from '../record/study-record.js';
import { type Caveat, studyCaveats } from './caveats.js';
import { describeCommand, describeHost, describeTime } from './describe.js';
import type { Cell } from './level-table.js';
import { isCombinedMetric, type MetricFormat, metricFormat, metricsOf } from './metric-format.js';
import { type RankedVariant, rankVariants } from './ranking.js';
import type { Fact, Tile } from './run-view.js';
import { type RecommendationView, recommendationViews } from './study/recommendation-view.js';
import { medianOf } from './study/side-by-side-table.js';
import { capitalize, countTrials, studyHeadline } from './study/study-headline.js';
import { studyTables } from './study/study-tables.js';
import type { SideTable } from './tables/side-table.js';

/** A line of the ranking. */
export interface RankingRow {
  readonly rank: string;
  readonly variantId: string;
  /** `recommended`, `default`, or empty. */
  readonly mark: string;
  readonly score: Cell;
  /** Ratio to the default by score; 1 stands for as good, larger for better. */
  readonly gain: string;
  readonly p99: string;
  readonly load: string;
  readonly status: string;
  readonly changes: string;
}

export interface StudyView {
  readonly model: string;
  readonly subject: string;
  readonly headline: string;
  readonly advice: string;
  readonly tiles: readonly Tile[];
  readonly caveats: readonly Caveat[];
  readonly scoreTitle: string;
  readonly scoreUnit: string;
  readonly p99Unit: string;
  /** The best variants that have a score, and whatever is confirmed, recommended or the default. */
  readonly ranking: readonly RankingRow[];
  /** What the ranking leaves out; may be empty. */
  readonly rankingRest: string;
  readonly recommendations: readonly RecommendationView[];
  readonly tables: readonly SideTable[];
  readonly environment: readonly Fact[];
  readonly method: readonly Fact[];
  readonly command: string;
}

/** Places of the ranking that are shown; the table of trials has them all. */
const MOST_RANKED = 12;

export function buildStudyView(record: StudyRecord): StudyView {
  const metric = metricFormat(record.objective.metric);
  const variants = rankVariants(record);
  const scores = metric.column(variants.map((variant) => variant.score.value));
  const p99 = metricFormat('latency_p99').column(variants.map((variant) => variant.p99Ns));
  const ranked = variants.map((variant, index) => ({ variant, row: rankingRow(variant, index, scores, p99) }));
  const isAnyComplete = variants.some(({ state }) => state === 'complete');
  const shown = ranked.filter(
    ({ variant }, index) =>
      (index < MOST_RANKED && (variant.state === 'complete' || !isAnyComplete)) ||
      variant.isDefault ||
      variant.isRecommended ||
      variant.confirmationCount > 0,
  );
  const left = ranked.length - shown.length;
  return {
    model: record.model,
    subject: describeSubject(record, metric),
    headline: studyHeadline(record, metric),
    advice: [record.conclusion?.advice, countTrials(record)].filter(Boolean).join(' '),
    tiles: buildTiles(record, variants, metric, scores),
    caveats: studyCaveats(record),
    scoreTitle: capitalize(metric.title),
    scoreUnit: scores.unit,
    p99Unit: p99.unit,
    ranking: shown.map(({ row }) => row),
    rankingRest:
      left === 0
        ? ''
        : `${formatCount(left)} more ${left === 1 ? 'variant was' : 'variants were'} tried; every trial is in the report.`,
    recommendations: recommendationViews(record),
    tables: studyTables(record),
    environment: describeEnvironment(record),
    method: describeMethod(record),
    command: describeCommand(record.tool.command),
  };
}

function describeSubject({ strategy, objective, constraints = [] }: StudyRecord, metric: MetricFormat): string {
  const goal = objective.direction === 'maximize' ? 'highest' : 'lowest';
  const limits = constraints.length === 0 ? '' : `, with ${constraints.join(' and ')}`;
  return `${strategy} search for the ${goal} ${metric.title}${limits}`;
}

function rankingRow(variant: RankedVariant, index: number, scores: ColumnFormat, p99: ColumnFormat): RankingRow {
  const { score, state, isLowerBound, confirmationCount } = variant;
  const lowerBound = isLowerBound && score.value !== null ? '≥ ' : '';
  const times = confirmationCount === 1 ? 'once' : `${confirmationCount} times`;
  const status = state === 'complete' ? (confirmationCount > 0 ? `confirmed ${times}` : 'search only') : state;
  return {
    rank: state === 'complete' ? String(index + 1) : NO_VALUE,
    variantId: variant.variantId,
    mark: variant.isRecommended ? 'recommended' : variant.isDefault ? 'default' : '',
    score: { text: `${lowerBound}${scores.format(score.value)}`, bounds: formatBounds(score, scores) },
    gain: variant.gain === null ? NO_VALUE : `${variant.gain.toFixed(2)}x`,
    p99: p99.format(variant.p99Ns),
    load: variant.concurrency === null ? NO_VALUE : formatCount(variant.concurrency),
    status: variant.reason === null ? status : `${status}: ${variant.reason}`,
    changes: variant.changes === '' ? (variant.isDefault ? 'the config as it is' : NO_VALUE) : variant.changes,
  };
}

function buildTiles(
  record: StudyRecord,
  variants: readonly RankedVariant[],
  metric: MetricFormat,
  scores: ColumnFormat,
): Tile[] {
  const best = record.recommended.portable ?? record.recommended.engine;
  const failed = record.trials.filter((trial) => trial.state === 'failed').length;
  const interval = best === null ? undefined : formatGain(best.gain).split(' (')[1]?.replace(')', '');
  const note = interval === undefined ? '' : `95 % interval ${interval}`;
  return [
    ...(best === null ? [] : [{ label: 'Gain', value: `${best.gain.value.toFixed(2)}x`, unit: '', note }]),
    ...(isCombinedMetric(record.objective.metric)
      ? metricsOf(record.objective.metric).map((part) => partTile(record, best?.id, part))
      : scoreTiles(record, variants, metric, scores)),
    {
      label: 'Trials',
      value: formatCount(record.trials.length),
      unit: '',
      note: failed === 0 ? 'none failed' : `${failed} failed`,
    },
  ];
}

function scoreTiles(
  record: StudyRecord,
  variants: readonly RankedVariant[],
  { title }: MetricFormat,
  scores: ColumnFormat,
): Tile[] {
  const { unit } = scores;
  const chosen = variants.find((variant) => variant.isRecommended);
  const unchanged = variants.find((variant) => variant.isDefault);
  const { metric } = record.objective;
  const defaultScore = record.default.score ?? unchanged?.score.value ?? medianOf(record, 'default', metric);
  const boundsOf = (variant: RankedVariant | undefined): string =>
    variant === undefined
      ? ''
      : variant.state === 'infeasible'
        ? 'with a limit missed'
        : formatBounds(variant.score, scores);
  const defaultTile = {
    label: `Default ${title}`,
    value: scores.format(defaultScore),
    unit,
    note: boundsOf(unchanged),
  };
  if (chosen === undefined) return [defaultTile];
  const value = scores.format(chosen.score.value);
  return [{ label: `Recommended ${title}`, value, unit, note: boundsOf(chosen) }, defaultTile];
}

/** One of several objectives: what it came to, as a combined score says nothing by itself. */
function partTile(record: StudyRecord, chosen: string | undefined, metric: string): Tile {
  const { title, column } = metricFormat(metric);
  const base = medianOf(record, 'default', metric);
  const own = chosen === undefined ? null : medianOf(record, chosen, metric);
  const format = column([base, own]);
  const { unit } = format;
  if (own === null) return { label: `Default ${title}`, value: format.format(base), unit, note: '' };
  const ratio = base === null || base === 0 ? '' : `, ${(own / base).toFixed(2)}x`;
  return {
    label: `Recommended ${title}`,
    value: format.format(own),
    unit,
    note: `default ${format.format(base)}${ratio}`,
  };
}

function describeEnvironment(record: StudyRecord): Fact[] {
  return [
    { name: 'Model', value: record.model },
    ...(record.server === undefined ? [] : [{ name: 'Server', value: describeServer(record.server) }]),
    ...describeHost(record.host),
    { name: 'perf-ts', value: record.tool.version },
    { name: 'Started', value: describeTime(record.startedAt) },
    { name: 'Finished', value: describeTime(record.finishedAt) },
    { name: 'Seed', value: String(record.seed) },
    { name: 'Record', value: record.directory },
  ];
}

type Server = NonNullable<StudyRecord['server']>;

const serverKinds: Readonly<Record<Server['kind'], string>> = {
  engine: 'the bundled engine',
  remote: 'a running server',
  local: 'a local tritonserver',
};

function describeServer({ kind, name, version, endpoint }: Server): string {
  const identity = [name, version].filter(Boolean).join(' ');
  const place = endpoint === undefined ? '' : ` at ${endpoint}`;
  return `${serverKinds[kind]}${identity === '' ? '' : ` (${identity})`}${place}`;
}

const trialMethods: Readonly<Record<Server['kind'], string>> = {
  engine: 'Each variant is a rewritten config.pbtxt, served by a fresh engine process and measured alone.',
  remote: 'Each variant is loaded into the running server with its own config, measured alone, and undone afterwards.',
  local: 'Each variant is a rewritten config.pbtxt, served by a tritonserver started for it and measured alone.',
};

function describeMethod(record: StudyRecord): Fact[] {
  return [
    { name: 'Trial', value: trialMethods[record.server?.kind ?? 'engine'] },
    {
      name: 'Score',
      value: `The variant’s ${metricFormat(record.objective.metric).title}, from raw samples after warm-up.`,
    },
    {
      name: 'Confirmation',
      value: 'The finalists and the default are measured again in turns; only those numbers recommend.',
    },
    { name: 'Gain', value: 'Ratio to the default with its 95 % interval from the paired confirmation runs.' },
    {
      name: 'Intervals',
      value: '95 % of one measurement; of a variant measured several times, from the lowest to the highest bound.',
    },
    ...((record.constraints ?? []).length === 0
      ? []
      : [
          {
            name: 'Limits',
            value: `${record.constraints!.join(', ')}; a variant that misses one is never recommended.`,
          },
        ]),
    { name: 'Budget', value: formatDuration(record.budgetNs) },
  ];
}
