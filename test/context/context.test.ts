import { afterEach, describe, expect, test } from "@jest/globals";
import { inspect } from "node:util";
import { Context, FRAME_OVERHEAD, TinyMlsError, type ContextOptions, type ContextSuite } from "tinymls";
import { Secret } from "tinymls/crypto";
import { codeOf, sleep } from "./support.js";

const open: Context[] = [];
function context(options?: ContextOptions): Context {
  const made = new Context(options);
  open.push(made);
  return made;
}
afterEach(() => open.splice(0).forEach((made) => made.close()));

const secret = Buffer.alloc(32, 7);

describe("sealing and opening", () => {
  const suites: ContextSuite[] = ["AES-256-GCM", "AES-128-GCM", "CHACHA20-POLY1305"];
  test.each(suites.flatMap((suite) => (["aes-ctr", "hkdf-sha256"] as const).map((ratchet) => ({ suite, ratchet }))))(
    "a frame opens again: %j",
    (options) => {
      const own = context(options);
      const shared = context({ ...options, secret });
      const peer = context({ ...options, secret: Secret.from(secret) });
      for (const [from, to] of [
        [own, own],
        [shared, peer],
        [peer, shared],
      ] as const) {
        for (const text of ["", "x", "ünïcode", "long ".repeat(1000)]) {
          const frame = from.encrypt(text, { aad: Buffer.from("aad") });
          expect(frame.length).toBe(Buffer.byteLength(text) + FRAME_OVERHEAD);
          expect(to.decrypt(frame, { aad: Buffer.from("aad") }).toString()).toBe(text);
          expect(codeOf(() => to.decrypt(frame))).toBe("undecryptable");
        }
      }
    },
  );

  test("into the caller's memory, in place too, and not a byte beyond", () => {
    const a = context();
    const plaintext = Buffer.from("in place");
    const memory = Buffer.alloc(plaintext.length + FRAME_OVERHEAD + 5, 0xee);
    plaintext.copy(memory, 23);
    const written = a.encryptInto(memory.subarray(23, 23 + plaintext.length), memory);
    expect(written).toBe(plaintext.length + FRAME_OVERHEAD);
    expect(memory.subarray(written)).toEqual(Buffer.alloc(5, 0xee));
    const copy = Buffer.from(memory.subarray(0, written));
    expect(a.decrypt(copy)).toEqual(plaintext);
    expect(a.decryptInto(memory.subarray(0, written), memory.subarray(23))).toBe(plaintext.length);
    expect(memory.subarray(23, 23 + plaintext.length)).toEqual(plaintext);
  });

  test("batches: sync, and mixed off the event loop", async () => {
    const a = context();
    const texts = Array.from({ length: 300 }, (_, i) => Buffer.from(`message ${i}`.repeat(i % 5)));
    const aad = Buffer.from("for all");
    const frames = a.encryptBatch(texts, { aad });
    expect(a.decryptBatch(frames, { aad })).toEqual(texts);
    const damaged = frames.map((frame, i) => (i === 7 ? Buffer.alloc(3) : i === 8 ? flip(frame) : frame));
    const opened = a.decryptBatch(damaged, { aad });
    expect(opened.map((x) => (x instanceof TinyMlsError ? x.code : "ok"))).toEqual(
      texts.map((_, i) => (i === 7 ? "malformed" : i === 8 ? "undecryptable" : "ok")),
    );
    const results = await a.processBatch([
      ...frames.map((data) => ({ op: "decrypt" as const, data, aad })),
      { op: "encrypt", data: "text" },
      { op: "decrypt", data: flip(frames[0]!), aad },
    ]);
    expect(results.slice(0, 300).map((r) => r.ok && r.data)).toEqual(texts);
    const sealed = results[300]!;
    expect(sealed.ok && a.decrypt(sealed.data).toString()).toBe("text");
    expect(results[301]).toMatchObject({ ok: false, error: { code: "undecryptable" } });
    expect(a.encryptBatch([])).toEqual([]);
    expect(await a.processBatch([])).toEqual([]);
  });

  test("each item of a batch may have an aad of its own", () => {
    const a = context();
    const aad = [Buffer.from("one"), undefined];
    const [first, second] = a.encryptBatch([Buffer.from("1"), Buffer.from("2")], { aad });
    expect(a.decrypt(first!, { aad: aad[0] }).toString()).toBe("1");
    expect(a.decrypt(second!).toString()).toBe("2");
  });

  test("async, while the state says so", async () => {
    const a = context();
    const big = Buffer.alloc(3 << 20, 5);
    const sealing = a.encryptAsync(big, { aad: Buffer.from("x") });
    expect(a.state).toBe("processing");
    const frame = await sealing;
    expect(a.state).toBe("ready");
    expect((await a.decryptAsync(frame, { aad: Buffer.from("x") })).equals(big)).toBe(true);
    await expect(a.decryptAsync(frame)).rejects.toMatchObject({ code: "undecryptable" });
  });
});

