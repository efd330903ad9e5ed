import { afterAll, describe, expect, test } from "@jest/globals";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MemoryStorage, TinyMlsError, Vault, type Storage, type StorageKeySource } from "tinymls";
import { Secret } from "tinymls/crypto";
import { SqliteStorage } from "tinymls/storage/sqlite";
import { heldHandles } from "../held-handles.js";
import { contents, faultOf } from "./observe.js";
import { bytes, key, otherKey, textOf } from "./vault-world.js";

const folder = mkdtempSync(join(tmpdir(), "tinymls-vault-"));
afterAll(() => rmSync(folder, { recursive: true }));

describe("storage keys", () => {
  const keyFile = join(folder, "storage.key");
  const lockedKeyFile = join(folder, "locked.key");
  writeFileSync(join(folder, "passphrase"), "open sesame\n");
  const main = join(import.meta.dirname, "../../../dist/cli/main.js");
  execFileSync(process.execPath, ["--no-warnings", main, "keygen", keyFile]);
  const withPassphrase = ["--passphrase-file", join(folder, "passphrase")];
  execFileSync(process.execPath, ["--no-warnings", main, "keygen", lockedKeyFile, ...withPassphrase]);
  const master = Buffer.alloc(32, 0x5a);
  const mask = (octets: Uint8Array) => Uint8Array.from(octets, (octet, i) => octet ^ master[i % 32]!);
  const kms = {
    wrap: (octets: Uint8Array) => Promise.resolve(mask(octets)),
    unwrap: (octets: Uint8Array) => Promise.resolve(mask(octets)),
  };

  const sources: [string, () => StorageKeySource, () => StorageKeySource][] = [
    ["a passphrase", () => ({ passphrase: "correct" }), () => ({ passphrase: "wrong" })],
    ["a passphrase in bytes", () => ({ passphrase: bytes("correct") }), () => ({ passphrase: bytes("correc") })],
    ["a key", () => key, () => otherKey],
    ["a secret key", () => ({ key: Secret.from(key.key) }), () => ({ key: Secret.random(32) })],
    ["a key file", () => ({ keyFile }), () => ({ key: Buffer.alloc(32) })],
    ["a locked key file", () => ({ keyFile: lockedKeyFile, passphrase: "open sesame" }), () => ({ keyFile })],
    ["a KMS", () => ({ kms }), () => ({ kms: { ...kms, unwrap: () => Promise.resolve(Buffer.alloc(32)) } })],
  ];
  test.each(sources)(
    "%s opens what it made; a wrong one is refused, and nothing changes",
    async (_, right, wrong) => {
      const storage = new MemoryStorage();
      const first = await Vault.open(storage, right());
      const sealed = first.seal("a", 0, [bytes("text")]);
      first.close();
      const before = await contents(storage);
      const mistaken = wrong();
      const handles = heldHandles();
      expect(await faultOf(Vault.open(storage, mistaken))).toEqual({
        code: "undecryptable",
        path: "vault/keys",
        retryable: false,
        component: "storage",
      });
      expect(heldHandles()).toBe(handles);
      expect(await contents(storage)).toEqual(before);
      using second = await Vault.open(storage, right());
      expect(textOf(second.open("a", 0, sealed))).toBe("text");
      expect(await contents(storage)).toEqual(before);
    },
    30_000,
  );

  test("Argon2id takes 64 MiB and 3 passes, and says so in the record", async () => {
    const storage = new MemoryStorage();
    (await Vault.open(storage, { passphrase: "correct" })).close();
    const { value } = (await storage.get("vault/keys"))!;
    expect([value.readUInt16BE(0), value[18], value.readUInt32BE(19), value.readUInt16BE(23)]).toEqual([
      1, 1, 65536, 3,
    ]);
    // Costs that would take all memory are not tried.
    value.writeUInt32BE(2 ** 22, 19);
    await storage.write([{ put: "vault/keys", value }]);
    expect(await faultOf(Vault.open(storage, { passphrase: "correct" }))).toMatchObject({
      code: "malformed",
      path: "vault/keys",
    });
  }, 30_000);

  test("any change of the stored keys is refused by name, and nothing is touched", async () => {
    const storage = new MemoryStorage();
    (await Vault.open(storage, key)).close();
    const keys = (await storage.get("vault/keys"))!.value;
    const id = (await storage.get("vault/id"))!.value;
    const refused = async (name: string, value: Buffer) => {
      await storage.write([{ put: name, value }]);
      const before = await contents(storage);
      const { code, path } = await faultOf(Vault.open(storage, key));
      expect(await contents(storage)).toEqual(before);
      return `${code} ${path}`;
    };
    const flipped = (value: Buffer, bit: number) => {
      const changed = Buffer.from(value);
      changed[bit >> 3]! ^= 1 << (bit & 7);
      return changed;
    };
    for (let bit = 0; bit < 8 * keys.length; bit++)
      expect(await refused("vault/keys", flipped(keys, bit))).toMatch(
        /^(undecryptable|malformed|config|storage) vault\/keys$/,
      );
    for (let length = 0; length < keys.length; length++)
      expect(await refused("vault/keys", keys.subarray(0, length))).toBe("malformed vault/keys");
    await storage.write([{ put: "vault/keys", value: keys }]);
    for (let bit = 0; bit < 8 * id.length; bit++)
      expect(await refused("vault/id", flipped(id, bit))).toBe("undecryptable vault/keys");
    expect(await refused("vault/id", id.subarray(1))).toBe("malformed vault/id");
    await storage.write([{ put: "vault/id", value: id }]);
    (await Vault.open(storage, key)).close();
  }, 30_000);

  test("the keys of another vault, swapped in, are refused", async () => {
    const [mine, theirs] = [new MemoryStorage(), new MemoryStorage()];
    for (const storage of [mine, theirs]) (await Vault.open(storage, key)).close();
    await mine.write([{ put: "vault/keys", value: (await theirs.get("vault/keys"))!.value }]);
    expect(await faultOf(Vault.open(mine, key))).toMatchObject({ code: "undecryptable", path: "vault/keys" });
  });

  test("keys of a later version are refused, untouched", async () => {
    const storage = new MemoryStorage();
    (await Vault.open(storage, key)).close();
    await storage.write([{ put: "vault/keys", value: bytes("\0\x02something new") }]);
    const before = await contents(storage);
    expect(await faultOf(Vault.open(storage, key))).toMatchObject({ code: "storage", retryable: false });
    expect(await contents(storage)).toEqual(before);
  });

  test.each(["vault/keys", "vault/id"])("without %s the store is not taken for a new one", async (name) => {
    const storage = new MemoryStorage();
    (await Vault.open(storage, key)).close();
    await storage.write([{ delete: name }]);
    const before = await contents(storage);
    expect(await faultOf(Vault.open(storage, key))).toMatchObject({ code: "missing", path: name, retryable: false });
    expect(await contents(storage)).toEqual(before);
  });

  test("a source of another kind, or none, says what is wanted", async () => {
    const storage = new MemoryStorage();
    (await Vault.open(storage, key)).close();
    for (const source of [{ passphrase: "x" }, { kms }, undefined])
      expect(await faultOf(Vault.open(storage, source))).toMatchObject({ code: "config", path: "vault/keys" });
  });

  const nonsense: [string, unknown][] = [
    ["nothing", {}],
    ["null", null],
    ["text", "key"],
    ["an empty passphrase", { passphrase: "" }],
    ["a number as a passphrase", { passphrase: 7 }],
    ["a short key", { key: Buffer.alloc(31) }],
    ["a long key", { key: Buffer.alloc(1025) }],
    ["text as a key", { key: "k".repeat(32) }],
    ["two at once", { key: Buffer.alloc(32), passphrase: "x" }],
    ["half a KMS", { kms: { wrap: kms.wrap } }],
    ["a number as a path", { keyFile: 3 }],
  ];
  test.each(nonsense)("%s is no storage key", async (_, source) => {
    const storage = new MemoryStorage();
    expect(await faultOf(Vault.open(storage, source as StorageKeySource))).toMatchObject({ code: "usage" });
    expect((await contents(storage)).records).toEqual([]);
  });

  test("key files that cannot be used", async () => {
    const damaged = join(folder, "damaged.key");
    writeFileSync(damaged, readFileSync(keyFile, "utf8").replace(/key ./, "key x"));
    const files = [
      { keyFile: join(folder, "none.key") },
      { keyFile: damaged },
      { keyFile: lockedKeyFile },
      { keyFile: folder },
    ];
    const storage = new MemoryStorage();
    for (const source of files) expect(await faultOf(Vault.open(storage, source))).toMatchObject({ code: "config" });
    const wrong = { keyFile: lockedKeyFile, passphrase: "wrong" };
    expect(await faultOf(Vault.open(storage, wrong))).toMatchObject({ code: "undecryptable" });
    expect((await contents(storage)).records).toEqual([]);
  }, 30_000);

  test("a KMS that fails or answers nonsense: `storage`, to be tried again; what it saw is wiped", async () => {
    const storage = new MemoryStorage();
    const handles = heldHandles();
    const seen: Uint8Array[] = [];
    const failing = [
      { ...kms, wrap: () => Promise.reject(new Error("no route")) },
      { ...kms, wrap: () => Promise.resolve("text" as never) },
      { ...kms, wrap: () => Promise.resolve(new Uint8Array(0)) },
      {
        ...kms,
        wrap: () => {
          throw new Error("at once");
        },
      },
    ];
    const unreachable = { code: "storage", path: "vault/keys", retryable: true };
    for (const broken of failing)
      expect(await faultOf(Vault.open(storage, { kms: broken }))).toMatchObject(unreachable);
    expect((await contents(storage)).records).toEqual([]);
    const watched = {
      wrap: (octets: Uint8Array) => (seen.push(octets), kms.wrap(octets)),
      unwrap: async (octets: Uint8Array) => {
        const answer = await kms.unwrap(octets);
        seen.push(answer);
        return answer;
      },
    };
    (await Vault.open(storage, { kms: watched })).close();
    (await Vault.open(storage, { kms: watched })).close();
    expect(seen.map((octets) => octets.byteLength === 0 || octets.every((octet) => octet === 0))).toEqual([true, true]);
    const before = await contents(storage);
    for (const unwrap of [() => Promise.reject(new Error("no route")), () => Promise.resolve(Buffer.alloc(31))])
      expect(await faultOf(Vault.open(storage, { kms: { ...kms, unwrap } }))).toMatchObject(unreachable);
    expect(await contents(storage)).toEqual(before);
    expect(heldHandles()).toBe(handles);
  });

  test("memory needs no storage key: all vaults of one are one; a storage that outlives the process wants one", async () => {
    const storage = new MemoryStorage();
    const first = await Vault.open(storage, undefined);
    const sealed = first.seal("a", 0, [bytes("text")]);
    first.close();
    using second = await Vault.open(storage, undefined);
    expect(textOf(second.open("a", 0, sealed))).toBe("text");
    expect((await contents(storage)).records).toEqual([]);
    const file = await SqliteStorage.open(join(folder, "keyless.db"));
    expect(await faultOf(Vault.open(file, undefined))).toMatchObject({ code: "config" });
    await file.close();
    // Giving it a storage key later keeps what was sealed.
    await second.changeStorageKey(key);
    using third = await Vault.open(storage, key);
    expect(textOf(third.open("a", 0, sealed))).toBe("text");
  });
});

