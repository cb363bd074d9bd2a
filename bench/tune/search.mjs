// How soon each search strategy is within 5 % of the best variant, on simulated landscapes: the time in which random
// search gets there in at most a fifth of the studies, and what the forest reaches in that time.
// `node bench/tune/search.mjs [LANDSCAPES] [STUDIES_EACH] [END_SECONDS] [FIRST_SEED]`; the seconds are simulated. The
// landscapes from seed 301 on are held out: nothing in a strategy was chosen by them.
import { strategies } from '../../dist/src/index.js';
import { createLandscape } from './landscape.js';
import { qualityAt, runSearch } from './simulated-search.js';

const [landscapeCount = 24, studiesEach = 1, endSeconds = 2700, firstSeed = 1] = process.argv.slice(2).map(Number);
/** Where more variants than this share are among the best, any search finds one; such landscapes are passed over. */
const MAX_TOP_SHARE = 1e-3;
const LEVEL_SECONDS = 2;
const REACHED = 0.95;
const RANDOM_SHARE = 0.2;
const times = Array.from({ length: Math.floor(endSeconds / 100) }, (_, index) => (index + 1) * 100);
const shown = times.filter((time) => time % 300 === 0);

const landscapes = [];
for (let seed = firstSeed; landscapes.length < landscapeCount; seed++) {
  const landscape = createLandscape(seed);
  if (landscape.best > 0 && landscape.topShare <= MAX_TOP_SHARE) landscapes.push(landscape);
}
const sizes = landscapes.map(({ count }) => count);
console.log(
  `${landscapes.length} landscapes (seeds ${landscapes.map(({ seed }) => seed).join(' ')}), ` +
    `${Math.min(...sizes)} to ${Math.max(...sizes)} variants, levels of ${LEVEL_SECONDS} s`,
);

/** Shares of the studies that are within 5 % at each time; random search is cheap, so it gets five times as many. */
function runAll(name, studies) {
  const qualities = landscapes.flatMap((landscape) =>
    Array.from({ length: studies }, (_, index) => {
      const { trace } = runSearch(landscape, strategies[name], {
        seed: index + 1,
        levelSeconds: LEVEL_SECONDS,
        endSeconds,
      });
      return times.map((time) => qualityAt(trace, time));
    }),
  );
  const reached = times.map((_, at) => qualities.filter((row) => row[at] >= REACHED).length / qualities.length);
  const last = qualities.map((row) => row.at(-1)).sort((a, b) => a - b);
  const part = shown.map((time) => `${time} s ${reached[times.indexOf(time)].toFixed(2)}`).join('  ');
  const [low, middle] = [0.1, 0.5].map((share) => last[Math.floor(share * last.length)].toFixed(2));
  console.log(
    `${name.padEnd(7)} ${qualities.length} studies: within 5 % at  ${part}; quality at the end p10 ${low} median ${middle}`,
  );
  return reached;
}

const random = runAll('random', 5 * studiesEach);
runAll('quick', studiesEach);
const forest = runAll('forest', studiesEach);
const limit = random.findLastIndex((share) => share <= RANDOM_SHARE);
console.log(
  `random search is within 5 % in at most ${RANDOM_SHARE} of its studies up to ${times[limit]} s; by then forest is in ${forest[limit].toFixed(2)}`,
);
