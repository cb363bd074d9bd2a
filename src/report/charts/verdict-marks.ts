/** Verdicts as mark shapes, so that they do not depend on colour alone. */
import type { LevelRecord, Verdict } from '../../record/run-record.js';
import type { LegendItem } from './chart.js';

const shapes: Readonly<Record<Verdict, LegendItem['shape']>> = {
  VALID: 'circle',
  UNSTABLE: 'triangle',
  CLIENT_LIMITED: 'square',
  INVALID: 'cross',
};

/** Names vega has for the shapes. */
const vegaShapes: Readonly<Record<LegendItem['shape'], string>> = {
  circle: 'circle',
  triangle: 'triangle-up',
  square: 'square',
  cross: 'cross',
  diamond: 'diamond',
  line: 'stroke',
  area: 'square',
};

const verdicts = Object.keys(shapes) as readonly Verdict[];

/** Shape channel for rows with a `verdict`. */
export const verdictShape = {
  field: 'verdict',
  type: 'nominal',
  scale: { domain: [...verdicts], range: verdicts.map((verdict) => vegaShapes[shapes[verdict]]) },
  legend: null,
} as const;

/** Legend of the verdicts that occur, or nothing where all are VALID. */
export function verdictLegend(levels: readonly LevelRecord[], color: string): LegendItem[] {
  const found = verdicts.filter((verdict) => levels.some((level) => level.verdict === verdict));
  if (found.length === 0 || (found.length === 1 && found[0] === 'VALID')) return [];
  return found.map((verdict) => ({ label: verdict, color, shape: shapes[verdict] }));
}
