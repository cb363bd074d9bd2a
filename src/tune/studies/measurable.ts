/** Limits and objectives that nothing here can measure: told before the first trial, because every trial would miss them. */
import { PerfTsError, type Problem } from '../../common/errors.js';
import type { Visible } from '../../monitor/visible.js';
import type { Constraint } from '../objectives/constraint.js';
import { type Objective, partsOf } from '../objectives/objective.js';

export interface MeasuredWhere {
  readonly visible: Visible;
  /** Of several models, whose server times do not add up to those of a request. */
  readonly areSeveral: boolean;
}

const partsOfRequest: readonly string[] = [
  'queue_time',
  'compute_time',
  'compute_input_time',
  'compute_output_time',
  'send_receive_time',
  'response_wait_time',
];

/** Why no trial can have this number; undefined where it can. */
export function whyUnmeasurable(metric: string, { visible, areSeveral }: MeasuredWhere): string | undefined {
  if (metric.startsWith('gpu_') && !visible.gpus) return 'no GPU of the server can be seen from here';
  if (metric === 'energy_per_inference' && !visible.energy)
    return 'no GPU that counts its energy can be seen from here';
  if (metric === 'memory_rss' && !visible.memory) return 'the server’s process cannot be seen from here';
  if (areSeveral && partsOfRequest.includes(metric)) return 'it is not told of several models together';
  return undefined;
}

/** Throws PerfTsError BAD_OPTION with every limit and objective that no trial can measure. */
export function checkMeasurable(objective: Objective, constraints: readonly Constraint[], where: MeasuredWhere): void {
  const hint = 'leave it out, or tune where it can be measured';
  const problems = [
    ...partsOf(objective).map(({ metric }) => ({ where: '--objective', named: metric, metric })),
    ...constraints.map(({ metric, text }) => ({ where: '--constraint', named: text, metric })),
  ].flatMap(({ where: place, named, metric }): Problem[] => {
    const why = whyUnmeasurable(metric, where);
    return why === undefined ? [] : [{ where: place, what: `'${named}' cannot be measured: ${why}`, hint }];
  });
  if (problems.length > 0) throw new PerfTsError('BAD_OPTION', problems);
}
