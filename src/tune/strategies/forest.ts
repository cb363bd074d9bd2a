/**
 * The default search: presets and a few random variants, then whatever a model of the results expects to improve most
 * (SMAC: Hutter, Hoos, Leyton-Brown 2011), by turns on the best so far and on the best of another niche; measured in races
 * from short to long against the best variant.
 */
import { createRng, type Rng } from '../../common/random.js';
import { isBetter } from '../trials/trial-order.js';
import { defaultParameters, variantKey } from '../variants/search-space.js';
import { collectCandidates } from './candidates.js';
import { climbToPromise, exchanges } from './climb.js';
import { createIncumbentRace, type IncumbentRace } from './incumbent-race.js';
import { createLevelCode, type LevelCode } from './level-code.js';
import { createNiches, type Niche, type Niches } from './niches.js';
import { createSampler, type DrawVariant } from './sampler.js';
import type { Proposal, SearchSpace, Strategy, StrategyOptions, TrialResult, VariantParameters } from './strategy.js';
import { createSurrogate, type FitSurrogate, scoreRows } from './surrogate.js';
import { createVariantResults, type VariantResult, type VariantResults } from './variant-results.js';

/** Random variants after the presets, so that the first forest has something to split. */
const FIRST_RANDOM = 4;
/** Every so many proposals one is for another niche than the best variant's ... */
const NICHE_EVERY = 3;
/** ... and one is random: what the forest believes may be wrong everywhere it has not looked. */
const RANDOM_EVERY = 10;
/** Best variants whose neighbourhood is looked at. */
const ORIGIN_COUNT = 4;
/** Variants at random that a look into a niche begins with, beside its best. */
const NICHE_DRAWS = 60;
/** The search ends when so many proposals for each knob in a row promised a smaller gain than this share. */
const LEAST_PROMISE = 0.01;
const PATIENCE_PER_KNOB = 5;
/** Meanwhile the model is taken to be so many times as unsure of itself as it says, and more with each such proposal. */
const FIRST_DOUBT = 2;
const MORE_DOUBT = 0.1;
/** ... but not before it has seen this many variants for each knob. */
const LEAST_TRIALS_PER_KNOB = 3;

export const createForestStrategy = (options: StrategyOptions): Strategy => new ForestSearch(options);

class ForestSearch implements Strategy {
  readonly name = 'forest';
  readonly #space: SearchSpace;
  readonly #rng: Rng;
  readonly #draw: DrawVariant;
  readonly #code: LevelCode;
  readonly #results: VariantResults;
  readonly #race: IncumbentRace;
  /** Keys of variants that were asked for or told. */
  readonly #taken: Set<string>;
  /** Effort of measurements that were asked for and not told yet, by key. */
  readonly #pending = new Map<string, number>();
  readonly #presets: VariantParameters[];
  #firstRandomLeft = FIRST_RANDOM;
  #proposalCount = 0;
  #unpromisingCount = 0;
  #promise: number | undefined;
  readonly #fit: FitSurrogate;
  readonly #niches: Niches;

  constructor({ space, seed }: StrategyOptions) {
    this.#space = space;
    this.#rng = createRng(seed);
    this.#draw = createSampler(space, this.#rng);
    this.#code = createLevelCode(space);
    this.#results = createVariantResults(space, this.#code);
    this.#fit = createSurrogate(this.#code, this.#rng);
    this.#niches = createNiches(space);
    this.#race = createIncumbentRace(this.#results);
    this.#taken = new Set([variantKey(space, defaultParameters(space))]);
    this.#presets = [...(space.presets ?? [])];
  }

