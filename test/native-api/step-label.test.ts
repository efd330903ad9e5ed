import { expect, test } from "@jest/globals";
import { hpke } from "#dist/native/hpke.js";
import { kem } from "#dist/native/kem.js";
import { hkdf, stepLabel } from "#dist/native/kdf.js";
import { Secret } from "#dist/native/secret.js";
import { heldHandles } from "../held-handles.js";

const label = Buffer.from("MLS 1.0 secret");
const context = Buffer.from([0, 0, 0, 7]);
const usage = expect.objectContaining({ code: "usage" });

test.each(["SHA-256", "SHA-384", "SHA-512"] as const)(
  "%s: what expandLabel gives takes the secret's place",
  (algorithm) => {
    for (const length of [1, 16, 32, 48, 64]) {
      using secret = Secret.random(length);
      for (const format of ["mls", "tls13"] as const) {
        using next = hkdf.expandLabel(algorithm, secret, label, context, length, format);
        const held = heldHandles();
        stepLabel(algorithm, secret, label, context, format);
        expect(heldHandles()).toBe(held);
        expect(secret.equals(next)).toBe(true);
        expect(secret.byteLength).toBe(length);
      }
    }
  },
);

test("what is refused leaves the secret as it was", () => {
  using long = Secret.random(65);
  using secret = Secret.random(32);
  using copies = {
    long: long.clone(),
    short: secret.clone(),
    [Symbol.dispose]: () => (copies.long.dispose(), copies.short.dispose()),
  };
  expect(() => stepLabel("SHA-256", long, label, context, "mls")).toThrow(usage);
  expect(() => stepLabel("SHA-256", secret, label, context, "tls14" as never)).toThrow(usage);
  expect(() => stepLabel("SHA-1" as never, secret, label, context, "mls")).toThrow(usage);
  expect(() => stepLabel("SHA-256", secret, Buffer.alloc(256), context, "tls13")).toThrow(usage);
  expect(() => stepLabel("SHA-256", secret, label, "context" as never, "mls")).toThrow(usage);
  expect(long.equals(copies.long)).toBe(true);
  expect(secret.equals(copies.short)).toBe(true);
});

test("a secret that is disposed, or that a running batch encrypts, is refused", async () => {
  const suite = { kem: "DHKEM-X25519", kdf: "SHA-256", aead: "AES-128-GCM" } as const;
  using recipient = kem.generateKeyPair(suite.kem);
  using secret = Secret.random(32);
  using copy = secret.clone();
  const none = new Uint8Array(0);
  const item = { publicKey: recipient.publicKey, info: none, aad: none, plaintext: secret };
  const running = hpke.sealAll(suite, Array<typeof item>(500).fill(item));
  expect(() => stepLabel("SHA-256", secret, label, context, "mls")).toThrow(usage);
  for (const { enc, ciphertext } of await running) {
    using opened = hpke.openSecret(suite, recipient, enc, none, none, ciphertext);
    expect(opened.equals(copy)).toBe(true);
  }
  expect(secret.equals(copy)).toBe(true);
  stepLabel("SHA-256", secret, label, context, "mls");
  secret.dispose();
  expect(() => stepLabel("SHA-256", secret, label, context, "mls")).toThrow(usage);
});
