/** What a person sees while a sweep runs: one live line, and one lasting line for each finished trial. */
import { formatCount, formatDuration, formatRate } from '../common/format.js';
import type { TrialRecord } from '../record/study-record.js';
import type { StudyListener, TrialStart } from '../tune/study-options.js';
import type { Terminal } from './terminal.js';

export interface StudyProgress extends StudyListener {
  close(): void;
}

export function createStudyProgress(terminal: Terminal): StudyProgress {
  const startedMs = performance.now();
  let current: TrialStart | undefined;
  let trialCount = 0;
  const left = (): string => {
    if (current === undefined) return '';
    const leftMs = current.budgetNs / 1e6 - (performance.now() - startedMs);
    return `${Math.max(0, Math.ceil(leftMs / 1000))} s of the budget left`;
  };
  return {
    onTrialStart(start) {
      current = start;
      terminal.progress(`trial ${trialCount + 1}  ${describeVariant(start)}  starting  ${left()}`);
    },
    onProgress(progress) {
      if (current === undefined) return;
      const rate = progress.throughputPerSec === undefined ? '' : `${formatRate(progress.throughputPerSec)} infer/s  `;
      terminal.progress(`trial ${trialCount + 1}  ${describeVariant(current)}  ${rate}${left()}`);
    },
    onTrial(trial) {
      trialCount++;
      terminal.milestone(describeTrial(trialCount, trial));
    },
    onConfirmation(plan) {
      const count = formatCount(plan.finalists.length);
      const many = plan.finalists.length === 1 ? 'finalist' : 'finalists';
      terminal.milestone(`Confirming ${count} ${many} against the default in ${plan.rounds} interleaved rounds.`);
    },
    close: () => terminal.clearProgress(),
  };
}

const describeVariant = ({ variant, concurrency }: TrialStart): string => `${variant.id} at concurrency ${concurrency}`;

/** `  3  v-1a2b  instance_count=1  4,212 infer/s  p99 2.1 ms  (1.9 s)`. */
export function describeTrial(number: number, trial: TrialRecord): string {
  const changes = Object.entries(trial.parameters).map(([name, value]) => `${name}=${value}`);
  const seconds = `(${(trial.durationNs / 1e9).toFixed(1)} s)`;
  const head = `${String(number).padStart(3)}  ${trial.variantId === 'default' ? 'default' : changes.join(' ')}`;
  const { level } = trial;
  if (trial.state !== 'complete' || level === null) return `${head}  ${trial.state}: ${trial.reason ?? ''}  ${seconds}`;
  const rate = `${formatRate(level.throughputPerSec.value)} infer/s`;
  const latency = level.latencyNs === null ? '' : `  p99 ${formatDuration(level.latencyNs.p99)}`;
  return `${head}  ${rate}${latency}  ${seconds}`;
}
