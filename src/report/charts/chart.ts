/**
 * What a chart is before it is drawn: a vega-lite specification in colours that are CSS custom properties (the page
 * sets them for light and dark), and the words around it. Rows carry their tooltip as finished text in `about`.
 */
import type { TopLevelSpec } from 'vega-lite';
import type { PositionFieldDef } from 'vega-lite/types_unstable/channeldef.js';
import type { SideTable } from '../tables/side-table.js';

/** One layer of a drawing. */
export type ChartLayer = Extract<TopLevelSpec, { layer: unknown }>['layer'][number];

/** An x or y channel that reads a field. */
export type PositionChannel = PositionFieldDef<string>;

export interface LegendItem {
  readonly label: string;
  /** A CSS custom property such as `--p99`. */
  readonly color: string;
  readonly shape: 'line' | 'area' | 'circle' | 'triangle' | 'square' | 'cross' | 'diamond';
  readonly isHollow?: boolean;
}

/** A parameter of a drawing that the page lets the reader set; without scripts it keeps its value. */
export interface ChartChoice {
  readonly parameter: string;
  readonly label: string;
  readonly value: number;
  readonly options: readonly { readonly label: string; readonly value: number }[];
}

/** One drawing. */
export interface Chart {
  /** Unique in the page; letters, digits and dashes. */
  readonly id: string;
  /** Names the drawing where a figure has several; else empty. */
  readonly label: string;
  readonly spec: TopLevelSpec;
  readonly choices?: readonly ChartChoice[];
}

/** A titled figure of one chart or of small multiples. */
export interface Figure {
  readonly title: string;
  /** How to read it. */
  readonly note: string;
  readonly legend: readonly LegendItem[];
  readonly layout: 'half' | 'wide' | 'multiples';
  readonly charts: readonly Chart[];
  /** The same figures to read, where no table of the report has them. */
  readonly table?: SideTable;
}

/** A colour of the page's theme. */
export const cssColor = (name: string): string => `var(${name})`;

/** Width at which charts are drawn on the server; the page redraws them at its own. */
export const CHART_WIDTH = 520;
export const MULTIPLE_WIDTH = 250;

interface Size {
  readonly width: number;
  readonly height: number;
}

/** What every specification of perf-ts starts with. */
export const chartBase = ({ width, height }: Size) =>
  ({
    width,
    height,
    autosize: { type: 'fit-x', contains: 'padding' },
    padding: { left: 2, right: 8, top: 6, bottom: 2 },
    config: {
      background: 'transparent',
      font: 'system-ui, sans-serif',
      view: { stroke: null },
      axis: {
        labelColor: cssColor('--muted'),
        titleColor: cssColor('--muted'),
        gridColor: cssColor('--grid'),
        domainColor: cssColor('--line'),
        ticks: false,
        domain: false,
        labelFontSize: 11,
        titleFontSize: 11,
        titleFontWeight: 'normal',
        labelPadding: 6,
        titlePadding: 8,
      },
      axisX: { grid: false, domain: true },
      // The y title lies flat above the axis, where it reads like the rest.
      axisY: {
        titleAngle: 0,
        titleAlign: 'left',
        titleAnchor: 'end',
        titleBaseline: 'bottom',
        titleX: 0,
        titleY: -8,
        minExtent: 30,
      },
    },
  }) as const;

/** Colour and tooltip of the invisible target that makes small marks easy to point at. */
export const hoverTarget = {
  type: 'point',
  filled: true,
  size: 320,
  color: 'transparent',
  opacity: 1,
  shape: 'circle',
} as const;

/** Channels that give a mark its tooltip, and screen readers the same text. */
export const aboutChannels = {
  tooltip: { field: 'about', type: 'nominal' },
  description: { field: 'about', type: 'nominal' },
} as const;

/** Ticks 1, 2, 5 × powers of ten that lie within [low, high]; at most about `most`, thinning to 1 × powers. */
export function logTicks(low: number, high: number, most = 9): number[] {
  const ticks = (steps: readonly number[]): number[] => {
    const found: number[] = [];
    for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power++) {
      for (const step of steps) {
        const value = Number((step * 10 ** power).toPrecision(3));
        if (value >= low && value <= high) found.push(value);
      }
    }
    return found;
  };
  const fine = ticks([1, 2, 5]);
  return fine.length <= most ? fine : ticks([1]);
}
