// A process of its own for environments.test.ts: a crash of it is an exit code there. Prints what it saw as JSON.
import { once } from "node:events";
import { Worker } from "node:worker_threads";

const script = new URL("./worker.js", import.meta.url);
const start = (task: string) => new Worker(script, { workerData: { task }, stderr: true });
const exitOf = (worker: Worker) => new Promise<number>((done) => worker.once("exit", done));
const wait = (ms: number) => new Promise((done) => setTimeout(done, ms));

// Twenty at once, none of which the main thread shares the addon with.
async function twenty(): Promise<unknown> {
  const workers = Array.from({ length: 20 }, () => start("work"));
  const handles = await Promise.all(workers.map(async (worker) => ((await once(worker, "message")) as [number])[0]));
  // Ended in another order than started.
  const order = workers.map((worker, i) => ({ worker, at: (i * 7) % 20 })).sort((a, b) => a.at - b.at);
  for (const { worker } of order) await worker.terminate();
  return { workers: handles.length, live: handles.every((count) => count > 0) };
}

// Loaded, unloaded to the last, and loaded again.
async function again(): Promise<unknown> {
  const codes: number[] = [];
  for (let i = 0; i < 3; i++) codes.push(await exitOf(start("work")));
  return codes;
}

// In the middle of a call, or with work on the thread pool.
async function terminated(task: string): Promise<unknown> {
  let ended = 0;
  for (let round = 0; round < 3; round++) {
    const workers = Array.from({ length: 4 }, () => start(task));
    await Promise.all(workers.map((worker) => once(worker, "message")));
    await wait(round * 5);
    for (const worker of workers) await worker.terminate().then(() => ended++);
  }
  return ended;
}

async function ended(task: string): Promise<unknown> {
  const workers = Array.from({ length: 4 }, () => start(task));
  let errors = 0;
  for (const worker of workers) worker.on("error", () => errors++);
  return { codes: await Promise.all(workers.map(exitOf)), errors };
}

// A handle that is live in one thread, tried in another.
async function foreign(): Promise<unknown> {
  const { addon } = await import("#dist/native/addon.js");
  const native = addon<{ secretLength(handle: number): number; release(handle: number): number }>();
  const worker = start("handle");
  const [handle] = (await once(worker, "message")) as [number];
  const { Secret } = await import("tinymls/crypto");
  const own = Array.from({ length: 10 }, () => Secret.random(8));
  const answers = [native.secretLength(handle), native.release(handle)];
  worker.postMessage("done");
  await once(worker, "exit");
  return { answers, own: own.every((secret) => secret.byteLength === 8) };
}

// The process ends while the pool still works.
async function exitNow(): Promise<unknown> {
  const { argon2id, Secret } = await import("tinymls/crypto");
  Secret.random(32);
  for (let i = 0; i < 4; i++) void argon2id("password", { salt: Buffer.alloc(16), memoryKiB: 4096, passes: 2 });
  start("forever");
  await wait(30);
  console.log(JSON.stringify("exits"));
  process.exit(0);
}

const tasks: Record<string, () => Promise<unknown>> = {
  twenty,
  again,
  foreign,
  exitNow,
  terminatedInCall: () => terminated("forever"),
  terminatedPending: () => terminated("pending"),
  exit: () => ended("exit"),
  throw: () => ended("throw"),
};
console.log(JSON.stringify(await tasks[process.argv[2]!]!()));
