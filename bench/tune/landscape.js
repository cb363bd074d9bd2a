// Simulated serving landscapes for comparing search strategies: how fast, how slow to load, or how broken a model server
// is for every combination of knobs, from a queueing model with constants drawn from a seed. Not a benchmark itself.
// Each has conditional knobs, knobs that act together, out-of-memory and latency cliffs, noise that differs from place
// to place and shrinks with time, and a price for every start of a server. The model is described in docs/tuning.md.
import { createRng } from '../../dist/src/index.js';

const graphGain = { all: 1, extended: 0.98, basic: 0.9, disabled: 0.75 };

/** Constants of one landscape. `between` draws on a logarithmic scale. */
function drawConstants(seed) {
  const rng = createRng(seed * 7919 + 17);
  const between = (low, high) => low * (high / low) ** rng.next();
  const chance = (share) => rng.next() < share;
  const cores = [4, 8, 16, 32][rng.int(4)];
  const hasGpu = chance(0.7);
  const itemMs = between(1, 30);
  const gpuSpeed = between(0.6, 2.5) * (cores / 8);
  return {
    cores,
    providers: ['cpu', ...(chance(0.7) || !hasGpu ? ['openvino'] : []), ...(hasGpu ? ['cuda', 'tensorrt'] : [])],
    itemMs,
    parallelShare: 1 - between(0.02, 0.3),
    crowding: between(0.15, 0.8),
    bandwidthCores: cores * between(0.4, 1.5),
    batchExponent: between(0.8, 1),
    openvinoSpeed: between(0.8, 1.9),
    gpuItemMs: itemMs / (8 * gpuSpeed),
    gpuKnee: between(2, 24),
    launchMs: between(0.1, 2.5),
    overlap: between(0.05, 0.6),
    tensorrtSpeed: between(0.8, 1.8),
    halfSpeed: { openvino: between(0.7, 1.3), cuda: between(0.9, 1.7), tensorrt: between(1, 2.1) },
    halfFails: { openvino: chance(0.2), cuda: chance(0.1), tensorrt: chance(0.25) },
    graphCaptureLimit: 2 ** (1 + rng.int(5)),
    graphCaptureGain: between(0.2, 0.8),
    workspaceNeedMib: 256 * 2 ** (rng.int(4) + 0.5),
    workspaceLoss: between(0.03, 0.3),
    frontEndMs: between(0.02, 0.4),
    weightsMib: between(20, 900),
    activationMib: between(2, 60),
    memoryMib: between(3000, 14_000),
    arenaLoss: between(0.02, 0.2),
    parallelModeGain: between(0.85, 1.12),
    pinnedGain: between(0.005, 0.05),
    tail: between(1.2, 2.6),
    sloMs: itemMs * between(1.5, 25),
    delayShare: between(0.1, 0.9),
    runNoise: between(0.006, 0.015),
    secondNoise: between(0.04, 0.12),
    startSeconds: between(1.5, 5),
    buildSeconds: between(4, 20),
  };
}

const usesGpu = (provider) => provider === 'cuda' || provider === 'tensorrt';

/** Knobs in the order of the product's table, with which of them count when. */
function describeSpace(constants) {
  const threads = [1, 2, 4, 8, 16, 32].filter((count) => count <= constants.cores);
  const knob = (name, values, defaultValue, isOrdered = true) => ({ name, values, defaultValue, isOrdered });
  const dimensions = [
    knob('provider', constants.providers, 'cpu', false),
    knob('half_precision', [false, true], false, false),
    knob('instance_count', [1, 2, 3, 4, 6, 8], 1),
    knob('intra_op_threads', threads, threads.at(-1)),
    knob('dynamic_batching', [false, true], false, false),
    knob('max_batch_size', [1, 2, 4, 8, 16, 32, 64], 32),
    knob('max_queue_delay_us', [0, 100, 500, 1000, 5000], 0),
    knob('execution_mode', ['sequential', 'parallel'], 'sequential', false),
    knob('cuda_graphs', [false, true], false, false),
    knob('workspace_mib', [256, 512, 1024, 2048, 4096], 1024),
    knob('graph_level', ['disabled', 'basic', 'extended', 'all'], 'all'),
    knob('arena_mib', [128, 256, 512, 1024, 2048], 512),
    knob('pinned_pool_mib', [0, 64, 256], 64),
  ];
  const counts = {
    half_precision: ({ provider }) => provider !== 'cpu',
    intra_op_threads: ({ provider }) => !usesGpu(provider),
    max_batch_size: (at) => at.dynamic_batching,
    max_queue_delay_us: (at) => at.dynamic_batching,
    execution_mode: ({ provider }) => provider === 'cpu',
    cuda_graphs: ({ provider }) => provider === 'cuda',
    workspace_mib: ({ provider }) => provider === 'tensorrt',
    pinned_pool_mib: ({ provider }) => usesGpu(provider),
  };
  const canonicalize = (at) => {
    const copy = {};
    for (const { name, defaultValue } of dimensions) {
      copy[name] = counts[name]?.(at) === false ? defaultValue : (at[name] ?? defaultValue);
    }
    return copy;
  };
  const isLegal = (at) => !(at.dynamic_batching && at.max_batch_size === 1);
  return { dimensions, counts, canonicalize, isLegal };
}

