import { inspect } from "node:util";
import { describe, expect, test } from "@jest/globals";
import { hpke, kem, Secret, signature, type HpkeOptions, type HpkeSuite } from "tinymls/crypto";
import { heldHandles } from "../held-handles.js";
import { refusal, refuses } from "./expect.js";
import { dhkems, kems, message, none } from "./public-key.js";

const info = Buffer.from("info");
const aad = Buffer.from("aad");
const base: HpkeSuite = { kem: "DHKEM-X25519", kdf: "SHA-256", aead: "AES-128-GCM" };
const modes = ["base", "psk", "auth", "authPsk"] as const;

const suites: HpkeSuite[] = kems.map((name, i) => ({
  kem: name,
  kdf: (["SHA-256", "SHA-384", "SHA-512"] as const)[i % 3]!,
  aead: (["AES-128-GCM", "AES-256-GCM", "CHACHA20-POLY1305"] as const)[(i >> 1) % 3]!,
}));
for (const kdf of ["SHAKE128", "SHAKE256"] as const) suites.push({ ...base, kdf });

function optionsOf(suite: HpkeSuite, mode: (typeof modes)[number]): HpkeOptions {
  const psk = /psk/i.test(mode) ? { psk: Secret.random(32), pskId: Buffer.from("id") } : {};
  if (!mode.startsWith("auth")) return psk;
  const authKey = kem.generateKeyPair(suite.kem);
  return { ...psk, authKey, authPublicKey: authKey.publicKey };
}

describe.each(suites)("$kem $kdf $aead", (suite) => {
  const key = kem.generateKeyPair(suite.kem);
  const offered = modes.filter((mode) => !mode.startsWith("auth") || dhkems.includes(suite.kem));

  test.each(offered)("%s: opens under the same inputs alone", (mode) => {
    const options = optionsOf(suite, mode);
    const { enc, ciphertext } = hpke.seal(suite, key.publicKey, info, aad, message, options);
    expect(hpke.open(suite, key, enc, info, aad, ciphertext, options)).toEqual(message);
    const secret = hpke.openSecret(suite, key, enc, info, aad, ciphertext, options);
    expect(secret.equals(message)).toBe(true);

    const open = (...args: Parameters<typeof hpke.open>) => {
      refuses("undecryptable", () => hpke.open(...args));
      refuses("undecryptable", () => hpke.openSecret(...args));
      return refusal(() => hpke.open(...args)).message;
    };
    const bent = (octets: Buffer) => Buffer.concat([octets.subarray(0, -1), Buffer.of(octets.at(-1)! ^ 1)]);
    const other = offered[(offered.indexOf(mode) + 1) % offered.length]!;
    const messages = [
      open(suite, key, enc, bent(info), aad, ciphertext, options),
      open(suite, key, enc, info, bent(aad), ciphertext, options),
      open(suite, key, enc, info, aad, bent(ciphertext), options),
      open(suite, key, enc, info, aad, ciphertext.subarray(1), options),
      open(suite, key, enc, info, aad, none, options),
      open(suite, key, bent(enc), info, aad, ciphertext, options),
      open(suite, key, enc.subarray(1), info, aad, ciphertext, options),
      open(suite, key, none, info, aad, ciphertext, options),
      open(suite, kem.generateKeyPair(suite.kem), enc, info, aad, ciphertext, options),
      open(suite, key, enc, info, aad, ciphertext, optionsOf(suite, other)),
    ];
    expect(new Set(messages).size).toBe(1); // they all look the same
  });

  test.each(offered)("%s: contexts carry many messages in order, and export", (mode) => {
    const options = optionsOf(suite, mode);
    const sender = hpke.sender(suite, key.publicKey, info, options);
    const receiver = hpke.receiver(suite, key, sender.enc, info, options);
    const sealed = [0, 1, 2].map((i) => sender.seal(aad, Buffer.of(i)));
    expect(receiver.open(aad, sealed[0]!)).toEqual(Buffer.of(0));
    refuses("undecryptable", () => receiver.open(aad, sealed[2]!)); // out of order: nothing moves
    refuses("undecryptable", () => receiver.open(aad, sealed[0]!)); // a replay
    refuses("undecryptable", () => receiver.open(none, sealed[1]!));
    expect(receiver.open(aad, sealed[1]!)).toEqual(Buffer.of(1));
    expect(receiver.open(aad, sealed[2]!)).toEqual(Buffer.of(2));
    refuses("usage", () => receiver.seal(aad, message));
    refuses("usage", () => sender.open(aad, sealed[0]!));
    expect(sender.export(info, 40).equals(receiver.export(info, 40))).toBe(true);
    expect(sender.export(info, 40).equals(sender.export(aad, 40))).toBe(false);
    const { enc, secret } = hpke.exportSender(suite, key.publicKey, info, aad, 33, options);
    expect(secret.equals(hpke.exportReceiver(suite, key, enc, info, aad, 33, options))).toBe(true);
    sender.dispose();
    sender.dispose();
    refuses("usage", () => sender.seal(aad, message));
    refuses("usage", () => sender.export(info, 32));
  });
});

