// Contenders measured against each other on a machine that does other things too.
//
// They take turns in slices of a millisecond, so that whatever slows the machine hits all of them alike; a slice in which
// the system took the processor away is run again. Before a slice is timed a part of it runs untimed: a turn begins in
// caches full of the contender before, and what is asked is the time of a server that does one thing a million times. A
// round adds many slices of each up, so that garbage collection counts in its due share. Ratios are taken within a round;
// what is reported is the median of the quiet rounds.
import { addon } from "./addon.mjs";

/**
 * @typedef {object} Contender
 * @property {string} name
 * @property {(iterations: number) => void | number | Promise<void | number>} run does so many iterations; what measures itself
 *   answers the milliseconds
 * @property {(iterations: number) => void | Promise<void>} [prepare] makes what they use up, out of the time
 * @property {number} [each] operations that an iteration counts as
 * @property {boolean} [compiled] machine code from the first time on, so that it needs no warm-up
 */

export const full = { rounds: 41, passes: 15, slice: 1, warm: 60 };
export const quick = { rounds: 2, passes: 2, slice: 0.2, warm: 2 };

const attempts = 6;
// Longer slices are interrupted almost always.
const longestRepeated = 4;

// The part of a slice that runs untimed before it.
const lead = 1 / 2;

/**
 * @param {Contender[]} contenders
 * @param plan `budget`: milliseconds after which all rounds should be done, where operations are slow: there are then fewer of
 *   them
 * @returns times in nanoseconds an operation, by name
 */
export async function race(contenders, { rounds, passes, slice, warm, budget = Infinity }) {
  const entries = [];
  for (const contender of contenders) {
    entries.push({ ...contender, ...(await calibrate(contender, slice, warm, budget)), rounds: [] });
  }
  // One that takes that much longer than the first would leave no time for the others: the run that said so is its figure.
  const slow = entries.filter(
    ({ elapsed }) => elapsed > budget || elapsed > Math.max(budget / 8, 4 * entries[0].elapsed),
  );
  const once = entries.reduce((sum, entry) => sum + (slow.includes(entry) ? 0 : entry.elapsed), 0);
  // Rounds before passes: of many some are quiet.
  passes = Math.max(1, Math.min(passes, Math.floor(budget / (rounds * once))));
  rounds = Math.max(1, Math.min(rounds, Math.floor(budget / (passes * once))));
  for (let round = 0; round < rounds; ++round) {
    const spent = entries.map(() => 0);
    for (let pass = 0; pass < passes; ++pass) {
      for (const [i, entry] of entries.entries()) {
        spent[i] += slow.includes(entry) ? entry.elapsed : await undisturbed(entry);
      }
    }
    for (const [i, { rounds, iterations, each = 1 }] of entries.entries()) {
      rounds.push((spent[i] * 1e6) / (passes * iterations * each));
    }
  }
  return new Times(new Map(entries.map(({ name, rounds }) => [name, rounds])));
}

class Times {
  #rounds;

  constructor(rounds) {
    const quiet = quietRounds([...rounds.values()]);
    this.#rounds = new Map([...rounds].map(([name, times]) => [name, quiet.map((round) => times[round])]));
  }

  /** Nanoseconds an operation. */
  of(name) {
    return median(this.#rounds.get(name));
  }

  /** How many times as long as `base` the contender took. */
  ratio(name, base) {
    const bases = this.#rounds.get(base);
    return median(this.#rounds.get(name).map((time, i) => time / bases[i]));
  }

  /**
   * The line of a result: its value is the median, and what it is compared with stands to it as the median of the ratios.
   * @param {string[]} peers names of contenders
   */
  result(name, contender, floor, peers, { unit = "ns", convert = (nanoseconds) => nanoseconds } = {}) {
    const time = this.of(contender);
    const beside = (other) => convert(time * this.ratio(other, contender));
    return {
      name,
      value: convert(time),
      unit,
      floor: beside(floor),
      peers: Object.fromEntries(peers.map((peer) => [peer, beside(peer)])),
    };
  }
}

/**
 * A guest on the same processor core doubles every time for seconds, and not all of them alike. The third of the rounds in
 * which all contenders together ran fastest, each weighing the same, is that in which the machine did least beside.
 * @param {number[][]} series of each contender the times of the rounds
 * @returns the indexes of those rounds
 */
export function quietRounds(series) {
  const rounds = series[0].map((_, round) => {
    const time = series.reduce((sum, times) => sum + times[round] / median(times), 0);
    return { round, time };
  });
  rounds.sort((a, b) => a.time - b.time);
  return rounds.slice(0, Math.ceil(rounds.length / 3)).map(({ round }) => round);
}

export function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

// Iterations that fill a slice, and how long they take; what the search for them runs is the warm-up. The fastest of a few
// runs counts: one that was interrupted says nothing.
async function calibrate(contender, slice, warm, budget) {
  const start = performance.now();
  const warming = contender.compiled ? 0 : warm;
  for (let iterations = 1; ; iterations *= 2) {
    let elapsed = Infinity;
    for (let i = 0; i < 3 && (i === 0 || elapsed < budget / 10); ++i) {
      elapsed = Math.min(elapsed, await timed(contender, iterations));
    }
    if (elapsed < slice / 2) continue;
    while (performance.now() - start < warming) elapsed = Math.min(elapsed, await timed(contender, iterations));
    const wanted = Math.max(1, Math.round((iterations * slice) / elapsed));
    return { iterations: wanted, elapsed: (elapsed * wanted) / iterations };
  }
}

async function undisturbed(entry) {
  const leading = Math.floor(entry.iterations * lead);
  if (leading > 0) await timed(entry, leading);
  let least = Infinity;
  for (let attempt = 0; attempt < attempts; ++attempt) {
    const before = addon().interruptions();
    const elapsed = await timed(entry, entry.iterations);
    if (addon().interruptions() === before || elapsed > longestRepeated) return elapsed;
    least = Math.min(least, elapsed);
  }
  return least;
}

async function timed({ prepare, run }, iterations) {
  const preparing = prepare?.(iterations);
  if (preparing !== undefined) await preparing;
  const start = performance.now();
  let measured = run(iterations);
  if (measured instanceof Promise) measured = await measured;
  return measured ?? performance.now() - start;
}