/** Starting points as the product has them: each provider, plain and in half precision, with instances and batching. */
function presetsOf(space, { cores, providers }) {
  const shapes = [
    { instance_count: 2, dynamic_batching: true, max_batch_size: 8, max_queue_delay_us: 500 },
    { instance_count: 2, intra_op_threads: Math.max(1, cores / 2) },
  ];
  const defaults = Object.fromEntries(space.dimensions.map(({ name, defaultValue }) => [name, defaultValue]));
  const found = new Map();
  for (const provider of providers) {
    for (const half_precision of [false, true]) {
      const shape = usesGpu(provider) || half_precision ? shapes.slice(0, 1) : shapes;
      for (const values of shape) {
        const at = space.canonicalize({ ...defaults, provider, half_precision, ...values });
        if (space.isLegal(at)) found.set(JSON.stringify(at), at);
      }
    }
  }
  return [...found.values()];
}

/** Milliseconds that one instance takes for a batch when `n` instances are busy. */
function batchMs(at, c, n, batch) {
  const { provider } = at;
  const half = at.half_precision ? c.halfSpeed[provider] : 1;
  const rows = batch ** c.batchExponent;
  if (!usesGpu(provider)) {
    const t = at.intra_op_threads;
    const speedup = 1 / (1 - c.parallelShare + c.parallelShare / t);
    const crowded = Math.max(1, (n * t) / c.cores);
    const starved = Math.max(1, Math.min(n * speedup, c.cores) / c.bandwidthCores);
    const mode = provider === 'cpu' && at.execution_mode === 'parallel' ? c.parallelModeGain : 1;
    const speed = speedup * half * mode * (provider === 'openvino' ? c.openvinoSpeed : 1) * graphGain[at.graph_level];
    return (c.itemMs * rows * crowded ** (1 + c.crowding) * starved) / speed;
  }
  const capture = at.cuda_graphs && batch <= c.graphCaptureLimit ? 1 - c.graphCaptureGain : at.cuda_graphs ? 1.15 : 1;
  const isTensorrt = provider === 'tensorrt';
  const short = isTensorrt ? Math.max(0, Math.log2(c.workspaceNeedMib / at.workspace_mib)) : 0;
  const graph = isTensorrt ? 1 : 1 - (1 - graphGain[at.graph_level]) / 2;
  const pinned = 1 + c.pinnedGain * Math.min(2, at.pinned_pool_mib / 128);
  const speed =
    half * graph * pinned * (isTensorrt ? c.tensorrtSpeed * (1 - c.workspaceLoss * Math.min(1, short / 2)) : 1);
  // Up to the knee a larger batch is nearly free; instances share the device but for what overlaps.
  const compute = (c.gpuItemMs * (batch + c.gpuKnee)) / (1 + c.gpuKnee) / speed;
  const shared = n / (1 + c.overlap * (n - 1));
  return c.launchMs * capture + compute * shared;
}

function memoryMib(at, c) {
  const bytes = at.half_precision ? 0.5 : 1;
  const batch = at.dynamic_batching ? at.max_batch_size : 1;
  const workspace = at.provider === 'tensorrt' ? at.workspace_mib : 0;
  const one = c.weightsMib * bytes + Math.max(at.arena_mib, c.activationMib * batch * bytes) + workspace;
  return at.instance_count * one + (usesGpu(at.provider) ? at.pinned_pool_mib : 0);
}

