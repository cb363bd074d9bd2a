/** The figures of a sweep's report, in reading order. */
import type { StudyRecord } from '../../record/study-record.js';
import type { Figure } from './chart.js';
import { studyConfirmationFigure } from './study-confirmation.js';
import { studyImportanceFigure } from './study-importance.js';
import { studyKnobsFigure } from './study-knobs.js';
import { studyMainEffectsFigure } from './study-main-effects.js';
import { studyParetoFigure } from './study-pareto.js';
import { studyProgressFigure } from './study-progress.js';
import { studyRankingFigure } from './study-ranking.js';

/** Only figures that the record has numbers for. Main effects say more than bare scores, which stand in for them. */
export function studyFigures(record: StudyRecord): Figure[] {
  const [importance, tradeOffs] = [studyImportanceFigure(record), studyParetoFigure(record)];
  // Beside a high figure a low one leaves a hole.
  const confirmation = studyConfirmationFigure(record, importance === undefined ? 'wide' : 'half');
  // Two figures a row: the ranking fills the gap, or takes a row of its own.
  const halves = [confirmation, importance, tradeOffs].filter((figure) => figure?.layout === 'half').length;
  return [
    // Low ones side by side, then high ones.
    confirmation,
    importance,
    tradeOffs,
    studyRankingFigure(record, halves % 2 === 1 ? 'half' : 'wide'),
    studyMainEffectsFigure(record) ?? studyKnobsFigure(record),
    studyProgressFigure(record),
  ].filter((figure) => figure !== undefined);
}
