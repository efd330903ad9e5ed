import { describe, expect, test } from "@jest/globals";
import { Context, MemoryStorage, Vault, type RotateEvent } from "tinymls";
import { until } from "../storage/observe.js";
import { epochKey, key, machine, refused, says, sleep } from "./world.js";

describe("sharing", () => {
  test("what one machine seals opens on every other", async () => {
    const storage = new MemoryStorage();
    const machines = await Promise.all([1, 2, 3].map(() => machine({ storage })));
    for (const from of machines) for (const to of machines) expect(says(from, to)).toBe("text");
    expect(machines.map(({ epoch }) => epoch)).toEqual([0, 0, 0]);
    expect(machines[0]!.name).toBe("web");
  });

  test("a rotation reaches all before it seals; old frames stay open", async () => {
    const storage = new MemoryStorage();
    const [a, b] = [await machine({ storage, maxKeyAge: 4000 }), await machine({ storage, maxKeyAge: 4000 })];
    const heard: RotateEvent[][] = [[], []];
    a.on("rotate", (event) => heard[0]!.push(event));
    b.on("rotate", (event) => heard[1]!.push(event));
    const old = a.encrypt("old");
    expect(await a.rotate()).toBe(1);
    expect([a.epoch, b.epoch]).toEqual([0, 0]);
    expect(says(a, b)).toBe("text");
    await until(() => a.epoch === 1 && b.epoch === 1);
    expect(says(a, b)).toBe("text");
    expect(says(b, a)).toBe("text");
    expect(b.decrypt(old).toString()).toBe("old");
    await until(() => heard.flat().length === 2);
    expect(heard).toEqual([[{ epoch: 1, reason: "requested" }], [{ epoch: 1, reason: "followed" }]]);
  });

  test("of machines that rotate at once one wins, and all follow it", async () => {
    const storage = new MemoryStorage();
    const machines = await Promise.all(
      Array.from({ length: 5 }, () => machine({ storage, maxKeyAge: 800, minKeyRotation: 800 })),
    );
    for (let round = 1; round <= 3; round++) {
      expect(new Set(await Promise.all(machines.map((m) => m.rotate())))).toEqual(new Set([round]));
      await until(() => machines.every(({ epoch }) => epoch === round));
      for (const from of machines) for (const to of machines) expect(says(from, to)).toBe("text");
    }
  });

  test("the schedule rotates without being asked, one machine each time", async () => {
    const storage = new MemoryStorage();
    const times = { minKeyRotation: 100, maxKeyAge: 400, stateLifetime: 60_000 };
    const machines = await Promise.all([1, 2, 3].map(() => machine({ storage, ...times })));
    const began: number[] = [];
    for (const context of machines) {
      context.on("rotate", ({ epoch, reason }) => {
        if (reason === "schedule") began.push(epoch);
      });
    }
    await until(() => machines.every(({ epoch }) => epoch >= 4), 20_000);
    expect(began.slice(0, 4).sort()).toEqual([1, 2, 3, 4]);
    expect(says(machines[0]!, machines[2]!)).toBe("text");
  }, 30_000);

  test("each epoch has a secret of its own; the entropy source and the caller add to it", async () => {
    const storage = new MemoryStorage();
    let drawn = 0;
    const context = await machine({ storage, entropySource: () => Buffer.alloc(8, ++drawn) });
    await context.rotate({ entropy: Buffer.from("dice") });
    await context.rotate();
    expect(drawn).toBe(3);
    const values = (await storage.list("context/web/epoch/")).records.map(({ value }) => value);
    expect(values).toHaveLength(3);
    using vault = await Vault.open(storage, key);
    const secrets = values.map((value, epoch) => {
      using record = vault.open(epochKey(epoch), epoch, value);
      return record.slice(8);
    });
    for (const [i, secret] of secrets.entries()) {
      expect(secret.byteLength).toBe(32);
      expect(secrets.filter((other) => other.equals(secret))).toEqual([secret]);
      // Nothing of it stands in the clear.
      expect(values[i]!.length).toBe(40 + 41);
    }
    for (const secret of secrets) secret.dispose();
  });

  test("another thread's share works on, and rotates through the machine alone", async () => {
    const storage = new MemoryStorage();
    const [a, b] = [await machine({ storage }), await machine({ storage })];
    const attached = Context.attach(a.share());
    expect(says(attached, b)).toBe("text");
    expect(refused(() => attached.rotateKey()).code).toBe("usage");
    expect(refused(() => a.rotateKey()).code).toBe("usage");
    expect(a.epoch).toBe(0);
    attached.detach();
  });

  test("two fleets in one storage have nothing in common", async () => {
    const storage = new MemoryStorage();
    const [a, b] = [await machine({ storage }), await machine({ storage, name: "api" })];
    expect(refused(() => says(a, b)).code).toBe("undecryptable");
    await b.rotate();
    expect((await storage.list("context/web/")).records).toHaveLength(2);
  });

  test("batches, streams and async operations work as with any Context", async () => {
    const storage = new MemoryStorage();
    const [a, b] = [await machine({ storage }), await machine({ storage })];
    expect(b.decryptBatch(a.encryptBatch([Buffer.from("1"), Buffer.from("2")])).map(String)).toEqual(["1", "2"]);
    expect((await b.decryptAsync(await a.encryptAsync("x"))).toString()).toBe("x");
    const sealing = a.createEncryptStream();
    const opening = b.createDecryptStream();
    sealing.pipe(opening);
    sealing.end("stream");
    const chunks: Buffer[] = [];
    for await (const chunk of opening) chunks.push(chunk as Buffer);
    expect(Buffer.concat(chunks).toString()).toBe("stream");
    expect(a.health()).toMatchObject({ status: "ok", epoch: 0 });
  });

  test("rotate() of a Context that is no fleet is rotateKey()", async () => {
    using context = new Context();
    expect(await context.rotate({ entropy: Buffer.from("dice") })).toBe(1);
    context.close();
    await expect(context.rotate()).rejects.toMatchObject({ code: "closed" });
  });
});