/** What a variant really does: requests a second and p99 at its own saturating load, or why it does not serve. */
function serve(at, c) {
  if (at.half_precision && c.halfFails[at.provider]) return { failure: 'accuracy' };
  if (memoryMib(at, c) > c.memoryMib) return { failure: 'out of memory' };
  const n = at.instance_count;
  const limit = at.dynamic_batching ? at.max_batch_size : 1;
  const inFlight = Math.max(2, 2 * n * limit);
  const delayMs = at.dynamic_batching ? at.max_queue_delay_us / 1000 : 0;
  // Without a delay batches are cut short while requests are still on their way.
  const full = batchMs(at, c, n, limit);
  const filled = limit === 1 ? 1 : c.delayShare + (1 - c.delayShare) * (delayMs / (delayMs + 0.15 * full + 0.05));
  const batch = Math.max(1, limit * filled);
  const arena = c.activationMib * batch > at.arena_mib ? 1 + c.arenaLoss : 1;
  const ms = batchMs(at, c, n, batch) * arena + (limit > 1 ? delayMs * (1 - filled * 0.5) : 0);
  const perSec = 1000 / (ms / (n * batch) + c.frontEndMs / Math.min(4, 1 + n / 4));
  const crowded = usesGpu(at.provider) ? 1 : Math.max(1, (n * at.intra_op_threads) / c.cores);
  return { perSec, p99Ms: ((inFlight * 1000) / perSec) * (1 + (c.tail - 1) * (crowded / (1 + crowded))) + delayMs };
}

/** Every variant of the space, each once, in one object that is written over from one to the next. */
function* everyVariant({ dimensions, counts, isLegal }) {
  const at = {};
  function* from(index) {
    if (index === dimensions.length) {
      if (isLegal(at)) yield at;
      return;
    }
    const { name, values, defaultValue } = dimensions[index];
    // The knobs that decide whether this one counts stand before it.
    for (const value of counts[name]?.(at) === false ? [defaultValue] : values) {
      at[name] = value;
      yield* from(index + 1);
    }
  }
  yield* from(0);
}

/** A landscape; the same for the same seed. `best` is found by looking at every variant. */
export function createLandscape(seed) {
  const constants = drawConstants(seed);
  const space = describeSpace(constants);
  const { dimensions, canonicalize, isLegal } = space;
  const truth = (at) => {
    const { failure, perSec, p99Ms } = serve(at, constants);
    if (failure !== undefined) return { state: 'failed', value: 0 };
    const violation = Math.max(0, p99Ms / constants.sloMs - 1);
    return { state: violation > 0 ? 'infeasible' : 'complete', value: violation > 0 ? 0 : perSec, perSec, p99Ms };
  };
  let best = 0;
  let count = 0;
  let feasible = 0;
  const values = [];
  for (const at of everyVariant(space)) {
    const { value } = truth(at);
    count++;
    if (value > 0) feasible++;
    if (value > 0.9 * best) values.push(value);
    best = Math.max(best, value);
  }
  return {
    seed,
    space: { dimensions, canonicalize, isLegal, presets: presetsOf(space, constants) },
    constants,
    truth,
    best,
    count,
    feasibleShare: feasible / count,
    /** Share of the variants within 5 % of the best. */
    topShare: values.filter((value) => value >= 0.95 * best).length / count,
    startSeconds: (at) => constants.startSeconds + (at.provider === 'tensorrt' ? constants.buildSeconds : 0),
    measure: (at, seconds, rng) => measure(truth(at), at, constants, seconds, rng),
  };
}

/** A measurement of `seconds`: the truth with noise, and a standard error that is itself estimated from eight batches. */
function measure(real, at, c, seconds, rng) {
  if (real.state === 'failed') return { state: 'failed' };
  const busy = usesGpu(at.provider) ? 1 : Math.max(1, (at.instance_count * at.intra_op_threads) / c.cores);
  const within = (c.secondNoise * Math.min(2.5, Math.sqrt(busy))) / Math.sqrt(seconds);
  const shift = Math.hypot(c.runNoise, within) * rng.normal();
  const p99Ms = real.p99Ms * Math.exp(-shift + within * rng.normal());
  const violation = p99Ms / c.sloMs - 1;
  let squares = 0;
  for (let batch = 0; batch < 8; batch++) squares += rng.normal() ** 2;
  return {
    state: violation > 0 ? 'infeasible' : 'complete',
    score: Math.log(real.perSec) + shift,
    scoreError: within * Math.sqrt(squares / 8),
    violation: Math.max(0, violation),
    margins: { p99: Math.log(p99Ms / c.sloMs) },
  };
}
