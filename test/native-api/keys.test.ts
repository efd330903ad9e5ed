import { inspect } from "node:util";
import { expect, test } from "@jest/globals";
import { aead, kem, PrivateKey, Secret, signature } from "tinymls/crypto";
import { heldHandles } from "../held-handles.js";
import { refuses } from "./expect.js";
import {
  generate,
  hasPostQuantum,
  kems,
  message,
  none,
  postQuantumKems,
  postQuantumSignatures,
  signatures,
} from "./public-key.js";

const wrapping = Secret.random(32);
const nonce = Buffer.alloc(12);
const sealed = (key: PrivateKey) => aead.seal("AES-256-GCM", wrapping, nonce, none, key);
const rawOf = (key: PrivateKey) => aead.open("AES-256-GCM", wrapping, nonce, none, sealed(key));

test.each([...kems, ...signatures])("%s: a key sealed and opened again is the same key", (algorithm) => {
  const key = generate(algorithm);
  const secret = aead.openSecret("AES-256-GCM", wrapping, nonce, none, sealed(key));
  expect(secret.byteLength).toBe(key.byteLength);
  const again = PrivateKey.fromSecret(algorithm, secret);
  expect(again.publicKey).toEqual(key.publicKey);
  expect(again.algorithm).toBe(algorithm);
  expect(PrivateKey.import(algorithm, rawOf(key)).publicKey).toEqual(key.publicKey);
  expect(generate(algorithm).publicKey).not.toEqual(key.publicKey);
});

test.each([...kems, ...signatures])("%s: raw keys of another length are malformed", (algorithm) => {
  const raw = rawOf(generate(algorithm));
  for (const wrong of [none, raw.subarray(1), Buffer.concat([raw, Buffer.of(0)])]) {
    refuses("malformed", () => PrivateKey.import(algorithm, wrong));
    const secret = Secret.from(wrong);
    refuses("malformed", () => PrivateKey.fromSecret(algorithm, secret));
  }
});

test.each(["DHKEM-P256", "DHKEM-P384", "DHKEM-P521", "ECDSA-P256", "ECDSA-P384", "ECDSA-P521"] as const)(
  "%s: scalars out of range are invalid",
  (algorithm) => {
    const { byteLength } = generate(algorithm);
    refuses("invalid", () => PrivateKey.import(algorithm, Buffer.alloc(byteLength)));
    refuses("invalid", () => PrivateKey.import(algorithm, Buffer.alloc(byteLength, 0xff)));
  },
);

test("a clone outlives the key, and each is a handle of its own", () => {
  const before = heldHandles();
  const key = signature.generateKeyPair("Ed25519");
  const clone = key.clone();
  expect(heldHandles()).toBe(before + 2);
  key.dispose();
  key.dispose();
  refuses("usage", () => key.clone());
  refuses("usage", () => signature.sign(key, message));
  refuses("usage", () => sealed(key));
  expect(signature.verify("Ed25519", clone.publicKey, message, signature.sign(clone, message))).toBe(true);
  clone[Symbol.dispose]();
  expect(heldHandles()).toBe(before);
});

test("a private key shows and serialises nothing", () => {
  const key = kem.generateKeyPair("DHKEM-X25519");
  expect(inspect(key)).toBe("PrivateKey { DHKEM-X25519 }");
  refuses("usage", () => JSON.stringify({ key }));
  expect(Object.keys(key).sort()).toEqual(["algorithm", "byteLength", "publicKey"]);
  key.dispose();
  expect(inspect(key)).toBe("PrivateKey { disposed }");
});

test("a key of one use does not serve the other, and unknown names are usage errors", () => {
  const signing = signature.generateKeyPair("ECDSA-P256");
  const receiving = kem.generateKeyPair("DHKEM-P256");
  refuses("usage", () => signature.sign(receiving, message));
  refuses("usage", () => kem.decapsulate(signing, receiving.publicKey));
  refuses("usage", () => kem.generateKeyPair("Ed25519" as never));
  refuses("usage", () => signature.generateKeyPair("DHKEM-P256" as never));
  refuses("usage", () => PrivateKey.import("toString" as never, Buffer.alloc(32)));
  refuses("usage", () => PrivateKey.import("Ed25519", "00".repeat(32) as never));
});

test("post-quantum algorithms are there, or a config error says that they are not", () => {
  for (const algorithm of [...postQuantumKems, ...postQuantumSignatures]) {
    if (hasPostQuantum) expect(generate(algorithm).algorithm).toBe(algorithm);
    else refuses("config", () => generate(algorithm));
  }
});
