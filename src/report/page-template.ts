/** Loads the page templates of `templates/` and fills them in. Everything is escaped unless a template says `{{{`. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import Handlebars from 'handlebars';
import { packageRoot } from '../common/package-root.js';
import type { LegendItem } from './charts/chart.js';

const partials = ['page-head', 'page-foot', 'figures', 'facts', 'data-table', 'side-tables'] as const;

const readPart = (name: string): Promise<string> => readFile(join(packageRoot, 'templates', name), 'utf8');

/** Legend keys in a 16 x 12 box; the only markup that does not come from a template or vega. */
const shapeSvg: Readonly<Record<LegendItem['shape'], string>> = {
  line: '<path d="M1 6h14" stroke-width="2.4"/>',
  area: '<rect x="3" y="1" width="10" height="10" rx="2" stroke="none"/>',
  circle: '<circle cx="8" cy="6" r="4"/>',
  triangle: '<path d="M8 1.5 13 10.5H3z"/>',
  square: '<rect x="4" y="2" width="8" height="8"/>',
  cross: '<path d="M4.5 2.5l7 7m0-7l-7 7" stroke-width="2.2"/>',
  diamond: '<path d="M8 1l5 5-5 5-5-5z"/>',
};

/** The style sheet all pages share. */
export const pageStyle = (): Promise<string> => readPart('style.css');

/** Fills in `templates/<name>.hbs`. Throws for a field that the template names and `content` lacks: a bug. */
export async function renderTemplate(name: 'run' | 'study', content: object): Promise<string> {
  const handlebars = Handlebars.create();
  for (const partial of partials) handlebars.registerPartial(partial, await readPart(`${partial}.hbs`));
  handlebars.registerHelper('shapeSvg', (shape: LegendItem['shape']) => shapeSvg[shape]);
  const template = handlebars.compile(await readPart(`${name}.hbs`), { strict: true });
  return template(content);
}
