import { expect, test } from "@jest/globals";
import { aead } from "#dist/native/aead.js";
import { hkdf } from "#dist/native/kdf.js";
import { MessageKeys } from "#dist/native/message-key.js";
import { Secret } from "#dist/native/secret.js";
import { heldHandles } from "../held-handles.js";

const labels = { key: Buffer.from("MLS 1.0 key"), nonce: Buffer.from("MLS 1.0 nonce") };
const [context, aad, plaintext, mask] = ["context", "aad", "plaintext", "mask"].map((text) => Buffer.from(text)) as [
  Buffer,
  Buffer,
  Buffer,
  Buffer,
];

test.each([
  ["SHA-256", "AES-128-GCM", 16],
  ["SHA-256", "CHACHA20-POLY1305", 32],
  ["SHA-384", "AES-256-GCM", 32],
  ["SHA-512", "AES-256-GCM", 32],
] as const)("%s and %s: as with handles of key and nonce", (hash, algorithm, keyLength) => {
  const secret = Secret.random(32);
  const handles = heldHandles();
  const keys = new MessageKeys(hash, algorithm, labels);
  for (const nonceXor of [undefined, mask]) {
    const out = Buffer.alloc(plaintext.byteLength + 16);
    keys.seal(secret, context, aad, plaintext, out, nonceXor);
    expect(heldHandles()).toBe(handles);
    const key = hkdf.expandLabel(hash, secret, labels.key, context, keyLength, "mls");
    const nonce = hkdf.expandLabel(hash, secret, labels.nonce, context, 12, "mls");
    expect(out).toEqual(aead.seal(algorithm, key, nonce, aad, plaintext, nonceXor));
    key.dispose();
    nonce.dispose();
    expect(keys.open(secret, context, aad, out, nonceXor)).toEqual(plaintext);
    expect(keys.open(secret, context, aad, sealedInPlace(keys, secret, nonceXor), nonceXor)).toEqual(plaintext);
  }
  secret.dispose();
});

function sealedInPlace(keys: MessageKeys, secret: Secret, nonceXor: Buffer | undefined): Buffer {
  const out = Buffer.concat([plaintext, Buffer.alloc(16)]);
  keys.seal(secret, context, aad, out.subarray(0, plaintext.byteLength), out, nonceXor);
  return out;
}

test("what is not sealed so does not open, and does not say why", () => {
  const [secret, other] = [Secret.random(32), Secret.random(32)];
  const keys = new MessageKeys("SHA-256", "AES-128-GCM", labels);
  const sealed = sealedInPlace(keys, secret, mask);
  const errors = [
    () => keys.open(other, context, aad, sealed, mask),
    () => keys.open(secret, aad, aad, sealed, mask),
    () => keys.open(secret, context, context, sealed, mask),
    () => keys.open(secret, context, aad, sealed),
    () => keys.open(secret, context, aad, sealed.subarray(1), mask),
    () => keys.open(secret, context, aad, sealed.subarray(0, 15), mask),
    () => keys.open(secret, context, aad, Buffer.alloc(0), mask),
  ].map((open) => {
    try {
      return open();
    } catch (error) {
      const { code, message } = error as { code: string; message: string };
      return `${code} ${message}`;
    }
  });
  expect(new Set(errors).size).toBe(1);
  expect(errors[0]).toMatch(/^undecryptable /);
  secret.dispose();
  other.dispose();
});

test("arguments that fit nowhere are refused", () => {
  const secret = Secret.random(32);
  const keys = new MessageKeys("SHA-256", "AES-128-GCM", labels);
  const usage = expect.objectContaining({ code: "usage" });
  const buffer = Buffer.alloc(64);
  for (const call of [
    () => keys.seal(secret, context, aad, plaintext, Buffer.alloc(plaintext.byteLength + 15)),
    () => keys.seal(secret, context, aad, plaintext, Buffer.alloc(plaintext.byteLength + 17)),
    () => keys.seal(secret, context, aad, plaintext, Buffer.alloc(plaintext.byteLength + 16), Buffer.alloc(13)),
    () => keys.seal(secret, context, aad, buffer.subarray(0, 20), buffer.subarray(1, 37)),
    () => keys.seal(secret, context, buffer.subarray(0, 8), plaintext, buffer.subarray(0, plaintext.byteLength + 16)),
    () => keys.seal(secret, context, "aad" as never, plaintext, Buffer.alloc(plaintext.byteLength + 16)),
    () => keys.open(secret, context, aad, new Uint8Array(new SharedArrayBuffer(32))),
    () => new MessageKeys("MD5" as never, "AES-128-GCM", labels),
    () => new MessageKeys("SHA-256", "DES" as never, labels),
  ]) {
    expect(call).toThrow(usage);
  }
  secret.dispose();
  expect(() => keys.seal(secret, context, aad, plaintext, Buffer.alloc(plaintext.byteLength + 16))).toThrow(usage);
  expect(() => keys.open(secret, context, aad, Buffer.alloc(32))).toThrow(usage);
});
