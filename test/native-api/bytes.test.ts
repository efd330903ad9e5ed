// Every kind of array that JavaScript has, where bytes are expected.
import { createHash } from "node:crypto";
import { expect, test } from "@jest/globals";
import { aead, constantTimeEqual, hash, hkdf, hmac, randomBytes, Secret, SecureBuffer, wipe } from "tinymls/crypto";
import { refuses } from "./expect.js";

const text = Buffer.from("bytes");
const digest = createHash("sha256").update(text).digest();
const none = Buffer.alloc(0);

function detached(): Uint8Array {
  const array = new Uint8Array(8);
  structuredClone(array.buffer, { transfer: [array.buffer] });
  return array;
}

test("a view in the middle of its memory is read from its own offset", () => {
  const memory = new Uint8Array(64).fill(0xee);
  memory.set(text, 17);
  const view = memory.subarray(17, 17 + text.length);
  expect(hash("SHA-256", view)).toEqual(digest);
  expect(hash("SHA-256", Buffer.from(memory.buffer, 17, text.length))).toEqual(digest);
  wipe(view);
  expect([...memory.subarray(16, 23)]).toEqual([0xee, 0, 0, 0, 0, 0, 0xee]);
});

test("small arrays on the JavaScript heap and arrays of no length are bytes", () => {
  expect(hash("SHA-256", Uint8Array.of(...text))).toEqual(digest);
  expect(hash("SHA-256", new Uint8Array(0), none, text, new Uint8Array(new ArrayBuffer(0)))).toEqual(digest);
  expect(constantTimeEqual(none, new Uint8Array(0))).toBe(true);
});

test("a subclass of Uint8Array is bytes", () => {
  class Octets extends Uint8Array {}
  expect(hash("SHA-256", Octets.from(text))).toEqual(digest);
});

const kinds: [string, unknown][] = [
  ["a detached array", detached()],
  ["an array on shared memory", new Uint8Array(new SharedArrayBuffer(8))],
  ["an empty array on shared memory of no length", new Uint8Array(new SharedArrayBuffer(0))],
  ["a DataView", new DataView(new ArrayBuffer(8))],
  ["an Int8Array", new Int8Array(8)],
  ["a Uint8ClampedArray", new Uint8ClampedArray(8)],
  ["a Uint16Array", new Uint16Array(8)],
  ["a Float64Array", new Float64Array(8)],
  ["a BigUint64Array", new BigUint64Array(8)],
  ["an ArrayBuffer", new ArrayBuffer(8)],
  ["an array of numbers", [1, 2, 3]],
  ["text", "bytes"],
  ["a number", 8],
  ["a bigint", 8n],
  ["null", null],
  ["undefined", undefined],
  ["a symbol", Symbol("bytes")],
  ["a function", () => text],
  ["an object that looks like an array", { length: 8, byteLength: 8, buffer: new ArrayBuffer(8), byteOffset: 0 }],
  ["a proxy of an array", new Proxy(new Uint8Array(8), {})],
  ["an object with the prototype of Uint8Array", Object.create(Uint8Array.prototype)],
];

test.each(kinds)("%s is refused wherever bytes are expected", (name, value) => {
  const bytes = value as Uint8Array;
  const key = Secret.random(32);
  const nonce = Buffer.alloc(12);
  const cipher = aead.cipher("AES-256-GCM", key);
  const calls: (() => unknown)[] = [
    () => hash("SHA-256", bytes),
    () => hash("SHA-256", none, none, none, none, none, none, none, none, bytes),
    () => hmac("SHA-256", bytes, text),
    () => hmac("SHA-256", key, text, bytes),
    () => hkdf.extract("SHA-256", bytes, text),
    () => hkdf.expand("SHA-256", key, bytes, 16),
    () => hkdf.expandLabel("SHA-256", key, "label", bytes, 16, "mls"),
    () => aead.seal("AES-256-GCM", bytes, nonce, none, text),
    () => aead.seal("AES-256-GCM", key, bytes, none, text),
    () => aead.seal("AES-256-GCM", key, nonce, none, bytes),
    () => cipher.seal(nonce, none, bytes),
    () => cipher.open(bytes, none, Buffer.alloc(16)),
    () => cipher.open(nonce, none, bytes),
    () => cipher.openSecret(nonce, none, bytes),
    () => Secret.concat([text, bytes]),
    () => key.equals(bytes),
    () => constantTimeEqual(bytes, text),
    () => constantTimeEqual(text, bytes),
  ];
  // These read or write the array in JavaScript, which may as well be shared.
  if (!name.includes("shared"))
    calls.push(
      () => Secret.from(bytes),
      () => SecureBuffer.from(bytes),
      () => wipe(bytes),
    );
  for (const call of calls) refuses("usage", call);
});

test("lengths beyond what a call takes are refused before memory is", () => {
  for (const length of [-1, 0.5, NaN, 2 ** 31, 2 ** 40, 2 ** 53]) refuses("usage", () => randomBytes(length));
  for (const length of [-1, 0, NaN, 2 ** 24 + 1, 2 ** 40]) refuses("usage", () => new SecureBuffer(length));
  const huge = new Uint8Array(2 ** 32); // never touched, so it takes no memory
  refuses("usage", () => Secret.from(huge));
  refuses("usage", () => Secret.concat([huge]));
  refuses("usage", () => SecureBuffer.from(huge));
  refuses("usage", () => aead.seal("AES-256-GCM", huge, Buffer.alloc(12), none, text));
  refuses("usage", () => aead.seal("AES-256-GCM", Buffer.alloc(32), huge, none, text));
  const key = Secret.random(32);
  refuses("usage", () => hkdf.expand("SHA-256", key, none, 255 * 32 + 1));
});

test("an algorithm that is none is refused", () => {
  for (const algorithm of ["SHA-1", "sha256", "", "__proto__", "constructor", undefined, null, 1, {}]) {
    refuses("usage", () => hash(algorithm as "SHA-256", text));
    refuses("usage", () => hkdf.extract(algorithm as "SHA-256", text, text));
    refuses("usage", () => aead.cipher(algorithm as "AES-128-GCM", Buffer.alloc(16)));
  }
});
