/** Everything a report of a sweep says, as finished text, built from the record alone; renderers only arrange it. */
import {
  type ColumnFormat,
  formatBounds,
  formatCount,
  formatDuration,
  formatGain,
  NO_VALUE,
} from '../common/format.js';
import type { Recommendation, StudyRecord, TrialState } from '../record/study-record.js';
import { type Caveat, studyCaveats } from './caveats.js';
import { describeCommand, describeHost, describeTime } from './describe.js';
import type { Cell } from './level-table.js';
import { type MetricFormat, metricFormat } from './metric-format.js';
import { type RankedVariant, rankVariants } from './ranking.js';
import type { Fact, Tile } from './run-view.js';

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

export interface RecommendationView {
  readonly kind: 'portable' | 'engine';
  readonly title: string;
  readonly id: string;
  readonly gain: string;
  readonly changes: readonly Fact[];
  readonly configPbtxt: string;
  readonly diff: string;
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
  readonly ranking: readonly RankingRow[];
  readonly recommendations: readonly RecommendationView[];
  readonly environment: readonly Fact[];
  readonly method: readonly Fact[];
  readonly command: string;
}

export function buildStudyView(record: StudyRecord): StudyView {
  const metric = metricFormat(record.objective.metric);
  const variants = rankVariants(record);
  const scores = metric.column(variants.map((variant) => variant.score.value));
  const p99 = metricFormat('latency_p99').column(variants.map((variant) => variant.p99Ns));
  return {
    model: record.model,
    subject: `${record.strategy} search for the ${record.objective.direction === 'maximize' ? 'highest' : 'lowest'} ${metric.title}`,
    headline: studyHeadline(record, metric),
    advice: countTrials(record),
    tiles: buildTiles(record, variants, metric, scores),
    caveats: studyCaveats(record),
    scoreTitle: capitalize(metric.title),
    scoreUnit: scores.unit,
    p99Unit: p99.unit,
    ranking: variants.map((variant, index) => rankingRow(variant, index, scores, p99)),
    recommendations: buildRecommendations(record),
    environment: describeEnvironment(record),
    method: describeMethod(record),
    command: describeCommand(record.tool.command),
  };
}

