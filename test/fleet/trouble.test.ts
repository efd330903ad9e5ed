import { describe, expect, test } from "@jest/globals";
import { Context, MemoryStorage, type TinyMlsError, Vault, type FleetOptions } from "tinymls";
import { liveHandles, Secret } from "tinymls/crypto";
import { contents, faultOf, until } from "../storage/observe.js";
import { Reachable } from "./cut-off.js";
import { epochKey, head, key, machine, refused, says, sleep } from "./world.js";

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

  test("what another machine begins while this one opens is heard", async () => {
    const storage = new MemoryStorage();
    const quiet = { maxKeyAge: 3_600_000, gcInterval: 3_600_000 };
    const a = await machine({ storage, ...quiet });
    const slow = new Reachable(storage);
    const list = slow.list.bind(slow);
    slow.list = async (prefix, options) => {
      const page = await list(prefix, options);
      if (!prefix.startsWith("context/")) return page;
      await a.rotate();
      await sleep(50);
      return page;
    };
    const b = await machine({ storage: slow, ...quiet });
    await sleep(50);
    expect(b.health().status).toBe("ok");
    await until(() => a.encrypt("").readUInt32BE(1) === 1, 10_000);
    expect(says(a, b)).toBe("text");
  }, 20_000);

  test("a clock may tell parts of milliseconds", async () => {
    const storage = new MemoryStorage();
    const now = () => performance.timeOrigin + performance.now() + 0.5;
    const [a, b] = [await machine({ storage, now }), await machine({ storage, now })];
    expect(says(a, b)).toBe("text");
    expect(await a.rotate()).toBe(1);
    expect(await b.rotate()).toBe(2);
    expect(a.health().status).toBe("ok");
  });

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
    const before = await contents(storage);
    const rotating = faultOf(context.rotate());
    context.close();
    expect(await rotating).toMatchObject({ code: "closed" });
    expect(await contents(storage)).toEqual(before);
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
    ["a storage that is none", { storage: { get: () => undefined } }],
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
