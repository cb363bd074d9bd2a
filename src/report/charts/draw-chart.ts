/** Draws charts without a browser: vega-lite to vega, vega to SVG. The page gets both, the SVG to read, the vega to hover. */
import * as vega from 'vega';
import { compile } from 'vega-lite';
import type { Chart } from './chart.js';

export interface DrawnChart {
  readonly id: string;
  readonly label: string;
  readonly svg: string;
  /** The vega specification as JSON, not yet escaped for a page. */
  readonly vegaJson: string;
}

/** Mean width of a character of a system font in parts of the font size; vega's own guess of 0.8 hides tick labels. */
const CHARACTER_WIDTH = 0.56;

interface TextItem {
  readonly fontSize?: number;
}

// There is no canvas to measure text with. vega keeps this object open for replacement, though its types do not say so.
const { textMetrics } = vega as unknown as {
  textMetrics: { width: (item: TextItem, text: unknown) => number };
};

/** Draws one chart. Rejects for a specification that vega refuses, which is a bug of the chart. */
export async function drawChart(chart: Chart): Promise<DrawnChart> {
  textMetrics.width = (item, text) => CHARACTER_WIDTH * String(text ?? '').length * (item.fontSize ?? 11);
  const { spec } = compile(chart.spec, { logger: strictLogger });
  const view = new vega.View(vega.parse(spec), { renderer: 'none', logger: strictLogger });
  try {
    return { id: chart.id, label: chart.label, svg: await view.toSVG(), vegaJson: JSON.stringify(spec) };
  } finally {
    view.finalize();
  }
}

/** vega-lite warns about what it ignores; a chart that needs a warning is wrong. */
const complain = (...messages: readonly unknown[]): never => {
  throw new Error(`chart: ${messages.map(String).join(' ')}`);
};
const strictLogger: vega.LoggerInterface = {
  level: () => strictLogger,
  error: complain,
  warn: complain,
  info: () => strictLogger,
  debug: () => strictLogger,
} as vega.LoggerInterface;
