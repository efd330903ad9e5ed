// AES-256-GCM of the other libraries: 23 octets of associated data and a nonce of its own for each message, as a frame has
// them. They keep and reuse whatever their interface allows to.
import { gcm } from "@noble/ciphers/aes.js";
import { createCipheriv, createDecipheriv, createSecretKey, randomBytes, webcrypto } from "node:crypto";
import sodium from "sodium-native";
import { addon, sound } from "../addon.mjs";

export const floor = "floor";
export const nodeCrypto = "node:crypto";
export const webCrypto = "WebCrypto";
export const noble = "@noble/ciphers";
// libsodium's AES-256-GCM is not bound; of what is, this takes a nonce of the same size.
export const sodiumNative = "sodium-native (ChaCha20-Poly1305)";
export const peers = [nodeCrypto, webCrypto, sodiumNative, noble];

const key = randomBytes(32);
const aad = randomBytes(23);

/** The peers that seal, and the floor. */
export async function sealers(size) {
  const plaintext = randomBytes(size);
  const nonce = counter();
  return [
    floorOf(floor, 0, size),
    loop(nodeCrypto, nodeSealer(plaintext, nonce)),
    await webSealer(plaintext),
    loop(sodiumNative, sodiumSealer(plaintext, nonce)),
    loop(noble, () => gcm(key, nonce.next(), aad).encrypt(plaintext)),
  ];
}

/** The peers that open, and the floor. */
export async function openers(size) {
  const plaintext = randomBytes(size);
  const nonce = randomBytes(12);
  const sealed = Buffer.from(gcm(key, nonce, aad).encrypt(plaintext));
  return [
    floorOf(floor, 1, size),
    loop(nodeCrypto, nodeOpener(sealed, nonce)),
    await webOpener(sealed, nonce),
    loop(sodiumNative, sodiumOpener(plaintext, nonce)),
    loop(noble, () => gcm(key, nonce, aad).decrypt(sealed)),
  ];
}

/** The floor as a contender. `count` messages lie one after the other. */
export function floorOf(name, direction, size, count = 1) {
  const index = sound(addon().floorCreate(direction, size, count));
  return { name, run: (iterations) => void sound(addon().floorRun(index, iterations)) };
}

function loop(name, operation) {
  return {
    name,
    run(iterations) {
      for (let i = 0; i < iterations; ++i) operation();
    },
  };
}

function counter() {
  const nonce = randomBytes(12);
  let count = 0;
  return {
    next() {
      nonce.writeUInt32BE(count++ >>> 0, 8);
      return nonce;
    },
  };
}

function nodeSealer(plaintext, nonce) {
  const secret = createSecretKey(key);
  return () => {
    const cipher = createCipheriv("aes-256-gcm", secret, nonce.next());
    cipher.setAAD(aad);
    const ciphertext = cipher.update(plaintext);
    cipher.final();
    cipher.getAuthTag();
    return ciphertext;
  };
}

function nodeOpener(sealed, nonce) {
  const secret = createSecretKey(key);
  const ciphertext = sealed.subarray(0, -16);
  const tag = sealed.subarray(-16);
  return () => {
    const decipher = createDecipheriv("aes-256-gcm", secret, nonce, { authTagLength: 16 });
    decipher.setAAD(aad);
    decipher.setAuthTag(tag);
    const plaintext = decipher.update(ciphertext);
    decipher.final();
    return plaintext;
  };
}

function sodiumSealer(plaintext, nonce) {
  const out = Buffer.alloc(plaintext.length + sodium.crypto_aead_chacha20poly1305_ietf_ABYTES);
  return () => sodium.crypto_aead_chacha20poly1305_ietf_encrypt(out, plaintext, aad, null, nonce.next(), key);
}

function sodiumOpener(plaintext, nonce) {
  const sealed = Buffer.alloc(plaintext.length + sodium.crypto_aead_chacha20poly1305_ietf_ABYTES);
  sodium.crypto_aead_chacha20poly1305_ietf_encrypt(sealed, plaintext, aad, null, nonce, key);
  const out = Buffer.alloc(plaintext.length);
  return () => sodium.crypto_aead_chacha20poly1305_ietf_decrypt(out, null, sealed, aad, nonce, key);
}

// WebCrypto answers from a thread pool: many at once is what it is best at.
const inFlight = (size) => (size > 65536 ? 4 : 32);

async function webSealer(plaintext) {
  const secret = await webKey("encrypt");
  return flock(webCrypto, inFlight(plaintext.length), () =>
    webcrypto.subtle.encrypt({ name: "AES-GCM", iv: randomNonce(), additionalData: aad }, secret, plaintext),
  );
}

async function webOpener(sealed, iv) {
  const secret = await webKey("decrypt");
  return flock(webCrypto, inFlight(sealed.length), () =>
    webcrypto.subtle.decrypt({ name: "AES-GCM", iv, additionalData: aad }, secret, sealed),
  );
}

let drawn = 0;
// A new array each: the operation reads it later.
function randomNonce() {
  const nonce = new Uint8Array(12);
  new DataView(nonce.buffer).setUint32(8, drawn++ >>> 0);
  return nonce;
}

function webKey(usage) {
  return webcrypto.subtle.importKey("raw", key, "AES-GCM", false, [usage]);
}

function flock(name, size, operation) {
  return {
    name,
    each: size,
    async run(iterations) {
      for (let i = 0; i < iterations; ++i) await Promise.all(Array.from({ length: size }, operation));
    },
  };
}
