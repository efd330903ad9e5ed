import { afterEach, describe, expect, test } from "@jest/globals";
import { Context, MemoryStorage, TinyMlsError, Vault, type FleetOptions, type RotateEvent } from "tinymls";
import { liveHandles, Secret } from "tinymls/crypto";
import { contents, faultOf, until } from "../storage/conformance.js";
import { Reachable } from "./cut-off.js";

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const key = { key: Buffer.alloc(32, 7) };
const head = "context/web/head";
const epochKey = (epoch: number) => `context/web/epoch/${String(epoch).padStart(10, "0")}`;

const open: Context[] = [];
afterEach(() => {
  for (const context of open.splice(0)) context.close();
});

/** A machine of the fleet `web`. The lead before a new epoch seals is an eighth of `maxKeyAge`, 2 s at most. */
async function machine(options: Partial<FleetOptions> & Pick<FleetOptions, "storage">): Promise<Context> {
  const vaulted = options.storage instanceof Vault || "storageKey" in options;
  const context = await Context.open({
    name: "web",
    gcInterval: 20,
    ...(vaulted ? {} : { storageKey: key }),
    ...options,
  });
  open.push(context);
  return context;
}

function refused(call: () => unknown) {
  try {
    call();
  } catch (error) {
    if (error instanceof TinyMlsError) return { code: error.code, retryable: error.retryable, rule: error.rule };
    throw error;
  }
  throw new Error("it was not refused");
}

const says = (from: Context, to: Context, text = "text") => to.decrypt(from.encrypt(text)).toString();

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
    const context = new Context();
    open.push(context);
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

describe("cut off", () => {
  const times = { minKeyRotation: 300, maxKeyAge: 1200, stateLifetime: 60_000, clockTolerance: 0 };

  test("a machine goes on to the end of its epoch, degraded, then refuses; it catches up", async () => {
    const storage = new MemoryStorage();
    const reach = new Reachable(storage);
    const [a, b] = [await machine({ storage: reach, ...times }), await machine({ storage, ...times })];
    const errors: TinyMlsError[] = [];
    a.on("error", (error) => errors.push(error));
    reach.cutOff = true;
    await until(() => a.health().status === "degraded");
    expect(says(a, b)).toBe("text");
    expect(await faultOf(a.rotate())).toMatchObject({ code: "storage", retryable: true });
    await until(() => b.epoch >= 1);
    const late = a.encrypt("late");
    expect(b.decrypt(late).toString()).toBe("late");
    // What it did not hear of yet can come later.
    const news = b.encrypt("news");
    expect(refused(() => a.decrypt(news))).toEqual({ code: "missing", retryable: true, rule: undefined });
    let fault: unknown;
    await until(() => {
      try {
        a.encrypt("x");
        return false;
      } catch (error) {
        fault = error;
        return true;
      }
    });
    expect(fault).toMatchObject({ code: "expired" });
    expect(a.decrypt(late).toString()).toBe("late");
    expect(a.health().status).toBe("degraded");
    expect(errors.map(({ code }) => code)).toEqual(["storage"]); // told once, not at each try
    reach.cutOff = false;
    await until(() => a.health().status === "ok");
    await until(() => a.epoch >= 1);
    expect(says(a, b)).toBe("text");
    expect(says(b, a)).toBe("text");
    expect(a.decrypt(news).toString()).toBe("news");
  }, 20_000);

  test("a frame of an unknown epoch makes the machine look at once", async () => {
    const storage = new MemoryStorage();
    const reach = new Reachable(storage);
    const quiet = { maxKeyAge: 3_600_000, gcInterval: 3_600_000 };
    const [a, b] = [await machine({ storage: reach, ...quiet }), await machine({ storage, ...quiet })];
    reach.cutOff = true; // the watch hears nothing
    await b.rotate();
    await until(() => b.encrypt("").readUInt32BE(1) === 1, 10_000);
    reach.cutOff = false;
    const frame = b.encrypt("text");
    expect(refused(() => a.decrypt(frame)).code).toBe("missing");
    let text = "";
    await until(() => {
      try {
        text = a.decrypt(frame).toString();
        return true;
      } catch {
        return false;
      }
    });
    expect(text).toBe("text");
  }, 20_000);

  test("a rotation that fails changes nothing; one whose acknowledgement is lost is followed", async () => {
    const storage = new MemoryStorage();
    const reach = new Reachable(storage);
    const slow = { maxKeyAge: 4000, minKeyRotation: 4000 };
    const [a, b] = [await machine({ storage: reach, ...slow }), await machine({ storage, ...slow })];
    const before = await contents(storage);
    const handles = liveHandles();
    reach.writes = "before";
    expect(await faultOf(a.rotate())).toMatchObject({ code: "storage" });
    expect(await contents(storage)).toEqual(before);
    expect(liveHandles()).toBeLessThanOrEqual(handles);
    reach.writes = "after";
    expect(await faultOf(a.rotate())).toMatchObject({ code: "storage" });
    reach.writes = "pass";
    await until(() => a.epoch === 1 && b.epoch === 1);
    expect(says(a, b)).toBe("text");
    expect(await a.rotate()).toBe(2);
  }, 20_000);

  test("opening without a storage fails, and leaves nothing behind", async () => {
    const reach = new Reachable(new MemoryStorage());
    const handles = liveHandles();
    reach.cutOff = true;
    expect(await faultOf(machine({ storage: reach }))).toMatchObject({ code: "storage", retryable: true });
    reach.cutOff = false;
    reach.writes = "before";
    expect(await faultOf(machine({ storage: reach }))).toMatchObject({ code: "storage" });
    expect(liveHandles()).toBeLessThanOrEqual(handles);
  });

  test("closing ends it, also while the storage is busy", async () => {
    const storage = new MemoryStorage();
    const context = await machine({ storage });
    const handles = liveHandles();
    const rotating = context.rotate().catch(() => undefined);
    context.close();
    await rotating;
    expect(liveHandles()).toBeLessThan(handles);
    expect(refused(() => context.encrypt("x")).code).toBe("closed");
    await expect(context.rotate()).rejects.toMatchObject({ code: "closed" });
    const records = await contents(storage);
    await sleep(100);
    expect(await contents(storage)).toEqual(records);
  });
});

