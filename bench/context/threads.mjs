// Two threads that seal through one Context, against one of them alone.
import { once } from "node:events";
import { Worker, isMainThread, parentPort, workerData } from "node:worker_threads";
import { Context, FRAME_OVERHEAD } from "tinymls";
import { addon } from "../addon.mjs";
import { median, quietRounds } from "../race.mjs";

const size = 64;
const threads = 2;
// Of the shared numbers: the turn, who takes part in it, how many have begun, how many are done.
const TURN = 0;
const MEMBERS = 1;
const BEGUN = 2;
const DONE = 3;

export async function twoThreads({ rounds, passes, slice }) {
  const context = new Context();
  const shared = new Int32Array(new SharedArrayBuffer(16));
  const rates = new Float64Array(new SharedArrayBuffer(8 * threads));
  const milliseconds = 2 * slice;
  const workers = Array.from(
    { length: threads },
    (_, index) =>
      new Worker(new URL(import.meta.url), {
        workerData: { token: context.share(), shared, rates, index, milliseconds },
      }),
  );
  await Promise.all(workers.map((worker) => once(worker, "message")));

  const alone = [];
  const together = [];
  const bare = [];
  for (let round = 0; round < rounds; ++round) {
    let one = 0;
    let both = 0;
    for (let pass = 0; pass < passes; ++pass) {
      one += turn(shared, rates, 1 << (pass % threads));
      both += turn(shared, rates, 3);
    }
    alone.push(one / passes);
    together.push(both / passes);
    const seconds = milliseconds / 1000;
    bare.push(addon().floorThreads(size, 2, seconds) / addon().floorThreads(size, 1, seconds));
  }
  Atomics.store(shared, MEMBERS, -1);
  Atomics.add(shared, TURN, 1);
  Atomics.notify(shared, TURN);
  await Promise.all(workers.map((worker) => once(worker, "exit")));

  context.close();

  const quiet = quietRounds([alone, together].map((rates) => rates.map((rate) => 1 / rate)));
  const one = median(quiet.map((round) => alone[round]));
  return [
    {
      name: "two threads on one Context, 64 B",
      value: one * median(quiet.map((round) => together[round] / alone[round])),
      unit: "messages/s",
      floor: one * median(quiet.map((round) => bare[round])),
      peers: { "one thread": one },
    },
  ];
}

// Messages a second of the workers that take part, together.
function turn(shared, rates, members) {
  const attempts = 40;
  let total = 0;
  for (let attempt = 0; attempt < attempts; ++attempt) {
    const taking = [...rates.keys()].filter((index) => (members >> index) & 1);
    Atomics.store(shared, MEMBERS, members);
    Atomics.store(shared, BEGUN, taking.length);
    Atomics.store(shared, DONE, 0);
    Atomics.add(shared, TURN, 1);
    Atomics.notify(shared, TURN);
    for (let done = 0; done < taking.length; done = Atomics.load(shared, DONE)) Atomics.wait(shared, DONE, done);
    total = taking.reduce((sum, index) => sum + Math.abs(rates[index]), 0);
    if (taking.every((index) => rates[index] > 0)) break; // none was interrupted
  }
  return total;
}

async function work({ token, shared, rates, index, milliseconds }) {
  const context = Context.attach(token);
  const plaintext = Buffer.alloc(size);
  const out = Buffer.alloc(size + FRAME_OVERHEAD);
  const seal = (milliseconds) => {
    const start = performance.now();
    for (let messages = 256; ; messages += 256) {
      for (let i = 0; i < 256; ++i) context.encryptInto(plaintext, out);
      const elapsed = performance.now() - start;
      if (elapsed >= milliseconds) return (messages / elapsed) * 1000;
    }
  };
  seal(20 * milliseconds);
  parentPort.postMessage("ready");

  for (let seen = 0; ;) {
    Atomics.wait(shared, TURN, seen);
    seen = Atomics.load(shared, TURN);
    const members = Atomics.load(shared, MEMBERS);
    if (members === -1) break;
    if (((members >> index) & 1) === 0) continue;
    Atomics.sub(shared, BEGUN, 1);
    while (Atomics.load(shared, BEGUN) > 0); // begin together
    const before = addon().interruptions();
    const rate = seal(milliseconds);
    rates[index] = addon().interruptions() === before ? rate : -rate;
    Atomics.add(shared, DONE, 1);
    Atomics.notify(shared, DONE);
  }
  context.detach();
}

if (!isMainThread && workerData?.token) await work(workerData);
