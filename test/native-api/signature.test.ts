import { createPublicKey, verify as nodeVerify } from "node:crypto";
import { expect, test } from "@jest/globals";
import { signature } from "tinymls/crypto";
import { heldHandles } from "../held-handles.js";
import { refuses } from "./expect.js";
import { message, none, signatures } from "./public-key.js";

test.each(signatures)("%s: signs, and verifies that alone", (algorithm) => {
  const key = signature.generateKeyPair(algorithm);
  const signed = signature.sign(key, message);
  const verify = (text: Uint8Array, octets: Uint8Array) => signature.verify(algorithm, key.publicKey, text, octets);
  expect(verify(message, signed)).toBe(true);
  expect(verify(none, signed)).toBe(false);
  expect(verify(none, signature.sign(key, none))).toBe(true);
  for (const index of [0, 1, signed.length >> 1, signed.length - 1]) {
    const forged = Buffer.from(signed);
    forged[index]! ^= 1;
    expect(verify(message, forged)).toBe(false);
  }
  for (const other of [none, signed.subarray(1), signed.subarray(0, -1), Buffer.concat([signed, Buffer.of(0)])])
    expect(verify(message, other)).toBe(false);
  const stranger = signature.generateKeyPair(algorithm);
  expect(signature.verify(algorithm, stranger.publicKey, message, signed)).toBe(false);
});

test.each(signatures)("%s: a public key of another length is malformed", (algorithm) => {
  const { publicKey } = signature.generateKeyPair(algorithm);
  for (const wrong of [none, publicKey.subarray(1), Buffer.concat([publicKey, Buffer.of(0)])])
    refuses("malformed", () => signature.verify(algorithm, wrong, message, none));
});

test.each(["ECDSA-P256", "ECDSA-P384", "ECDSA-P521"] as const)("%s: points are checked", (algorithm) => {
  const { publicKey } = signature.generateKeyPair(algorithm);
  const off = Buffer.from(publicKey);
  off[off.length - 1]! ^= 1;
  refuses("invalid", () => signature.verify(algorithm, off, message, none));
  const compressed = Buffer.concat([
    Buffer.of(2 + (publicKey.at(-1)! & 1)),
    publicKey.subarray(1, (publicKey.length + 1) / 2),
  ]);
  refuses("malformed", () => signature.verify(algorithm, compressed, message, none));
  for (const form of [0, 2, 3, 6, 7]) {
    off.set(publicKey);
    off[0] = form;
    refuses("malformed", () => signature.verify(algorithm, off, message, none));
  }
});

// Another implementation reads what this one signs.
test.each([
  ["ECDSA-P256", "P-256", "sha256"],
  ["ECDSA-P384", "P-384", "sha384"],
  ["ECDSA-P521", "P-521", "sha512"],
  ["Ed25519", "Ed25519", undefined],
  ["Ed448", "Ed448", undefined],
] as const)("%s: node:crypto accepts the signatures", (algorithm, crv, digest) => {
  const key = signature.generateKeyPair(algorithm);
  const point = key.publicKey;
  const half = (point.length + 1) / 2;
  const base64 = (octets: Buffer) => octets.toString("base64url");
  const jwk = digest
    ? { kty: "EC", crv, x: base64(point.subarray(1, half)), y: base64(point.subarray(half)) }
    : { kty: "OKP", crv, x: base64(point) };
  const publicKey = createPublicKey({ key: jwk, format: "jwk" });
  for (let i = 0; i < 8; i++) {
    const text = Buffer.from(`message ${i}`);
    expect(nodeVerify(digest, text, publicKey, signature.sign(key, text))).toBe(true);
  }
});

test.each(signatures)("%s: verifyAll tells each item apart", async (algorithm) => {
  const keys = [0, 1, 2].map(() => signature.generateKeyPair(algorithm));
  const items = Array.from({ length: 60 }, (_, i) => {
    const key = keys[i % 3]!;
    const text = Buffer.from(`message ${i}`);
    return { publicKey: key.publicKey, message: text, signature: signature.sign(key, text) };
  });
  items[3]!.message = Buffer.from("message 4");
  items[7]!.publicKey = none;
  items[11]!.signature = none;
  items[13]!.publicKey = keys[0]!.publicKey;
  const before = heldHandles();
  // Few are verified at once, some with other threads, more off this one.
  for (const count of [4, 15, 60]) {
    const asked = items.slice(0, count).map((item) => ({ ...item, message: Buffer.from(item.message) }));
    const verdicts = signature.verifyAll(algorithm, asked);
    for (const { message } of asked) message.fill(0); // copied already
    const refused = [3, 7, 11, 13].filter((i) => i < count);
    expect((await verdicts).flatMap((valid, i) => (valid ? [] : [i]))).toEqual(refused);
  }
  expect(heldHandles()).toBe(before);
});

test("verifyAll of nothing, and of what is no item", async () => {
  expect(await signature.verifyAll("Ed25519", [])).toEqual([]);
  const item = { publicKey: none, message: "text" as never, signature: none };
  await expect(signature.verifyAll("Ed25519", [item])).rejects.toMatchObject({ code: "usage" });
  await expect(signature.verifyAll("Ed25519", {} as never)).rejects.toMatchObject({ code: "usage" });
  await expect(signature.verifyAll("RSA" as never, [])).rejects.toMatchObject({ code: "usage" });
});
