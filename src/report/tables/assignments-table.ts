/** Which execution providers ran a model's nodes on each device, a row each, and what it took to make the first session. */
import { durationColumn, formatCount, formatPercent } from '../../common/format.js';
import type { NodeAssignmentRecord } from '../../record/run-record.js';
import type { TrialRecord } from '../../record/study-record.js';
import { numbers, type SideTable, words } from './side-table.js';

/** Of whom it is told: a model or a variant of one. */
interface Told {
  readonly subject: string;
  readonly assignment: NodeAssignmentRecord;
}

/** Of a run; undefined where only the CPU provider was asked for. */
export const assignmentsTable = (assignments: readonly NodeAssignmentRecord[]): SideTable | undefined =>
  tableOf(
    'Model',
    assignments.map((assignment) => ({ subject: assignment.model, assignment })),
  );

/** Of a study: each variant by its first trial that tells. Undefined where none asked for another provider than the CPU's. */
export function variantAssignmentsTable(trials: readonly TrialRecord[]): SideTable | undefined {
  const byVariant = new Map<string, readonly NodeAssignmentRecord[]>();
  for (const { variantId, level } of trials) {
    const assignments = level?.monitors?.assignments ?? [];
    if (assignments.length > 0 && !byVariant.has(variantId)) byVariant.set(variantId, assignments);
  }
  return tableOf(
    'Variant',
    [...byVariant].flatMap(([subject, assignments]) => assignments.map((assignment) => ({ subject, assignment }))),
  );
}

function tableOf(title: string, told: readonly Told[]): SideTable | undefined {
  const rows = told.flatMap(({ subject, assignment }) => {
    const { nodes, device, copyCount, buildNs } = assignment;
    const total = Object.values(nodes).reduce((sum, count) => sum + count, 0);
    return Object.entries(nodes).map(([provider, count]) => ({
      subject,
      device,
      provider,
      count,
      share: count / total,
      copyCount,
      buildNs,
    }));
  });
  if (rows.length === 0) return undefined;
  const times = durationColumn(rows.map(({ buildNs }) => buildNs));
  const texts = (name: string, read: (row: (typeof rows)[number]) => string) => words(name, rows.map(read));
  const counts = (name: string, read: (row: (typeof rows)[number]) => string, unit = '') =>
    numbers(name, rows.map(read), unit);
  return {
    id: 'assignments',
    title: 'Execution providers',
    note: 'Nodes of the model by the provider that runs them; a copy moves values between devices. Making the first session, with engines built for it, is no part of what was measured.',
    columns: [
      texts(title, ({ subject }) => subject),
      texts('Device', ({ device }) => device),
      texts('Provider', ({ provider }) => provider),
      counts('Nodes', ({ count }) => formatCount(count)),
      counts('Share', ({ share }) => formatPercent(share)),
      counts('Copies', ({ copyCount }) => formatCount(copyCount)),
      counts('First session', ({ buildNs }) => times.format(buildNs), times.unit),
    ],
    isDetail: true,
  };
}
