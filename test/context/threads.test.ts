import { expect, test } from "@jest/globals";
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { Context } from "tinymls";
import { heldHandles } from "../held-handles.js";
import { codeOf, sleep } from "./support.js";
import type { Task } from "./thread.js";

const thread = (workerData: Task) => new Worker(new URL("./thread.js", import.meta.url), { workerData });

async function answer<T>(worker: Worker): Promise<T> {
  const [message] = (await Promise.race([
    once(worker, "message"),
    once(worker, "error").then(([error]) => Promise.reject(error as Error)),
  ])) as [T];
  return message;
}

test("four threads seal ten million frames through one Context, and no key and nonce meet twice", async () => {
  const threads = 4;
  const frames = 10_000_000 / threads;
  const context = new Context({ replayWindow: 0 });
  const used = new SharedArrayBuffer((16 << 20) / 8);
  const workers = Array.from({ length: threads }, () =>
    thread({ task: "count", token: context.share(), frames, used }),
  );
  const exits = workers.map((worker) => once(worker, "exit"));
  const results = await Promise.all(
    workers.map((worker) => answer<{ repeated: number; wrong: number; sample: Buffer }>(worker)),
  );
  await Promise.all(exits);
  for (const { repeated, wrong, sample } of results) {
    expect({ repeated, wrong }).toEqual({ repeated: 0, wrong: 0 });
    expect(context.decrypt(sample).toString()).toMatch(/^sixty-four/);
  }
  let distinct = 0;
  for (let word of new Int32Array(used)) for (; word !== 0; word &= word - 1) ++distinct;
  expect(distinct).toBe(10_000_000);
  expect(context.metrics()).toMatchObject({ threads: 1, sealed: { operations: 10_000_000 }, epoch: 0 });
  context.close();
}, 120_000);

test("a worker that is terminated in the middle of calls leaves the process sound", async () => {
  const context = new Context({ ratchetPeriod: 1, gcInterval: 10 });
  const before = heldHandles();
  const frame = context.encrypt("x");
  for (let round = 0; round < 12; ++round) {
    const workers = [0, 1].map(() => thread({ task: "work", token: context.share() }));
    await Promise.all(workers.map((worker) => once(worker, "message")));
    expect(context.metrics().threads).toBeGreaterThan(1);
    await sleep(5 + 3 * round);
    if (round % 3 === 0) context.rotateKey();
    await Promise.all(workers.map((worker) => worker.terminate()));
    expect(context.decrypt(frame).toString()).toBe("x");
    expect(context.decrypt(await context.encryptAsync("y")).toString()).toBe("y");
  }
  expect(context.metrics()).toMatchObject({ threads: 1, epoch: 4 });
  expect(heldHandles()).toBe(before);
  context.close();
}, 60_000);

test("keys, epochs and events are shared", async () => {
  const context = new Context({ gcInterval: 10 });
  const rotations: unknown[] = [];
  context.on("rotate", (event) => rotations.push(event));
  const worker = thread({ task: "open", token: context.share(), frame: context.encrypt("to the thread") });
  const ended = once(worker, "exit");
  const result = await answer<{ opened: string; epoch: number; rotations: number[]; reply: Uint8Array }>(worker);
  expect(result).toMatchObject({ opened: "to the thread", epoch: 1, rotations: [1] });
  expect(context.epoch).toBe(1);
  expect(context.decrypt(result.reply).toString()).toBe("from the thread");
  await ended;
  await sleep(50);
  expect(rotations).toEqual([{ epoch: 1, reason: "requested" }]);
  context.close();
});

test("closing in one thread closes for all; detaching does not", async () => {
  const context = new Context({ gcInterval: 10 });
  const other = Context.attach(structuredClone(context.share()));
  other.detach();
  expect(codeOf(() => other.encrypt("x"))).toBe("closed");
  expect(context.decrypt(context.encrypt("x")).toString()).toBe("x");

  const closed = once(context, "close");
  expect(await answer(thread({ task: "close", token: context.share() }))).toBe("closed");
  expect(context.state).toBe("closed");
  expect(codeOf(() => context.encrypt("x"))).toBe("closed");
  await closed;
  expect(context.health().status).toBe("closed");
});

test("a token that is forged, or whose Context is closed, opens nothing", () => {
  const context = new Context();
  const token = context.share();
  for (let octet = 0; octet < token.value.length; ++octet) {
    const value = Uint8Array.from(token.value);
    value[octet]! ^= 1;
    expect(codeOf(() => Context.attach({ ...token, value }))).toBe("closed");
  }
  expect(codeOf(() => Context.attach({ ...token, value: token.value.subarray(1) }))).toBe("usage");
  context.close();
  expect(codeOf(() => Context.attach(token))).toBe("closed");
});