/** A storage whose next write fails: before it happens, or after, when its acknowledgement is lost. */
function failing(storage: Storage, when: "before" | "after"): Storage {
  return {
    get: (name) => storage.get(name),
    list: (prefix, options) => storage.list(prefix, options),
    read: (log, from, limit) => storage.read(log, from, limit),
    watch: (prefix, listener) => storage.watch(prefix, listener),
    close: () => storage.close(),
    write: async (steps) => {
      if (when === "after") await storage.write(steps);
      throw new TinyMlsError("storage", "the connection broke", { component: "storage" });
    },
  };
}

describe("changing the storage key", () => {
  test("open vaults of other processes go on; the old key opens nothing any more", async () => {
    const path = join(folder, "change.db");
    const [here, there] = [await SqliteStorage.open(path), await SqliteStorage.open(path)];
    using mine = await Vault.open(here, { passphrase: "old" });
    using theirs = await Vault.open(there, { passphrase: "old" });
    const sealed = [theirs.seal("a", 0, [bytes("before")])];
    let turns = 0;
    const writing = (async () => {
      for (; turns < 200; turns++) {
        const value = theirs.seal("busy", turns, [bytes(String(turns))]);
        await there.write([{ put: "busy", value }]);
      }
    })();
    await mine.changeStorageKey({ passphrase: "new" });
    await writing;
    sealed.push(theirs.seal("a", 1, [bytes("after")]));
    expect(await faultOf(Vault.open(here, { passphrase: "old" }))).toMatchObject({
      code: "undecryptable",
      path: "vault/keys",
    });
    using again = await Vault.open(there, { passphrase: "new" });
    expect(sealed.map((octets, version) => textOf(again.open("a", version, octets)))).toEqual(["before", "after"]);
    expect(textOf(again.open("busy", 199, (await there.get("busy"))!.value))).toBe("199");
    await Promise.all([here.close(), there.close()]);
  }, 30_000);

  test("from every kind to every other", async () => {
    const storage = new MemoryStorage();
    const copied = (octets: Uint8Array) => Promise.resolve(Buffer.from(octets));
    const kms = { wrap: copied, unwrap: copied };
    const kinds: StorageKeySource[] = [key, { passphrase: "x" }, { kms }, otherKey, { kms }, { passphrase: "x" }, key];
    using first = await Vault.open(storage, kinds[0]);
    const sealed = first.seal("a", 0, [bytes("text")]);
    for (const [index, next] of kinds.slice(1).entries()) {
      using vault = await Vault.open(storage, kinds[index]);
      await vault.changeStorageKey(next);
      using changed = await Vault.open(storage, next);
      expect(textOf(changed.open("a", 0, sealed))).toBe("text");
    }
  }, 30_000);

  test("of two that change it at once one wins, the other hears of it", async () => {
    const storage = new MemoryStorage();
    using a = await Vault.open(storage, key);
    using b = await Vault.open(storage, key);
    const [c, d] = [{ key: Buffer.alloc(32, 1) }, { key: Buffer.alloc(32, 2) }];
    const ends = await Promise.allSettled([a.changeStorageKey(c), b.changeStorageKey(d)]);
    const lost = ends.filter(({ status }) => status === "rejected") as PromiseRejectedResult[];
    expect(lost.map(({ reason }) => reason as unknown)).toMatchObject([{ code: "conflict", path: "vault/keys" }]);
    (await Vault.open(storage, ends[0].status === "fulfilled" ? c : d)).close();
  });

  test("a write that fails, or whose acknowledgement is lost: the old key holds, or the new one, never neither", async () => {
    for (const when of ["before", "after"] as const) {
      const storage = new MemoryStorage();
      (await Vault.open(storage, key)).close();
      const handles = heldHandles();
      const vault = await Vault.open(failing(storage, when), key);
      expect(await faultOf(vault.changeStorageKey(otherKey))).toMatchObject({ code: "storage" });
      expect(textOf(vault.open("a", 0, vault.seal("a", 0, [bytes("x")])))).toBe("x");
      vault.close();
      (await Vault.open(storage, when === "before" ? key : otherKey)).close();
      expect(heldHandles()).toBe(handles);
    }
  });

  test("a new vault whose first write fails leaves nothing open", async () => {
    const storage = new MemoryStorage();
    const handles = heldHandles();
    expect(await faultOf(Vault.open(failing(storage, "before"), key))).toMatchObject({ code: "storage" });
    expect(heldHandles()).toBe(handles);
    expect((await contents(storage)).records).toEqual([]);
  });

  test("many that make the vault at once get one vault", async () => {
    const storage = new MemoryStorage();
    const vaults = await Promise.all(Array.from({ length: 8 }, () => Vault.open(storage, key)));
    const sealed = vaults.map((vault, index) => vault.seal("a", index, [bytes(String(index))]));
    for (const vault of vaults)
      expect(sealed.map((octets, index) => textOf(vault.open("a", index, octets))).join("")).toBe("01234567");
    for (const vault of vaults) vault.close();
  });

  test("a store that became another one under an open vault is not overwritten", async () => {
    const storage = new MemoryStorage();
    using vault = await Vault.open(storage, key);
    await storage.write([{ delete: "vault/id" }, { delete: "vault/keys" }]);
    (await Vault.open(storage, otherKey)).close();
    const before = await contents(storage);
    expect(await faultOf(vault.changeStorageKey(key))).toMatchObject({ code: "invalid", path: "vault/id" });
    expect(await contents(storage)).toEqual(before);
  });
});
