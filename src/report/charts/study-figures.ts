/** The figures of a sweep's report, in reading order. */
import type { StudyRecord } from '../../record/study-record.js';
import type { Figure } from './chart.js';
import { studyKnobsFigure } from './study-knobs.js';
import { studyProgressFigure } from './study-progress.js';
import { studyRankingFigure } from './study-ranking.js';

/** Only figures that the record has numbers for. */
export const studyFigures = (record: StudyRecord): Figure[] =>
  [studyRankingFigure(record), studyProgressFigure(record), studyKnobsFigure(record)].filter(
    (figure) => figure !== undefined,
  );
