/** Colours of the curves of a run that varies more than its load, such as one curve a batch size. */
import type { LoadAxis } from '../load-axis.js';
import { cssColor, type LegendItem } from './chart.js';

/** Colours that tell curves apart; with more curves than colours they come round again. */
const palette = ['--accent', '--part-queue', '--part-input', '--part-output', '--part-network', '--part-send'] as const;

const colorOf = (index: number): string => palette[index % palette.length]!;

/** Colour channel of rows with a `curve`. */
export const curveChannel = ({ curves }: LoadAxis) =>
  ({
    field: 'curve',
    type: 'nominal',
    scale: { domain: [...curves], range: curves.map((_, index) => cssColor(colorOf(index))) },
    legend: null,
  }) as const;

/** Empty where there is one curve. */
export const curveLegend = ({ curves }: LoadAxis): LegendItem[] =>
  curves.length < 2 ? [] : curves.map((label, index) => ({ label, color: colorOf(index), shape: 'line' }));