describe("epochs", () => {
  test("rotating opens the next epoch, and earlier frames still open", () => {
    const a = context();
    const seen: unknown[] = [];
    a.on("rotate", (event) => seen.push(event));
    const frame = a.encrypt("before");
    expect(a.rotateKey()).toBe(1);
    expect(a.rotateKey({ entropy: Buffer.from("dice") })).toBe(2);
    expect(a.epoch).toBe(2);
    expect(a.encrypt("x").readUInt32BE(1)).toBe(2);
    expect(a.decrypt(frame).toString()).toBe("before");
    expect(seen).toEqual([
      { epoch: 1, reason: "requested" },
      { epoch: 2, reason: "requested" },
    ]);
  });

  test("a peer follows", () => {
    const a = context({ secret });
    const b = context({ secret });
    const events: unknown[] = [];
    b.on("rotate", (event) => events.push(event));
    for (let i = 0; i < 3; ++i) a.rotateKey();
    expect(b.decrypt(a.encrypt("x")).toString()).toBe("x");
    expect(b.epoch).toBe(3);
    expect(events).toEqual([{ epoch: 3, reason: "followed" }]);
  });

  test("maxOperations rotates by itself, and says so at once", () => {
    const a = context({ maxOperations: 10, ratchetPeriod: 0 });
    const events: unknown[] = [];
    a.on("rotate", (event) => events.push(event));
    const epochs = Array.from({ length: 25 }, () => a.encrypt("x").readUInt32BE(1));
    expect(epochs).toEqual(Array.from({ length: 25 }, (_, i) => Math.floor(i / 10)));
    expect(events).toEqual([
      { epoch: 1, reason: "limit" },
      { epoch: 2, reason: "limit" },
    ]);
  });

  test("the schedule rotates an idle Context, and expired frames are refused and their epochs dropped", async () => {
    const a = context({ minKeyRotation: 50, maxKeyAge: 80, stateLifetime: 120, ratchetPeriod: 20, gcInterval: 10 });
    const events: string[] = [];
    a.on("rotate", ({ reason }) => events.push(reason));
    a.on("expire", ({ epoch }) => events.push(`expired ${epoch}`));
    const frame = a.encrypt("x");
    expect(a.decrypt(frame).toString()).toBe("x");
    await sleep(400);
    expect(events).toContain("schedule");
    expect(events).toContain("expired 0");
    expect(codeOf(() => a.decrypt(frame))).toBe("expired");
    expect(a.metrics().retainedEpochs).toBeLessThanOrEqual(2);
  });

  test("the entropy source is asked at the start and at each rotation, and its failure stops only what needs it", () => {
    let calls = 0;
    let broken = false;
    const a = context({
      entropySource: () => {
        if (broken) throw new Error("no dice");
        return Buffer.from([++calls]);
      },
      maxOperations: 2,
      ratchetPeriod: 0,
    });
    expect(calls).toBe(1);
    a.rotateKey();
    expect(calls).toBe(2);
    for (let i = 0; i < 3; ++i) a.encrypt("x"); // rotates
    expect(calls).toBe(3);
    broken = true;
    expect(codeOf(() => a.rotateKey())).toBe("config");
    expect(a.epoch).toBe(2);
    expect(a.state).toBe("ready");
    const reported: string[] = [];
    a.on("error", ({ code }) => reported.push(code));
    for (let i = 0; i < 2; ++i) a.encrypt("x"); // rotates all the same
    expect(a.epoch).toBe(3);
    expect(reported).toEqual(["config"]);
  });
});

