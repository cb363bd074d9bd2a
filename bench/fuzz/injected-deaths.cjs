// Loaded into an engine with --require, for tests only: threads of instances stall and die right after an atomic exchange of theirs
// went through, which is between any two steps of taking a batch. Deaths are few, or the engine gives the model up.
const { getEnvironmentData, isMainThread, setEnvironmentData } = require('node:worker_threads');

const MOST_DEATHS = 2;
const DEATH_SHARE = 0.01;
const STALL_SHARE = 0.02;
const STALL_MS = 40;

if (isMainThread) setEnvironmentData('deaths left', new Int32Array(new SharedArrayBuffer(4)).fill(MOST_DEATHS));
else {
  const left = getEnvironmentData('deaths left');
  const never = new Int32Array(new SharedArrayBuffer(4));
  const { compareExchange, sub } = Atomics;
  Atomics.compareExchange = (words, at, expected, next) => {
    const found = compareExchange(words, at, expected, next);
    if (found !== expected) return found;
    const chance = Math.random();
    if (chance < DEATH_SHARE) {
      if (sub(left, 0, 1) > 0) process.exit(1);
    } else if (chance < DEATH_SHARE + STALL_SHARE) Atomics.wait(never, 0, 0, STALL_MS);
    return found;
  };
}
