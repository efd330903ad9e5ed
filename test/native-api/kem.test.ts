import { createPrivateKey, createPublicKey, diffieHellman } from "node:crypto";
import { expect, test } from "@jest/globals";
import { kem, PrivateKey, Secret } from "tinymls/crypto";
import { heldHandles } from "../held-handles.js";
import { refuses } from "./expect.js";
import { dhkems, kems, none } from "./public-key.js";

test.each(kems)("%s: both sides share a secret, a new one each time", (algorithm) => {
  const key = kem.generateKeyPair(algorithm);
  const [one, two] = [kem.encapsulate(algorithm, key.publicKey), kem.encapsulate(algorithm, key.publicKey)];
  expect(kem.decapsulate(key, one.enc).equals(one.sharedSecret)).toBe(true);
  expect(kem.decapsulate(key, two.enc).equals(two.sharedSecret)).toBe(true);
  expect(one.sharedSecret.equals(two.sharedSecret)).toBe(false);
  expect(one.enc).not.toEqual(two.enc);
  expect(kem.validPublicKey(algorithm, key.publicKey)).toBe(true);
});

test.each(kems)("%s: key pairs derived from one input are one", (algorithm) => {
  const ikm = Secret.random(64);
  const derived = kem.deriveKeyPair(algorithm, ikm);
  expect(kem.deriveKeyPair(algorithm, ikm).publicKey).toEqual(derived.publicKey);
  expect(kem.deriveKeyPair(algorithm, Secret.random(64)).publicKey).not.toEqual(derived.publicKey);
  refuses("usage", () => kem.deriveKeyPair(algorithm, none));
  const { enc, sharedSecret } = kem.encapsulate(algorithm, derived.publicKey);
  expect(kem.decapsulate(derived, enc).equals(sharedSecret)).toBe(true);
});

test.each(kems)("%s: deriveKeyPairs gives what deriveKeyPair gives of each", async (algorithm) => {
  const before = heldHandles();
  // Few are derived at once, some with other threads, more off this one.
  for (const count of [0, 1, 3, 20, 90]) {
    const ikms = Array.from({ length: count }, () => Secret.random(64));
    const alone = ikms.map((ikm) => kem.deriveKeyPair(algorithm, ikm));
    const derived = kem.deriveKeyPairs(algorithm, ikms);
    for (const ikm of ikms) ikm.dispose(); // kept by those who work on it
    const keys = await derived;
    expect(keys.map((key) => key.publicKey)).toEqual(alone.map((key) => key.publicKey));
    const last = keys.at(-1);
    if (last !== undefined) {
      const { enc, sharedSecret } = kem.encapsulate(algorithm, last.publicKey);
      using shared = kem.decapsulate(last, enc);
      expect(shared.equals(sharedSecret)).toBe(true);
      sharedSecret.dispose();
    }
    for (const key of [...keys, ...alone]) key.dispose();
  }
  expect(heldHandles()).toBe(before);
});

test("deriveKeyPairs of what is no secret leaves none", async () => {
  using secret = Secret.random(32);
  const gone = Secret.random(32);
  gone.dispose();
  const before = heldHandles();
  for (const wrong of [gone, none as never, undefined as never])
    await expect(kem.deriveKeyPairs("DHKEM-X25519", [secret, wrong])).rejects.toMatchObject({ code: "usage" });
  await expect(kem.deriveKeyPairs("DHKEM-X25519", {} as never)).rejects.toMatchObject({ code: "usage" });
  await expect(kem.deriveKeyPairs("RSA" as never, [])).rejects.toMatchObject({ code: "usage" });
  using empty = Secret.from(none);
  await expect(kem.deriveKeyPairs("DHKEM-X25519", [secret, empty])).rejects.toMatchObject({ code: "usage" });
  expect(heldHandles()).toBe(before + 1);
});

test.each(kems)("%s: wrong lengths are malformed", (algorithm) => {
  const key = kem.generateKeyPair(algorithm);
  const { enc } = kem.encapsulate(algorithm, key.publicKey);
  for (const wrong of [none, key.publicKey.subarray(1), Buffer.concat([key.publicKey, Buffer.of(0)])]) {
    refuses("malformed", () => kem.encapsulate(algorithm, wrong));
    expect(kem.validPublicKey(algorithm, wrong)).toBe(false);
  }
  for (const wrong of [none, enc.subarray(1), Buffer.concat([enc, Buffer.of(0)])])
    refuses("malformed", () => kem.decapsulate(key, wrong));
});

test.each(["DHKEM-X25519", "DHKEM-X448"] as const)("%s: points of small order are invalid", (algorithm) => {
  const key = kem.generateKeyPair(algorithm);
  for (const first of [0, 1]) {
    const small = Buffer.alloc(key.publicKey.length);
    small[0] = first;
    refuses("invalid", () => kem.encapsulate(algorithm, small));
    refuses("invalid", () => kem.decapsulate(key, small));
    refuses("invalid", () => kem.diffieHellman(key, small));
  }
});

test.each(kems.filter((name) => /P\d+$/.test(name)))("%s: a point off the curve is invalid", (algorithm) => {
  const { publicKey } = kem.generateKeyPair(algorithm);
  publicKey[publicKey.length - 1]! ^= 1;
  refuses("invalid", () => kem.encapsulate(algorithm, publicKey));
  expect(kem.validPublicKey(algorithm, publicKey)).toBe(false);
});

for (const algorithm of kems.filter((name) => name.startsWith("ML")))
  test(`${algorithm}: coefficients out of range are invalid`, () => {
    const { publicKey } = kem.generateKeyPair(algorithm);
    publicKey.fill(0xff, 0, 3);
    refuses("invalid", () => kem.encapsulate(algorithm, publicKey));
    expect(kem.validPublicKey(algorithm, publicKey)).toBe(false);
  });

test("diffieHellman agrees with node:crypto", () => {
  const raw = Buffer.from("77076d0a7318a57d3c16c17251b26645df4c5f6ac4d5f1a8d5d8f8f8f8f8f8f8", "hex");
  const key = PrivateKey.import("DHKEM-X25519", raw);
  const peer = kem.generateKeyPair("DHKEM-X25519");
  const jwk = { kty: "OKP", crv: "X25519", x: key.publicKey.toString("base64url"), d: raw.toString("base64url") };
  const expected = diffieHellman({
    privateKey: createPrivateKey({ key: jwk, format: "jwk" }),
    publicKey: createPublicKey({
      key: { kty: "OKP", crv: "X25519", x: peer.publicKey.toString("base64url") },
      format: "jwk",
    }),
  });
  expect(kem.diffieHellman(key, peer.publicKey).equals(expected)).toBe(true);
  expect(kem.diffieHellman(peer, key.publicKey).equals(expected)).toBe(true);
});

test.each(dhkems)("%s: diffieHellman is the same from both sides", (algorithm) => {
  const [a, b] = [kem.generateKeyPair(algorithm), kem.generateKeyPair(algorithm)];
  expect(kem.diffieHellman(a, b.publicKey).equals(kem.diffieHellman(b, a.publicKey))).toBe(true);
});