describe("life", () => {
  test("close wipes, is idempotent and refuses from then on", async () => {
    const a = context();
    let closed = 0;
    a.on("close", () => ++closed);
    const frame = a.encrypt("x");
    const running = a.decryptAsync(frame);
    a.close();
    a.close();
    expect(closed).toBe(1);
    expect(a.state).toBe("closed");
    expect(a.health()).toMatchObject({ status: "closed", state: "closed", operations: expect.any(Number) });
    expect(a.metrics()).toMatchObject({ closed: true, retainedEpochs: 0, retainedNodes: 0, stateBytes: 0 });
    await running.then(
      (text) => expect(text.toString()).toBe("x"),
      (error: TinyMlsError) => expect(error.code).toBe("closed"),
    );
    for (const use of [
      () => a.encrypt("x"),
      () => a.decrypt(frame),
      () => a.encryptInto(Buffer.alloc(1), Buffer.alloc(40)),
      () => a.encryptBatch([Buffer.from("x")]),
      () => a.rotateKey(),
      () => a.share(),
    ])
      expect(codeOf(use)).toBe("closed");
    await expect(a.encryptAsync("x")).rejects.toMatchObject({ code: "closed" });
    expect(a.epoch).toBe(0);
  });

  test("disposing is closing", () => {
    let kept: Context;
    {
      using a = new Context();
      kept = a;
      expect(a.state).toBe("ready");
    }
    expect(kept.state).toBe("closed");
  });

  test("a handler sees the states `rotating` and `error`", () => {
    const states: string[] = [];
    let look = (): unknown => undefined;
    const a = context({
      entropySource: () => {
        look();
        return Buffer.from("x");
      },
    });
    look = () => states.push(a.state);
    a.on("security", () => states.push(a.state));
    a.rotateKey();
    expect(codeOf(() => a.decrypt(Buffer.alloc(60)))).toBe("malformed");
    expect(states).toEqual(["rotating", "error"]);
    expect(a.state).toBe("ready");
    expect(a.health().lastError?.code).toBe("malformed");
  });

  test("it is shown without its keys, and is not JSON", () => {
    const a = context({ name: "orders" });
    expect(inspect(a)).toBe("Context { orders, ready, epoch 0 }");
    expect(codeOf(() => JSON.stringify({ a }))).toBe("usage");
  });

  test("metrics and health count what was done", () => {
    const a = context({ name: "orders" });
    a.decrypt(a.encrypt("1234"));
    expect(codeOf(() => a.decrypt(Buffer.alloc(2)))).toBe("malformed");
    const metrics = a.metrics();
    expect(metrics).toMatchObject({
      name: "orders",
      closed: false,
      epoch: 0,
      rotations: 0,
      retainedEpochs: 1,
      threads: 1,
      sealed: { operations: 1, bytes: 4 },
      opened: { operations: 1, bytes: 4 },
      failures: { malformed: 1, undecryptable: 0 },
    });
    expect(metrics.sealed.latency.counts).toHaveLength(metrics.sealed.latency.boundsNs.length + 1);
    expect(metrics.sealed.latency.count).toBe(1);
    expect(metrics.stateBytes).toBeLessThanOrEqual(1024);
    expect(a.health()).toMatchObject({ state: "ready", operations: 2, epoch: 0 });
  });

  test("log lines name what happened and hold no plaintext", () => {
    const lines: string[] = [];
    const write = (level: string) => (fields: object, message: string) =>
      void lines.push(JSON.stringify({ level, ...fields, message }));
    const logger = { debug: write("debug"), info: write("info"), warn: write("warn"), error: write("error") };
    const a = context({ name: "orders", logger });
    const frame = flip(a.encrypt("plaintext to hide"));
    for (let i = 0; i < 5; ++i) expect(codeOf(() => a.decrypt(frame))).toBe("undecryptable");
    a.rotateKey();
    a.close();
    expect(lines.map((line) => (JSON.parse(line) as { event: string }).event)).toEqual(["security", "rotate", "close"]);
    expect(lines.join()).not.toContain("hide");
  });
});

function flip(frame: Uint8Array): Buffer {
  const copy = Buffer.from(frame);
  copy[copy.length - 1]! ^= 1;
  return copy;
}