describe("restart", () => {
  test("a machine that starts later opens what is still open, and seals under the newest epoch", async () => {
    const storage = new MemoryStorage();
    const times = { maxKeyAge: 2000, stateLifetime: 60_000, clockTolerance: 0 };
    const a = await machine({ storage, ...times });
    const frames = [a.encrypt("0")];
    for (let epoch = 1; epoch < 4; epoch++) {
      await a.rotate();
      await until(() => a.epoch === epoch);
      frames.push(a.encrypt(String(epoch)));
    }
    a.close();
    await sleep(300);
    const b = await machine({ storage, ...times });
    expect(b.epoch).toBe(3);
    expect(frames.map((frame) => b.decrypt(frame).toString())).toEqual(["0", "1", "2", "3"]);
    expect(says(b, b)).toBe("text");
  });

  test("a fleet that slept longer than an epoch may seal begins the next one at once", async () => {
    const storage = new MemoryStorage();
    const times = { maxKeyAge: 200, minKeyRotation: 200, stateLifetime: 60_000, clockTolerance: 0 };
    const a = await machine({ storage, ...times });
    const frame = a.encrypt("before");
    a.close();
    await sleep(400);
    const b = await machine({ storage, ...times });
    expect(says(b, b)).toBe("text");
    expect(b.epoch).toBeGreaterThanOrEqual(1);
    expect(b.decrypt(frame).toString()).toBe("before");
  });

  test("the sender of a machine that starts again is another one: no nonce comes twice", async () => {
    const storage = new MemoryStorage();
    const senders = new Set<string>();
    for (let start = 0; start < 5; start++) {
      const context = await machine({ storage });
      senders.add(context.encrypt("").toString("hex", 9, 17));
      context.close();
    }
    expect(senders.size).toBe(5);
  });
});

describe("lifetimes", () => {
  test("a frame opens everywhere within stateLifetime, afterwards on none; then its epoch is erased from the storage too", async () => {
    const storage = new MemoryStorage();
    const times = { minKeyRotation: 200, maxKeyAge: 400, stateLifetime: 1500, ratchetPeriod: 20, clockTolerance: 0 };
    const [a, b] = [await machine({ storage, ...times }), await machine({ storage, ...times })];
    const frame = a.encrypt("text");
    const sealedAt = performance.now();
    let last = sealedAt;
    while (performance.now() - sealedAt < 1200) {
      expect(b.decrypt(frame).toString()).toBe("text");
      last = performance.now();
      await sleep(20);
    }
    expect(last - sealedAt).toBeGreaterThan(1000);
    await sleep(sealedAt + 1600 - performance.now());
    for (const context of [a, b]) expect(refused(() => context.decrypt(frame)).code).toBe("expired");
    const restarted = await machine({ storage, ...times });
    expect(refused(() => restarted.decrypt(frame)).code).toBe("expired");
    await until(() => a.metrics().expiredEpochs > 0 && b.metrics().expiredEpochs > 0);
    let stored: string[] = [];
    for (let tries = 0; tries < 200 && (tries === 0 || stored.includes(epochKey(0))); tries++) {
      await sleep(20);
      stored = (await storage.list("context/web/epoch/")).records.map((record) => record.key);
    }
    expect(stored).not.toContain(epochKey(0));
    expect(stored.length).toBeGreaterThan(0);
    expect(says(a, restarted)).toBe("text");
  }, 20_000);

  test.each([-180_000, 180_000])(
    "a clock that is %d ms off changes nothing",
    async (skew) => {
      const storage = new MemoryStorage();
      const times = { minKeyRotation: 300, maxKeyAge: 600, stateLifetime: 30_000 };
      const a = await machine({ storage, ...times });
      const early = a.encrypt("early");
      const b = await machine({ storage, ...times, now: () => Date.now() + skew });
      expect(b.decrypt(early).toString()).toBe("early");
      for (const [from, to] of [
        [a, b],
        [b, a],
      ] as const) {
        // prettier-ignore
        const before = from.epoch;
        await from.rotate();
        await until(() => from.epoch > before && to.epoch >= from.epoch);
        expect(says(a, b)).toBe("text");
        expect(says(b, a)).toBe("text");
        expect(to.decrypt(early).toString()).toBe("early");
      }
      // One that starts with that clock finds all epochs, and erases none that others need.
      b.close();
      const c = await machine({ storage, ...times, now: () => Date.now() + skew });
      expect(c.decrypt(early).toString()).toBe("early");
      expect(says(c, a)).toBe("text");
      expect(says(a, c)).toBe("text");
      expect((await storage.list("context/web/epoch/")).records[0]!.key).toBe(epochKey(0));
    },
    20_000,
  );
});
