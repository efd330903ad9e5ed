// After `dispose` no copy of a secret is left in the process: not in the slab, OpenSSL's objects, the stack or the JavaScript heap.
import { describe, expect, test } from "@jest/globals";
import { stepLabel } from "#dist/native/kdf.js";
import { decodeSecret } from "#dist/native/secret.js";
import { aead, hkdf, hmac, hmacVerify, Secret, SecureBuffer, wipe } from "tinymls/crypto";
import { Needle, occurrences } from "./scan.js";

const none = Buffer.alloc(0);
const nonce = Buffer.alloc(12);
const needleOf = (secret: Secret) => decodeSecret(secret, (octets) => new Needle(octets));

const uses: Record<string, (key: Secret) => void> = {
  nothing: () => undefined,
  "slice, clone, concat, equals": (key) => {
    const [head, tail, copy] = [key.slice(0, 10), key.slice(10), key.clone()];
    const joined = Secret.concat([head, tail]);
    expect(joined.equals(copy)).toBe(true);
    for (const secret of [head, tail, copy, joined]) secret.dispose();
  },
  hmac: (key) => {
    const tag = hmac("SHA-256", key, none);
    expect(hmacVerify("SHA-256", key, tag, none)).toBe(true);
  },
  "hmac with SHA-384": (key) => void hmac("SHA-384", key, none),
  "hkdf.extract as salt and as key": (key) => {
    hkdf.extract("SHA-256", key, none).dispose();
    hkdf.extract("SHA-512", none, key).dispose();
  },
  "hkdf.expand and expandLabel": (key) => {
    hkdf.expand("SHA-256", key, none, 64).dispose();
    hkdf.expandLabel("SHA-256", key, "MLS 1.0 key", none, 16, "mls").dispose();
  },
  stepLabel: (key) => {
    using copy = key.clone();
    stepLabel("SHA-256", copy, Buffer.from("MLS 1.0 secret"), none, "mls");
    expect(copy.equals(key)).toBe(false);
  },
  "AES-256-GCM, one shot": (key) => {
    const sealed = aead.seal("AES-256-GCM", key, nonce, none, Buffer.from("text"));
    expect(aead.open("AES-256-GCM", key, nonce, none, sealed).toString()).toBe("text");
  },
  "ChaCha20-Poly1305, one shot": (key) => {
    const sealed = aead.seal("CHACHA20-POLY1305", key, nonce, none, Buffer.from("text"));
    expect(aead.open("CHACHA20-POLY1305", key, nonce, none, sealed).toString()).toBe("text");
  },
  "a kept cipher": (key) => {
    const cipher = aead.cipher("AES-256-GCM", key);
    cipher.open(nonce, none, cipher.seal(nonce, none, Buffer.from("text")));
    cipher.dispose();
  },
  "being sealed and opened under another key": (key) => {
    const other = Secret.random(32);
    const opened = aead.openSecret(
      "AES-256-GCM",
      other,
      nonce,
      none,
      aead.seal("AES-256-GCM", other, nonce, none, key),
    );
    expect(opened.equals(key)).toBe(true);
    opened.dispose();
    other.dispose();
  },
  "a refused opening": (key) => {
    const other = Secret.random(32);
    const sealed = aead.seal("AES-256-GCM", other, nonce, none, key);
    sealed[sealed.length - 1]! ^= 1;
    expect(() => aead.openSecret("AES-256-GCM", other, nonce, none, sealed)).toThrow();
    expect(() => aead.open("AES-256-GCM", other, nonce, none, sealed)).toThrow();
    other.dispose();
  },
};

// Only Linux shows a process its own memory as a file.
const onLinux = process.platform === "linux" ? describe : () => undefined;

onLinux("the scan of this process's memory", () => {
  test("finds what is there, wherever it is, and nothing else", () => {
    const secret = Secret.random(32);
    // On memory of their own: V8 would move small arrays off its heap and leave their octets there.
    const bytes = new Uint8Array(new ArrayBuffer(32));
    const shifted = new Uint8Array(new ArrayBuffer(64));
    decodeSecret(secret, (octets) => bytes.set(octets));
    secret.dispose();
    const needle = new Needle(bytes);
    shifted.set(bytes, 7);
    expect(needle.occurrences()).toBeGreaterThanOrEqual(2);
    shifted.fill(0);
    wipe(bytes);
    expect(needle.occurrences()).toBe(0);
  });

  test.each([16, 32, 64, 65, 1000])(
    "finds no trace of %i bytes that went through JavaScript and were wiped",
    (length) => {
      const origin = Secret.random(length);
      const needle = needleOf(origin);
      const bytes = new Uint8Array(length); // up to 64 octets lie on V8's own heap
      decodeSecret(origin, (octets) => bytes.set(octets));
      origin.dispose();
      const secret = Secret.from(bytes);
      const buffer = SecureBuffer.from(bytes);
      wipe(bytes);
      for (let i = 0; i < length; i++) expect(bytes[i]).toBe(0);
      secret.dispose();
      buffer.dispose();
      expect(needle.occurrences()).toBe(0);
    },
  );

  test("finds each secret once before dispose, however it was used, and not after", () => {
    const names = Object.keys(uses);
    const secrets = names.map(() => Secret.random(32));
    const needles = secrets.map(needleOf);
    names.forEach((name, i) => uses[name]!(secrets[i]!));
    const report = () => Object.fromEntries(occurrences(needles).map((count, i) => [names[i], count]));
    expect(report()).toEqual(Object.fromEntries(names.map((name) => [name, 1])));
    for (const secret of secrets) secret.dispose();
    expect(report()).toEqual(Object.fromEntries(names.map((name) => [name, 0])));
  });

  test("finds a key while a cipher holds it and the bytes of a SecureBuffer, and neither after dispose", () => {
    const [key, secret] = [Secret.random(32), Secret.random(32)];
    const needles = [key, secret].map(needleOf);
    const cipher = aead.cipher("CHACHA20-POLY1305", key);
    const buffer = SecureBuffer.alloc(32);
    decodeSecret(secret, (octets) => buffer.bytes.set(octets));
    key.dispose();
    secret.dispose();
    for (const count of occurrences(needles)) expect(count).toBe(1);
    cipher.dispose();
    buffer.dispose();
    expect(occurrences(needles)).toEqual([0, 0]);
  });

  test("finds no secret once its object was collected", async () => {
    const { collect } = await import("../native-api/collect.js");
    const needle = (() => needleOf(Secret.random(32)))();
    await collect(() => needle.occurrences() === 0, 30_000);
    expect(needle.occurrences()).toBe(0);
  }, 120_000);
});
