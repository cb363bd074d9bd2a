/** The figures of a run's report, in reading order. */
import type { RunRecord } from '../../record/run-record.js';
import type { Figure } from './chart.js';
import { latencyThroughputFigure } from './latency-throughput.js';
import { levelTimelinesFigure } from './level-timelines.js';
import { throughputLoadFigure } from './throughput-load.js';
import { timeBreakdownFigure } from './time-breakdown.js';

/** Only figures that the record has numbers for. */
export const runFigures = ({ levels }: RunRecord): Figure[] =>
  [
    latencyThroughputFigure(levels),
    throughputLoadFigure(levels),
    timeBreakdownFigure(levels),
    levelTimelinesFigure(levels),
  ].filter((figure) => figure !== undefined);
