/** What clients of the unchanged model may send and a variant's server would refuse or lose, as its knobs' rows tell it. */
import { type KnobContext, knobs } from '../knobs/knobs.js';
import type { Variant } from '../variants/variants.js';

/** One clause for each knob; none where whatever the default accepts is accepted. */
export function narrowedContract(variant: Variant, context: KnobContext): string[] {
  if (variant.members !== undefined)
    return variant.members.flatMap(({ model, variant: own, context: ownContext }) =>
      narrowedContract(own, ownContext).map((clause) => `${clause} (of ${model.name})`),
    );
  return knobs
    .filter(({ name }) => variant.changed.includes(name))
    .flatMap((knob) => {
      const [from, to] = [knob.read(context.config), variant.parameters[knob.name]!];
      if (knob.narrowsContract?.(from, to, context) !== true) return [];
      return [`${knob.name} ${String(to)} instead of ${String(from)}`];
    });
}
