// Runs one search on a simulated landscape against a simulated clock. Not a benchmark itself.
import { createRng, nextProposal } from '../../dist/src/index.js';

const STOP_SECONDS = 0.3;

/**
 * What the search believed to be best, over time: `quality` is that variant's true objective as a share of the best
 * there is, 0 where it does not serve within the limit. `levelSeconds` is the length of a measurement of effort 1.
 */
export function runSearch(landscape, createStrategy, { seed, levelSeconds, endSeconds }) {
  const { space } = landscape;
  const rng = createRng(seed * 104_729 + landscape.seed);
  const strategy = createStrategy({ space, seed });
  const trace = [];
  let seconds = 0;
  let topScore = Number.NEGATIVE_INFINITY;
  let top;
  let trials = 0;
  let proposal = {
    parameters: Object.fromEntries(space.dimensions.map((knob) => [knob.name, knob.defaultValue])),
    effort: 1,
  };
  while (proposal !== undefined) {
    const { parameters, effort } = proposal;
    const length = effort * levelSeconds;
    const result = landscape.measure(parameters, length, rng);
    seconds += landscape.startSeconds(parameters) + STOP_SECONDS + (result.state === 'failed' ? 0 : length);
    if (seconds > endSeconds) break;
    trials++;
    strategy.tell(parameters, result, effort);
    if (result.state === 'complete' && result.score > topScore) {
      topScore = result.score;
      top = parameters;
    }
    const believed = strategy.best === undefined ? top : strategy.best();
    trace.push({ seconds, quality: believed === undefined ? 0 : landscape.truth(believed).value / landscape.best });
    proposal = nextProposal(strategy);
  }
  return { trace, trials, isOver: proposal === undefined, seconds };
}

/** Quality of what was believed best at an instant; 0 before the first result. */
export function qualityAt(trace, seconds) {
  return trace.findLast((point) => point.seconds <= seconds)?.quality ?? 0;
}
