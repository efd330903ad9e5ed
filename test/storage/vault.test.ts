import { afterAll, afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { execFileSync } from "node:child_process";
import { createDecipheriv, createHmac } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MemoryStorage, sealedOverhead, TinyMlsError, Vault, type Storage, type StorageKeySource } from "tinymls";
import { PrivateKey, Secret, signature } from "tinymls/crypto";
import { SqliteStorage } from "tinymls/storage/sqlite";
import { decodeSecret } from "#dist/native/secret.js";
import { heldHandles } from "../held-handles.js";
import { contents, faultOf } from "./conformance.js";

const folder = mkdtempSync(join(tmpdir(), "tinymls-vault-"));
afterAll(() => rmSync(folder, { recursive: true }));

const key = { key: Buffer.alloc(32, 7) };
const otherKey = { key: Buffer.alloc(32, 8) };
const bytes = (text: string) => Buffer.from(text);

/** The text in a secret, which is disposed. */
function textOf(secret: Secret): string {
  using text = secret;
  return decodeSecret(text, (octets) => Buffer.from(octets).toString());
}

function errorOf(call: () => unknown) {
  try {
    call();
  } catch (error) {
    if (error instanceof TinyMlsError) return { code: error.code, path: error.path, message: error.message };
    throw error;
  }
  throw new Error("it was not refused");
}