describe("what is stored", () => {
  const quiet = { maxKeyAge: 4000 };

  test("a missing, swapped, rolled back or changed record is refused by name, nothing else is touched", async () => {
    const storage = new MemoryStorage();
    const a = await machine({ storage, ...quiet });
    const oldHead = (await storage.get(head))!.value;
    await a.rotate();
    a.close();
    const { records } = await storage.list("");
    const value = (name: string) => records.find((record) => record.key === name)!.value;
    const flipped = (octets: Buffer) =>
      Buffer.from(octets.map((octet, i) => (i === octets.length - 3 ? octet ^ 1 : octet)));
    const cases: [string, Buffer | undefined, string, string][] = [
      [head, undefined, "missing", head],
      [head, oldHead, "invalid", head],
      [head, flipped(value(head)), "undecryptable", head],
      [head, value(epochKey(1)), "undecryptable", head],
      [epochKey(1), undefined, "missing", epochKey(1)],
      [epochKey(1), flipped(value(epochKey(1))), "undecryptable", epochKey(1)],
      [epochKey(1), value(epochKey(0)), "undecryptable", epochKey(1)],
      [epochKey(0), Buffer.alloc(10), "malformed", epochKey(0)],
    ];
    for (const [name, changed, code, path] of cases) {
      await storage.write([changed ? { put: name, value: changed } : { delete: name }]);
      const before = await contents(storage);
      const handles = liveHandles();
      expect(await faultOf(machine({ storage, ...quiet }))).toMatchObject({ code, path });
      expect(liveHandles()).toBeLessThanOrEqual(handles);
      expect(await contents(storage)).toEqual(before);
      await storage.write([{ put: name, value: value(name) }]);
    }
    expect(says(await machine({ storage, ...quiet }), await machine({ storage, ...quiet }))).toBe("text");
  });

  test("a head that is rolled back under a running machine is told, and not followed", async () => {
    const storage = new MemoryStorage();
    const a = await machine({ storage, ...quiet });
    const old = (await storage.get(head))!.value;
    await a.rotate();
    await until(() => a.epoch === 1);
    const told: TinyMlsError[] = [];
    a.on("error", (error) => told.push(error));
    await storage.write([{ put: head, value: old }]);
    await until(() => told.length > 0);
    expect(told[0]).toMatchObject({ code: "invalid", path: head });
    expect(a.health().status).toBe("degraded");
    expect(a.epoch).toBe(1);
    expect(says(a, a)).toBe("text");
    expect(await faultOf(a.rotate())).toMatchObject({ code: "invalid", path: head });
  });

  test("the wrong storage key", async () => {
    const storage = new MemoryStorage();
    (await machine({ storage })).close();
    const before = await contents(storage);
    const wrong = { storageKey: { key: Buffer.alloc(32, 1) } };
    expect(await faultOf(machine({ storage, ...wrong }))).toMatchObject({ code: "undecryptable", path: "vault/keys" });
    expect(await contents(storage)).toEqual(before);
  });

  test("a change of the storage key does not disturb machines that run", async () => {
    const storage = new MemoryStorage();
    const [a, b] = [await machine({ storage, ...quiet }), await machine({ storage, ...quiet })];
    using vault = await Vault.open(storage, key);
    await vault.changeStorageKey({ key: Buffer.alloc(32, 9) });
    await a.rotate();
    await until(() => a.epoch === 1 && b.epoch === 1);
    expect(says(a, b)).toBe("text");
    const c = await machine({ storage, ...quiet, storageKey: { key: Buffer.alloc(32, 9) } });
    expect(says(c, a)).toBe("text");
  });

  test("a vault that is open already serves many; a MemoryStorage needs none", async () => {
    const storage = new MemoryStorage();
    const vault = await Vault.open(storage, key);
    const [a, b] = [await machine({ storage: vault }), await machine({ storage: vault })];
    expect(says(a, b)).toBe("text");
    a.close();
    expect(says(b, b)).toBe("text");
    using sealed = vault.open("x", 0, vault.seal("x", 0, [Buffer.from("still open")]));
    expect(sealed.byteLength).toBe(10);
    b.close();
    vault.close();
    const keyless = new MemoryStorage();
    const [c, d] = [
      await Context.open({ storage: keyless, name: "web" }),
      await Context.open({ storage: keyless, name: "web" }),
    ];
    expect(says(c, d)).toBe("text");
    c.close();
    d.close();
  });

  const others: [string, Partial<FleetOptions>][] = [
    ["suite", { suite: "AES-128-GCM" }],
    ["ratchet", { ratchet: "hkdf-sha256" }],
    ["ratchetPeriod", { ratchetPeriod: 50 }],
    ["stateLifetime", { stateLifetime: 1000 }],
    ["maxKeyAge", { maxKeyAge: 1000 }],
  ];
  test.each(others)("another %s than the fleet's is refused, untouched", async (name, options) => {
    const storage = new MemoryStorage();
    const a = await machine({ storage, ratchetPeriod: 100 });
    const before = await contents(storage);
    const mistaken = machine({ storage, ratchetPeriod: 100, ...options });
    expect(await faultOf(mistaken)).toMatchObject({ code: "config", path: head });
    await expect(machine({ storage, ratchetPeriod: 100, ...options })).rejects.toThrow(name);
    expect(await contents(storage)).toEqual(before);
    expect(says(a, a)).toBe("text");
  });

  const nonsense: [string, unknown][] = [
    ["no options", undefined],
    ["no name", { name: undefined }],
    ["a name with a slash", { name: "a/b" }],
    ["a long name", { name: "n".repeat(65) }],
    ["no storage", { storage: undefined }],
    ["a secret", { secret: Buffer.alloc(32) }],
    ["a tolerance of days", { clockTolerance: 86_400_000 }],
    ["no clock", { now: 7 }],
    ["a wrong suite", { suite: "DES" }],
    ["times that do not fit", { minKeyRotation: 10, maxKeyAge: 5 }],
    ["no gcInterval", { gcInterval: 0 }],
    ["a wrong replay window", { replayWindow: -1 }],
  ];
  test.each(nonsense)("%s: usage", async (_, options) => {
    const storage = new MemoryStorage();
    const handles = liveHandles();
    const whole = options && { storage, name: "web", storageKey: key, ...(options as object) };
    expect(await faultOf(Context.open(whole as FleetOptions))).toMatchObject({ code: "usage" });
    expect((await contents(storage)).records).toEqual([]);
    expect(liveHandles()).toBeLessThanOrEqual(handles);
  });

  test("a vault and a storage key", async () => {
    using vault = await Vault.open(new MemoryStorage(), key);
    using secret = Secret.random(32);
    const both = { storage: vault, name: "web", storageKey: { key: secret } };
    expect(await faultOf(Context.open(both))).toMatchObject({ code: "usage" });
  });
});
