import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { createDecipheriv, createHmac } from "node:crypto";
import { MemoryStorage, sealedOverhead, Vault } from "tinymls";
import { PrivateKey, Secret, signature } from "tinymls/crypto";
import { heldHandles } from "../held-handles.js";
import { bytes, errorOf, key, textOf } from "./vault-world.js";

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
