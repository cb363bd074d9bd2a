/**
 * Hill climb for small budgets: the presets, then from the best point so far one step along one knob at a time. A step
 * that pays is repeated in the same direction first. At a local best the climb starts again, in turn from the best
 * point with two knobs moved (knobs act in pairs: instances and threads, batch and delay) and from a random one.
 */
import { createRng, type Rng } from '../../common/random.js';
import { isBetter } from '../trials/trial-order.js';
import { defaultParameters, variantKey } from '../variants/search-space.js';
import { type Move, neighbours } from './neighbours.js';
import { createSampler } from './sampler.js';
import type { CreateStrategy, SearchSpace, TrialResult, VariantParameters } from './strategy.js';

/** Smaller gains are noise: moving on them would be a random walk. */
const MIN_GAIN = 0.01;
const MAX_KICKS = 20;

interface Point {
  readonly parameters: VariantParameters;
  readonly result: TrialResult;
}

export const createQuickStrategy: CreateStrategy = ({ space, seed }) => {
  const rng = createRng(seed);
  const draw = createSampler(space, rng);
  const asked = new Set([variantKey(space, defaultParameters(space))]);
  const presets = [...(space.presets ?? [])];
  const moveOf = new Map<string, Move>();
  let best: Point | undefined;
  /** The climb's place; undefined until the start point of a climb is told. */
  let home: Point | undefined;
  let lastMove: Move | undefined;
  let restartCount = 0;

  const take = (parameters: VariantParameters): VariantParameters => {
    asked.add(variantKey(space, parameters));
    return parameters;
  };
  const isFree = (parameters: VariantParameters): boolean =>
    space.isLegal(parameters) && !asked.has(variantKey(space, parameters));
  const restart = (): VariantParameters | undefined => {
    home = undefined;
    lastMove = undefined;
    const kicked = restartCount++ % 2 === 0 && best ? kick(space, best.parameters, rng, isFree) : undefined;
    return kicked ?? draw((key) => asked.has(key));
  };

  return {
    name: 'quick',
    ask() {
      for (let preset = presets.shift(); preset !== undefined; preset = presets.shift()) {
        if (isFree(preset)) return take(preset);
      }
      const step = home === undefined ? undefined : nextStep(space, home.parameters, lastMove, isFree);
      if (step !== undefined) {
        moveOf.set(variantKey(space, step.parameters), step.move);
        return take(step.parameters);
      }
      const start = restart();
      return start === undefined ? undefined : take(start);
    },
    tell(parameters, result) {
      const point = { parameters, result };
      if (best === undefined || isBetter(result, best.result)) best = point;
      if (home !== undefined && !isBetter(result, home.result, MIN_GAIN)) return;
      home = point;
      lastMove = moveOf.get(variantKey(space, parameters));
    },
  };
};

function nextStep(
  space: SearchSpace,
  from: VariantParameters,
  lastMove: Move | undefined,
  isFree: (parameters: VariantParameters) => boolean,
): { readonly move: Move; readonly parameters: VariantParameters } | undefined {
  const steps = neighbours(space, from).filter(({ parameters }) => isFree(parameters));
  const same = steps.find(({ move }) => move.name === lastMove?.name && move.direction === lastMove.direction);
  return same ?? steps[0];
}

/** `from` with two knobs moved one step each, or undefined when no such point was found. */
function kick(
  space: SearchSpace,
  from: VariantParameters,
  rng: Rng,
  isFree: (parameters: VariantParameters) => boolean,
): VariantParameters | undefined {
  for (let attempt = 0; attempt < MAX_KICKS; attempt++) {
    let parameters = from;
    for (let moves = 0; moves < 2; moves++) {
      const steps = neighbours(space, parameters);
      parameters = steps[rng.int(steps.length)]?.parameters ?? parameters;
    }
    if (isFree(parameters)) return parameters;
  }
  return undefined;
}
