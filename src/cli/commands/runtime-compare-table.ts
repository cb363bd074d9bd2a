/** `perf-ts runtime compare` as text: a row a pair with its speed and accuracy, then what a table has no room for. */

import { formatInterval, latencyColumn, NO_VALUE, numberColumn } from '../../common/format.js';
import { wrapText } from '../../common/wrap-text.js';
import type { ComparedPair, RuntimeComparison } from '../../compare/runtime-comparison.js';
import { type PlainColumn, renderPlainTable } from '../../report/plain-table.js';

export function renderComparison(comparison: RuntimeComparison, width: number): string {
  const { model, load, pairs, sampleCount, isDemoModel } = comparison;
  const demo = isDemoModel ? ', a demo model with random weights' : '';
  const lead = `${model}${demo}: batch ${load.batchSize}, ${load.concurrency} in flight, ${roundsText(comparison)}`;
  const note = `± is the 95 % interval over the rounds, each a fresh engine; the ratio is paired round by round. Answers to ${sampleCount} requests are compared with the unchanged model's in FP32 on the bundled CPU provider.`;
  const remarks = pairs.flatMap(remarksOf).map((line) => wrapText(line, width, '  '));
  return [lead, '', renderPlainTable(columnsOf(pairs)), '', wrapText(note, width), ...remarks].join('\n');
}

function roundsText({ pairs, roundCount, isInterrupted }: RuntimeComparison): string {
  const made = Math.max(0, ...pairs.map(({ rounds }) => rounds.length));
  const whole = `${roundCount} interleaved ${roundCount === 1 ? 'round' : 'rounds'}`;
  if (made === roundCount) return whole;
  return `${made} of ${whole}: ${isInterrupted ? 'interrupted' : 'the budget was spent'}`;
}

function columnsOf(pairs: readonly ComparedPair[]): PlainColumn[] {
  const rates = numberColumn(pairs.map(({ throughputPerSec }) => throughputPerSec?.value));
  const ratios = numberColumn(pairs.map(({ throughputRatio }) => throughputRatio?.value));
  const times = latencyColumn(
    pairs.flatMap(({ latencyP50Ns, latencyP99Ns }) => [latencyP50Ns, latencyP99Ns].map((time) => time?.value)),
  );
  const column = (title: string, read: (pair: ComparedPair) => string, align: PlainColumn['align'] = 'right') => ({
    title,
    align,
    cells: pairs.map(read),
  });
  const interval = (estimate: ComparedPair['throughputPerSec'], format: typeof rates): string =>
    estimate === null ? NO_VALUE : formatInterval(estimate, format);
  return [
    column('Runtime', ({ runtime }) => runtime, 'left'),
    column('Provider', ({ provider }) => provider, 'left'),
    column('Infer/s', ({ throughputPerSec }) => interval(throughputPerSec, rates)),
    column('Ratio', (pair) =>
      pair.isReference && pair.throughputRatio ? '1' : interval(pair.throughputRatio, ratios),
    ),
    column(`p50 ${times.unit}`, ({ latencyP50Ns }) => interval(latencyP50Ns, times)),
    column(`p99 ${times.unit}`, ({ latencyP99Ns }) => interval(latencyP99Ns, times)),
    column('Cosine', ({ accuracy }) => roundedDown(accuracy?.accuracy_cosine, 7)),
    column('Max abs', ({ accuracy }) => shortNumber(accuracy?.accuracy_max_abs)),
    column('Top-1 %', ({ accuracy }) => roundedDown(accuracy?.accuracy_top1, 2, 100)),
    column('Nodes', describeNodes, 'left'),
  ];
}

/** Towards failure: only what agrees in full is shown so. */
function roundedDown(value: number | null | undefined, decimals: number, scale = 1): string {
  if (value === null || value === undefined) return NO_VALUE;
  // Less than what summing in another order changes.
  const whole = Math.floor(value * scale * 10 ** decimals + 1e-6);
  return (whole / 10 ** decimals).toFixed(decimals);
}

const shortNumber = (value: number | null | undefined): string =>
  value === null || value === undefined ? NO_VALUE : Number(value.toPrecision(2)).toString();

/** `15 of 15`: of the pair's provider, with the rest named. */
function describeNodes({ provider, nodes, state }: ComparedPair): string {
  if (nodes === null) return state === 'complete' && provider === 'cpu' ? 'all' : NO_VALUE;
  const total = Object.values(nodes).reduce((sum, count) => sum + count, 0);
  const others = Object.entries(nodes).filter(([name]) => name !== provider);
  const rest = others.map(([name, count]) => `, ${count} ${name}`).join('');
  return `${nodes[provider] ?? 0} of ${total}${rest}`;
}

function remarksOf({ runtime, provider, state, reason, rounds }: ComparedPair): string[] {
  const name = runtime === NO_VALUE ? provider : `${runtime} ${provider}`;
  const limited = rounds.filter(({ isClientLimited }) => isClientLimited).length;
  return [
    ...(reason === null ? [] : [`✗ ${name} ${state === 'failed' ? 'has no figures' : 'ended early'}: ${reason}`]),
    ...(limited === 0
      ? []
      : [
          `! ${name}: the load generator was the limit in ${limited} of ${rounds.length} rounds, so its speed is a lower bound`,
        ]),
  ];
}