const capitalize = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}`;

/** The study's answer in one sentence. */
export function studyHeadline(record: StudyRecord, metric = metricFormat(record.objective.metric)): string {
  const { portable, engine } = record.recommended;
  const best = portable ?? engine;
  if (best === null) {
    return record.state === 'complete'
      ? 'No variant proved better than the default: keep the config as it is.'
      : 'The sweep ended before any variant was proved better than the default.';
  }
  const settings = best.changes.length === 1 ? '1 changed setting' : `${best.changes.length} changed settings`;
  return `${capitalize(describeGain(best, record, metric))} with ${settings}.`;
}

function describeGain({ gain }: Recommendation, { objective }: StudyRecord, metric: MetricFormat): string {
  const interval =
    gain.low === null || gain.high === null ? '' : ` (95 % interval ${gain.low.toFixed(2)} to ${gain.high.toFixed(2)})`;
  const factor = gain.value.toFixed(2);
  return objective.direction === 'maximize'
    ? `${factor}x the default’s ${metric.title}${interval}`
    : `${metric.title} ${factor}x lower than the default’s${interval}`;
}

function countTrials({ trials, startedAt, finishedAt }: StudyRecord): string {
  const states: readonly TrialState[] = ['complete', 'infeasible', 'failed', 'pruned'];
  const counts = states
    .map((state) => ({ state, count: trials.filter((trial) => trial.state === state).length }))
    .filter(({ count }) => count > 0)
    .map(({ state, count }) => `${count} ${state}`);
  const variants = new Set(trials.map((trial) => trial.variantId)).size;
  const tookNs = (Date.parse(finishedAt) - Date.parse(startedAt)) * 1e6;
  const time = Number.isFinite(tookNs) && tookNs > 0 ? ` in ${formatDuration(tookNs)}` : '';
  const total = `${formatCount(trials.length)} trials of ${formatCount(variants)} variants${time}`;
  return counts.length === 0 ? `${total}.` : `${total}: ${counts.join(', ')}.`;
}

function rankingRow(variant: RankedVariant, index: number, scores: ColumnFormat, p99: ColumnFormat): RankingRow {
  const { score, state, verdict, confirmationCount } = variant;
  const lowerBound = verdict === 'CLIENT_LIMITED' && score.value !== null ? '≥ ' : '';
  const isConfirmed = confirmationCount > 0 && state === 'complete';
  return {
    rank: state === 'complete' ? String(index + 1) : NO_VALUE,
    variantId: variant.variantId,
    mark: variant.isRecommended ? 'recommended' : variant.isDefault ? 'default' : '',
    score: { text: `${lowerBound}${scores.format(score.value)}`, bounds: formatBounds(score, scores) },
    gain: variant.gain === null ? NO_VALUE : `${variant.gain.toFixed(2)}x`,
    p99: p99.format(variant.p99Ns),
    load: variant.concurrency === null ? NO_VALUE : formatCount(variant.concurrency),
    status: isConfirmed
      ? `confirmed ${confirmationCount} times`
      : variant.reason === null
        ? state
        : `${state}: ${variant.reason}`,
    changes: variant.changes === '' ? (variant.isDefault ? 'the config as it is' : NO_VALUE) : variant.changes,
  };
}

function buildTiles(
  record: StudyRecord,
  variants: readonly RankedVariant[],
  metric: MetricFormat,
  scores: ColumnFormat,
): Tile[] {
  const unit = scores.unit;
  const chosen = variants.find((variant) => variant.isRecommended);
  const best = record.recommended.portable ?? record.recommended.engine;
  const tiles: Tile[] = [];
  if (best !== null) {
    tiles.push({
      label: 'Gain',
      value: `${best.gain.value.toFixed(2)}x`,
      unit: '',
      note: formatGain(best.gain).split(' (')[1]?.replace(')', '') ?? '',
    });
  }
  if (chosen !== undefined) {
    const note = formatBounds(chosen.score, scores);
    tiles.push({ label: `Recommended ${metric.title}`, value: scores.format(chosen.score.value), unit, note });
  }
  const unchanged = variants.find((variant) => variant.isDefault);
  const defaultScore = record.default.score ?? unchanged?.score.value ?? null;
  const defaultNote = unchanged === undefined ? '' : formatBounds(unchanged.score, scores);
  tiles.push({ label: `Default ${metric.title}`, value: scores.format(defaultScore), unit, note: defaultNote });
  const failed = record.trials.filter((trial) => trial.state === 'failed').length;
  const note = failed === 0 ? 'none failed' : `${failed} failed`;
  tiles.push({ label: 'Trials', value: formatCount(record.trials.length), unit: '', note });
  return tiles;
}

function buildRecommendations({ recommended }: StudyRecord): RecommendationView[] {
  const views: RecommendationView[] = [];
  const add = (kind: 'portable' | 'engine', title: string, found: Recommendation | null): void => {
    if (found === null) return;
    const changes = found.changes.map(({ path, from, to }) => ({ name: path, value: `${show(from)} → ${show(to)}` }));
    const { id, configPbtxt, diff } = found;
    views.push({ kind, title, id, gain: formatGain(found.gain), changes, configPbtxt, diff });
  };
  add('portable', 'Recommended config.pbtxt', recommended.portable);
  add('engine', 'Recommended for the bundled engine only', recommended.engine);
  return views;
}

/** A config value; a side that does not have the field is `unset`. */
const show = (value: unknown): string =>
  value === null || value === undefined ? 'unset' : typeof value === 'string' ? value : JSON.stringify(value);

function describeEnvironment(record: StudyRecord): Fact[] {
  return [
    { name: 'Model', value: record.model },
    ...describeHost(record.host),
    { name: 'perf-ts', value: record.tool.version },
    { name: 'Started', value: describeTime(record.startedAt) },
    { name: 'Finished', value: describeTime(record.finishedAt) },
    { name: 'Seed', value: String(record.seed) },
    { name: 'Record', value: record.directory },
  ];
}

function describeMethod(record: StudyRecord): Fact[] {
  return [
    {
      name: 'Trial',
      value: 'Each variant is a rewritten config.pbtxt, served by a fresh engine process and measured alone.',
    },
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
    { name: 'Budget', value: formatDuration(record.budgetNs) },
  ];
}