test("secrets and private keys are sealed without becoming bytes, sizes included", () => {
  const key = kem.generateKeyPair(base.kem);
  const path = Secret.random(48);
  const { enc, ciphertext } = hpke.seal(base, key.publicKey, info, none, path);
  expect(hpke.openSecret(base, key, enc, info, none, ciphertext).equals(path)).toBe(true);
  const inner = signature.generateKeyPair("Ed25519");
  expect(hpke.seal(base, key.publicKey, info, none, inner).ciphertext).toHaveLength(48);
  inner.dispose();
  refuses("usage", () => hpke.seal(base, key.publicKey, info, none, inner));
});

test("psk and pskId come together, and the psk has 32 octets (RFC 9180 §5.1)", () => {
  const key = kem.generateKeyPair(base.kem);
  const pskId = Buffer.from("id");
  const wrong: HpkeOptions[] = [
    { psk: Secret.random(32) },
    { pskId },
    { psk: Secret.random(31), pskId },
    { psk: Secret.random(0), pskId },
    { psk: Secret.random(0) },
    { psk: Secret.random(32), pskId: none },
  ];
  const enc = kem.generateKeyPair(base.kem).publicKey;
  for (const options of wrong) {
    refuses("usage", () => hpke.seal(base, key.publicKey, info, aad, message, options));
    refuses("usage", () => hpke.open(base, key, enc, info, aad, Buffer.alloc(32), options));
    refuses("usage", () => hpke.sender(base, key.publicKey, info, options));
    refuses("usage", () => hpke.exportReceiver(base, key, enc, info, aad, 32, options));
  }
});

test("public keys are checked, and an empty sender key is no base mode", () => {
  const key = kem.generateKeyPair(base.kem);
  refuses("malformed", () => hpke.seal(base, key.publicKey.subarray(1), info, aad, message));
  refuses("invalid", () => hpke.seal(base, Buffer.alloc(32), info, aad, message));
  refuses("invalid", () => hpke.receiver(base, key, Buffer.alloc(32), info));
  const { enc, ciphertext } = hpke.seal(base, key.publicKey, info, aad, message);
  refuses("malformed", () => hpke.open(base, key, enc, info, aad, ciphertext, { authPublicKey: none }));
});

test("keys of another KEM, unknown suites and disposed keys are usage errors", () => {
  const key = kem.generateKeyPair(base.kem);
  const foreign = kem.generateKeyPair("DHKEM-P256");
  refuses("usage", () => hpke.open(base, foreign, key.publicKey, info, aad, Buffer.alloc(32)));
  refuses("usage", () => hpke.seal(base, key.publicKey, info, aad, message, { authKey: foreign }));
  for (const wrong of [{ kem: "Ed25519" }, { kdf: "MD5" }, { aead: "AES-128-CBC" }])
    refuses("usage", () => hpke.seal({ ...base, ...wrong } as never, key.publicKey, info, aad, message));
  key.dispose();
  refuses("usage", () => hpke.open(base, key, foreign.publicKey, info, aad, Buffer.alloc(32)));
});