  ask(): VariantParameters | undefined {
    const parameters = this.#nextPreset() ?? this.#nextFirstRandom() ?? this.#nextByForest();
    if (parameters === undefined) return undefined;
    const key = variantKey(this.#space, parameters);
    this.#taken.add(key);
    this.#pending.set(key, 1);
    return parameters;
  }

  propose(): Proposal | undefined {
    // Start points are compared once all are there; before that a race would be against whatever came first.
    const isStarting = this.#presets.length > 0 || this.#firstRandomLeft > 0;
    const step = isStarting ? undefined : this.#race.next((key) => this.#pending.has(key), this.#promise ?? 0);
    if (step !== undefined) {
      this.#pending.set(variantKey(this.#space, step.parameters), step.effort);
      return step;
    }
    const parameters = this.ask();
    return parameters === undefined ? undefined : { parameters, effort: 1 };
  }

  tell(parameters: VariantParameters, result: TrialResult, effort?: number): void {
    const key = variantKey(this.#space, this.#space.canonicalize(parameters));
    const told = this.#results.tell(parameters, result, effort ?? this.#pending.get(key) ?? 1);
    this.#pending.delete(key);
    this.#taken.add(key);
    this.#race.note(told);
  }

  best(): VariantParameters | undefined {
    return this.#race.incumbent()?.parameters;
  }

  remainingGain(): number | undefined {
    return this.#promise === undefined ? undefined : Math.expm1(this.#promise);
  }

  #isTaken = (key: string): boolean => this.#taken.has(key);

  #nextPreset(): VariantParameters | undefined {
    for (let preset = this.#presets.shift(); preset !== undefined; preset = this.#presets.shift()) {
      if (this.#space.isLegal(preset) && !this.#isTaken(variantKey(this.#space, preset))) return preset;
    }
    return undefined;
  }

  #nextFirstRandom(): VariantParameters | undefined {
    if (this.#firstRandomLeft === 0) return undefined;
    this.#firstRandomLeft--;
    return this.#draw(this.#isTaken);
  }

  #nextByForest(): VariantParameters | undefined {
    this.#proposalCount++;
    const results = this.#results.all();
    if (results.length === 0 || this.#proposalCount % RANDOM_EVERY === 0) return this.#draw(this.#isTaken);
    const niche = this.#nextNiche(results);
    const chosen = (niche && this.#lookInto(niche, results)) ?? this.#mostPromising(results);
    return this.#hasEnded(results.length) ? undefined : chosen;
  }

  #nextNiche(results: readonly VariantResult[]): Niche | undefined {
    const incumbent = this.#race.incumbent();
    if (incumbent === undefined || this.#proposalCount % NICHE_EVERY !== 0) return undefined;
    return this.#niches.next(results, incumbent);
  }

  /** What would improve most on the niche's own best. */
  #lookInto({ name, value, score, start }: Niche, results: readonly VariantResult[]): VariantParameters | undefined {
    const surrogate = this.#fit(results);
    const drawn = Array.from({ length: NICHE_DRAWS }, () => this.#draw(() => false)).filter((one) => one !== undefined);
    const found = climbToPromise({
      space: this.#space,
      starts: [start, ...exchanges(this.#space, start), ...drawn].map((from) =>
        this.#space.canonicalize({ ...from, [name]: value }),
      ),
      isTaken: this.#isTaken,
      isInside: (parameters) => parameters[name] === value,
      promiseOf: (parameters) => surrogate.value(this.#code.encode(parameters), score),
    });
    return found?.parameters;
  }

  /** Keeps what it promises: the stop rule and the report look at it. */
  #mostPromising(results: readonly VariantResult[]): VariantParameters | undefined {
    const incumbent = this.#race.incumbent();
    const best = incumbent?.standing.score ?? Math.max(...scoreRows(results).map(({ target }) => target));
    const surrogate = this.#fit(results);
    const origins = results.toSorted(byQuality).slice(0, ORIGIN_COUNT);
    const starts = collectCandidates(
      this.#space,
      origins.map(({ parameters }) => parameters),
      this.#isTaken,
      this.#draw,
      this.#rng,
    );
    const lookWith = (doubt: number) =>
      climbToPromise({
        space: this.#space,
        starts,
        isTaken: this.#isTaken,
        isInside: () => true,
        promiseOf: (parameters) => surrogate.value(this.#code.encode(parameters), best, doubt),
      });
    const found = lookWith(1);
    // Without a feasible variant there is nothing to gain upon, and the search for one must go on.
    this.#promise = incumbent === undefined ? undefined : Math.max(0, found?.promise ?? 0);
    const isUnpromising = this.#promise !== undefined && this.#promise < LEAST_PROMISE;
    this.#unpromisingCount = isUnpromising ? this.#unpromisingCount + 1 : 0;
    return isUnpromising ? lookWith(FIRST_DOUBT + this.#unpromisingCount * MORE_DOUBT)?.parameters : found?.parameters;
  }

  #hasEnded(seenCount: number): boolean {
    const least = LEAST_TRIALS_PER_KNOB * this.#space.dimensions.length;
    return this.#unpromisingCount >= PATIENCE_PER_KNOB * this.#space.dimensions.length && seenCount >= least;
  }
}

/** Best first. */
function byQuality(a: VariantResult, b: VariantResult): number {
  const [one, other] = [a, b].map(
    ({ state, violation, standing }): TrialResult => ({
      state,
      violation,
      ...(standing !== undefined && { score: standing.score }),
    }),
  );
  if (isBetter(one!, other!)) return -1;
  return isBetter(other!, one!) ? 1 : 0;
}