describe("records", () => {
  let storage: MemoryStorage;
  let vault: Vault;
  let handles: number;
  beforeEach(async () => {
    storage = new MemoryStorage();
    vault = await Vault.open(storage, key);
    handles = heldHandles();
  });
  afterEach(async () => {
    vault.close();
    await storage.close();
  });

  test("bytes, secrets and private keys are sealed as one text, and come back as a handle", () => {
    using secret = Secret.from(bytes("secret"));
    using priv = signature.generateKeyPair("Ed25519");
    using raw = Secret.random(32);
    using imported = PrivateKey.fromSecret("Ed25519", raw);
    const sealed = vault.seal("a", 3, [bytes("one "), secret, bytes(" two"), imported, priv]);
    expect(sealed.byteLength).toBe(14 + 64 + sealedOverhead);
    using opened = vault.open("a", 3, sealed);
    expect(textOf(opened.slice(0, 14))).toBe("one secret two");
    using tail = opened.slice(14, 46);
    expect(tail.equals(raw)).toBe(true);
    using last = opened.slice(46);
    using again = PrivateKey.fromSecret("Ed25519", last);
    expect(again.publicKey).toEqual(priv.publicKey);
    expect(sealed.includes(bytes("secret"))).toBe(false);
  });

  test("nothing, one part and many parts", () => {
    for (const count of [0, 1, 2, 40]) {
      const parts = Array.from({ length: count }, (_, i) => bytes(`part ${i}.`));
      expect(textOf(vault.open("a", 0, vault.seal("a", 0, parts)))).toBe(parts.join(""));
    }
    const large = Buffer.alloc(1_000_000, 3);
    using opened = vault.open("a", 0, vault.seal("a", 0, [large, large]));
    expect(opened.byteLength).toBe(2_000_000);
  });

  test("a flipped bit anywhere, a cut and an added octet: refused with the record's name, and nothing is kept", () => {
    const sealed = vault.seal("group/1", 5, [bytes("text")]);
    textOf(vault.open("group/1", 5, sealed)); // the session's key is kept from now on
    handles = heldHandles();
    for (let bit = 0; bit < 8 * sealed.length; bit++) {
      const changed = Buffer.from(sealed);
      changed[bit >> 3]! ^= 1 << (bit & 7);
      const { code, path } = errorOf(() => vault.open("group/1", 5, changed));
      expect([code, path]).toEqual([bit < 8 ? "malformed" : "undecryptable", "group/1"]);
    }
    for (let length = 0; length < sealed.length; length++) {
      const { code, path } = errorOf(() => vault.open("group/1", 5, sealed.subarray(0, length)));
      expect([code, path]).toEqual([length < sealedOverhead ? "malformed" : "undecryptable", "group/1"]);
    }
    expect(errorOf(() => vault.open("group/1", 5, Buffer.concat([sealed, bytes("x")]))).code).toBe("undecryptable");
    expect(heldHandles()).toBe(handles);
    expect(textOf(vault.open("group/1", 5, sealed))).toBe("text");
  });

  test("swapped and rolled back records: refused, all with one message", () => {
    const a = vault.seal("a", 5, [bytes("a")]);
    const older = vault.seal("a", 4, [bytes("a")]);
    const swapped = errorOf(() => vault.open("b", 5, a));
    expect(swapped).toMatchObject({ code: "undecryptable", path: "b" });
    const back = errorOf(() => vault.open("a", 5, older));
    expect(back).toMatchObject({ code: "undecryptable", path: "a" });
    expect(back.message).toBe(swapped.message.replace("b", "a"));
    for (const version of [0, 2 ** 32 + 5, 2 ** 53 - 1]) {
      expect(errorOf(() => vault.open("a", version, a)).code).toBe("undecryptable");
      expect(textOf(vault.open("a", version, vault.seal("a", version, [bytes("x")])))).toBe("x");
    }
  });

  test("a record of another vault under the same storage key is refused", async () => {
    const elsewhere = new MemoryStorage();
    using other = await Vault.open(elsewhere, key);
    const sealed = other.seal("a", 0, [bytes("theirs")]);
    expect(errorOf(() => vault.open("a", 0, sealed))).toMatchObject({ code: "undecryptable", path: "a" });
  });

  test("each seal has another nonce; each opening of the vault has another key", async () => {
    const seen = new Set<string>();
    for (let opening = 0; opening < 3; opening++) {
      using reopened = await Vault.open(storage, key);
      for (let i = 0; i < 100; i++) {
        const sealed = reopened.seal("a", 0, [bytes("x")]);
        seen.add(sealed.toString("hex", 1, 25));
        expect(textOf(vault.open("a", 0, sealed))).toBe("x");
      }
    }
    expect(seen.size).toBe(300);
  });

  test("records of many sessions open, in any order", async () => {
    const sealed: Buffer[] = [];
    for (let session = 0; session < 100; session++) {
      using reopened = await Vault.open(storage, key);
      sealed.push(reopened.seal("a", session, [bytes(String(session))]));
    }
    handles = heldHandles();
    for (let round = 0; round < 2; round++) {
      for (const index of [...sealed.keys()].sort(() => Math.random() - 0.5))
        expect(textOf(vault.open("a", index, sealed[index]!))).toBe(String(index));
    }
    expect(heldHandles() - handles).toBeLessThanOrEqual(64);
    vault.close();
    expect(heldHandles()).toBeLessThan(handles);
  });

  test("the layout is as documented: node:crypto alone opens a record", async () => {
    // The storage key, the data key, the key of the session, by HKDF and AES-256-GCM of another implementation.
    const expand = (secret: Buffer, label: string, context: Buffer) => {
      const full = bytes(label);
      const info = Buffer.concat([Buffer.from([0, 32, full.length]), full, Buffer.from([context.length]), context]);
      return createHmac("sha256", secret)
        .update(info)
        .update(Buffer.from([1]))
        .digest();
    };
    const decrypt = (secret: Buffer, nonce: Buffer, aad: Buffer, sealed: Buffer) => {
      const decipher = createDecipheriv("aes-256-gcm", secret, nonce).setAAD(aad).setAuthTag(sealed.subarray(-16));
      return Buffer.concat([decipher.update(sealed.subarray(0, -16)), decipher.final()]);
    };
    const keys = (await storage.get("vault/keys"))!.value;
    const header = keys.subarray(0, 2 + 16 + 1 + 32);
    const extracted = createHmac("sha256", header.subarray(19)).update(key.key).digest();
    const storageKey = expand(extracted, "tinymls storage key", Buffer.alloc(0));
    const dataKey = decrypt(storageKey, Buffer.alloc(12), header, keys.subarray(header.length + 1));
    for (const version of [1, 2 ** 40 + 3]) {
      const sealed = vault.seal("group/1", version, [bytes("text")]);
      const session = expand(dataKey, "tinymls session", sealed.subarray(1, 17));
      const aad = Buffer.alloc(15, "\0\0\0\0\0\0\0\0group/1");
      aad.writeBigUInt64BE(BigInt(version));
      const nonce = Buffer.concat([Buffer.alloc(4), sealed.subarray(17, 25)]);
      expect(decrypt(session, nonce, aad, sealed.subarray(25)).toString()).toBe("text");
    }
  });

  test("wrong arguments, and a closed vault", () => {
    const sealed = vault.seal("a", 0, [bytes("x")]);
    for (const version of [-1, 0.5, 2 ** 53, NaN, "0" as never])
      for (const call of [() => vault.seal("a", version, []), () => vault.open("a", version, sealed)])
        expect(errorOf(call).code).toBe("usage");
    expect(errorOf(() => vault.seal(1 as never, 0, [])).code).toBe("usage");
    for (const parts of [undefined, ["text"], [{}], [null], [1]])
      expect(errorOf(() => vault.seal("a", 0, parts as never)).code).toBe("usage");
    expect(errorOf(() => vault.open("a", 0, "text" as never)).code).toBe("malformed");
    expect(errorOf(() => JSON.stringify(vault)).code).toBe("usage");
    vault.close();
    vault.close();
    expect(errorOf(() => vault.seal("a", 0, [])).code).toBe("closed");
    expect(errorOf(() => vault.open("a", 0, sealed)).code).toBe("closed");
  });
});

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