test("an export-only suite seals nothing", () => {
  const suite: HpkeSuite = { ...base, aead: "EXPORT-ONLY" };
  const key = kem.generateKeyPair(base.kem);
  refuses("usage", () => hpke.seal(suite, key.publicKey, info, aad, message));
  const { enc, secret } = hpke.exportSender(suite, key.publicKey, info, aad, 32);
  expect(hpke.exportReceiver(suite, key, enc, info, aad, 32).equals(secret)).toBe(true);
});

// Few items are sealed at once, more by other threads.
test.each([1, 5, 25])("sealAll seals each of %i items for its receiver, bytes and secrets alike", async (count) => {
  const keys = [0, 1, 2].map(() => kem.generateKeyPair(base.kem));
  const items = Array.from({ length: count }, (_, i) => ({
    publicKey: keys[i % 3]!.publicKey,
    info: Buffer.from(`info ${i}`),
    aad: i % 2 ? aad : none,
    plaintext: i % 4 ? Buffer.alloc(i, i) : Secret.from(Buffer.alloc(i, i)),
  }));
  const pending = hpke.sealAll(base, items);
  for (const { plaintext } of items) if (plaintext instanceof Secret) plaintext.dispose();
  const before = heldHandles();
  const sealed = await pending;
  expect(heldHandles()).toBe(before);
  sealed.forEach(({ enc, ciphertext }, i) => {
    const { info, aad } = items[i]!;
    expect(hpke.open(base, keys[i % 3]!, enc, info, aad, ciphertext)).toEqual(Buffer.alloc(i, i));
  });
  expect(await hpke.sealAll(base, [])).toEqual([]);
});

test.each([...suites])("sealAll with an info that several items have in common, $kem $kdf", async (suite) => {
  const key = kem.generateKeyPair(suite.kem);
  const [shared, other] = [Buffer.alloc(5000, 1), Buffer.from("other")];
  const infos = [shared, shared, other, other, shared, none, none, shared, shared, shared];
  const items = infos.map((each, i) => ({ publicKey: key.publicKey, info: each, aad, plaintext: Buffer.alloc(i, i) }));
  for (const [i, { enc, ciphertext }] of (await hpke.sealAll(suite, items)).entries()) {
    expect(hpke.open(suite, key, enc, infos[i]!, aad, ciphertext)).toEqual(Buffer.alloc(i, i));
    expect(() => hpke.open(suite, key, enc, Buffer.from("another"), aad, ciphertext)).toThrow();
  }
  key.dispose();
});

test.each([2, 30])("sealAll names the item that is refused, after %i others", async (others) => {
  const { publicKey } = kem.generateKeyPair(base.kem);
  const item = { publicKey, info, aad, plaintext: message };
  const refusedItem = (wrong: object) =>
    hpke.sealAll(base, [...Array<typeof item>(others).fill(item), { ...item, ...wrong }]);
  await expect(refusedItem({ publicKey: none })).rejects.toMatchObject({ code: "malformed", path: `items[${others}]` });
  await expect(refusedItem({ publicKey: Buffer.alloc(32) })).rejects.toMatchObject({
    code: "invalid",
    path: `items[${others}]`,
  });
  const gone = Secret.random(8);
  gone.dispose();
  for (const wrong of [{ info: "info" }, { plaintext: undefined }, { plaintext: gone }])
    await expect(refusedItem(wrong)).rejects.toMatchObject({ code: "usage" });
});

test("a context shows and serialises nothing", () => {
  const key = kem.generateKeyPair(base.kem);
  const context = hpke.sender(base, key.publicKey, info);
  expect(inspect(context)).toBe("HpkeContext {}");
  refuses("usage", () => JSON.stringify(context));
  context[Symbol.dispose]();
  expect(inspect(context)).toBe("HpkeContext { disposed }");
});
