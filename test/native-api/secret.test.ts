import { inspect } from "node:util";
import { MessageChannel, receiveMessageOnPort } from "node:worker_threads";
import { expect, test } from "@jest/globals";
import { addon } from "#dist/native/addon.js";
import { check } from "#dist/native/fault.js";
import { decodeSecret, handleOf } from "#dist/native/secret.js";
import { aead, hkdf, hmac, Secret } from "tinymls/crypto";
import { heldHandles } from "../held-handles.js";
import { refusal, refuses } from "./expect.js";

const bytes = Buffer.from("00112233445566778899aabbccddeeff", "hex");
const none = Buffer.alloc(0);
const native = addon<{ release(...handles: number[]): number }>();

test("from copies: the caller's bytes may change afterwards", () => {
  const own = Buffer.from(bytes);
  const secret = Secret.from(own);
  own.fill(0);
  expect(secret.equals(bytes)).toBe(true);
  expect(secret.byteLength).toBe(16);
});

test("random secrets have their length and differ", () => {
  for (const length of [0, 1, 32, 4096]) expect(Secret.random(length).byteLength).toBe(length);
  expect(Secret.random(32).equals(Secret.random(32))).toBe(false);
});

test("slice, clone and concat make secrets of their own", () => {
  const secret = Secret.from(bytes);
  const [head, tail, copy] = [secret.slice(0, 4), secret.slice(4), secret.clone()];
  secret.dispose();
  expect(head.equals(bytes.subarray(0, 4))).toBe(true);
  expect(copy.equals(bytes)).toBe(true);
  expect(Secret.concat([head, tail]).equals(copy)).toBe(true);
  expect(copy.slice(16).byteLength).toBe(0);
});

test.each([0, 1, 15, 16, 17, 31, 32, 100])("concat of %i mixed parts leaves one handle more", (count) => {
  const octets = Buffer.from(Array.from({ length: count }, (_, i) => i));
  const parts = Array.from(octets, (octet, i) => (i % 2 ? Secret.from(Buffer.of(octet)) : Buffer.of(octet)));
  const before = heldHandles();
  const joined = Secret.concat(parts);
  expect(heldHandles()).toBe(before + 1);
  expect(joined.equals(octets)).toBe(true);
});

test("concat with a disposed part is refused and leaves no handle", () => {
  const gone = Secret.random(1);
  gone.dispose();
  refuses("usage", () => Secret.concat(Array.from({ length: 40 }, (_, i) => (i === 39 ? gone : bytes))));
});

test("of several handles that are released at once one that names nothing is refused, and the others are gone", () => {
  const [first, last] = [Secret.from(bytes), Secret.from(bytes)];
  const before = heldHandles();
  const release = (): number => check(native.release(handleOf(first), 2 ** 40, handleOf(last)), "release");
  expect(refusal(release).code).toBe("usage");
  expect(heldHandles()).toBe(before - 2);
  refuses("usage", () => check(native.release(), "release"));
});

test("equals tells other octets and other lengths apart", () => {
  const secret = Secret.from(bytes);
  expect(secret.equals(Secret.from(bytes))).toBe(true);
  expect(secret.equals(bytes.subarray(1))).toBe(false);
  for (let i = 0; i < bytes.length; i++) {
    const other = Buffer.from(bytes);
    other[i]! ^= 0x80;
    expect(secret.equals(other)).toBe(false);
  }
});

test.each([
  [-1, 4],
  [5, 4],
  [0, 17],
  [0.5, 4],
  [NaN, 4],
  [0, Infinity],
  [2 ** 53, 2 ** 53],
])("slice(%p, %p) lies outside", (start, end) => {
  const secret = Secret.from(bytes);
  refuses("usage", () => secret.slice(start, end));
  expect(secret.equals(bytes)).toBe(true);
});

test.each([-1, 1.5, NaN, Infinity, 2 ** 24 + 1, 2 ** 32, 2 ** 53])("a secret cannot have length %p", (length) => {
  refuses("usage", () => Secret.random(length));
});

test("dispose frees once; every later use is refused as misuse", () => {
  const before = heldHandles();
  const secret = Secret.from(bytes);
  expect(heldHandles()).toBe(before + 1);
  secret.dispose();
  expect(heldHandles()).toBe(before);
  secret.dispose();
  secret[Symbol.dispose]();
  const uses: (() => unknown)[] = [
    () => secret.byteLength,
    () => secret.clone(),
    () => secret.slice(0),
    () => secret.slice(0, 0),
    () => secret.equals(bytes),
    () => Secret.concat([secret]),
    () => hkdf.extract("SHA-256", none, secret),
    () => hkdf.extract("SHA-256", secret, bytes),
    () => hkdf.expand("SHA-256", secret, none, 16),
    () => hkdf.expandLabel("SHA-256", secret, "label", none, 16, "mls"),
    () => hmac("SHA-256", secret, none),
    () => aead.seal("AES-128-GCM", secret, Buffer.alloc(12), none, none),
    () => aead.seal("AES-128-GCM", bytes, Buffer.alloc(12), none, secret),
    () => aead.cipher("AES-128-GCM", secret),
    () => decodeSecret(secret, () => 1),
  ];
  for (const use of uses) refuses("usage", use);
  expect(heldHandles()).toBe(before);
});

test("a disposed slot that is used again does not revive the old secret", () => {
  const old = Secret.from(bytes);
  const other = Secret.from(bytes);
  old.dispose();
  const next = Secret.random(16); // takes the slot that `old` left
  refuses("usage", () => old.equals(next));
  old.dispose();
  expect(next.byteLength).toBe(16);
  expect(other.equals(bytes)).toBe(true);
});

test("it prints as its length alone and refuses JSON", () => {
  const secret = Secret.from(bytes);
  expect(inspect(secret)).toBe("Secret { 16 bytes }");
  expect(inspect({ deep: { secret } }, { showHidden: true, depth: 5 })).toContain("Secret { 16 bytes }");
  refuses("usage", () => JSON.stringify({ secret }));
  secret.dispose();
  expect(inspect(secret)).toBe("Secret { disposed }");
  expect(Reflect.ownKeys(secret)).toEqual([]);
});

test("neither structuredClone nor postMessage carries anything of it", () => {
  const secret = Secret.from(bytes);
  expect(structuredClone({ secret })).toEqual({ secret: {} });
  const { port1, port2 } = new MessageChannel();
  port1.postMessage({ secret });
  const received = receiveMessageOnPort(port2) as { message: { secret: Secret } };
  port1.close();
  expect(received.message).toEqual({ secret: {} });
  refuses("usage", () => hkdf.expand("SHA-256", received.message.secret, none, 16));
});

test("no error holds bytes of its input", () => {
  const key = Buffer.from("a key of some 32 bytes, in ASCII");
  const errors = [
    refusal(() => aead.open("AES-256-GCM", key, Buffer.alloc(12), none, Buffer.alloc(40))),
    refusal(() => aead.seal("AES-128-GCM", key, Buffer.alloc(12), none, key)),
    refusal(() => Secret.from(key).slice(0, 99)),
  ];
  for (const error of errors) {
    const printed = inspect(error, { showHidden: true, depth: 9 }) + JSON.stringify(error);
    expect(printed).not.toContain("some 32 bytes");
    expect(printed).not.toContain(key.toString("hex").slice(0, 16));
  }
});

test("decodeSecret wipes its scratch copy on return and on throw", () => {
  const secret = Secret.from(bytes);
  let scratch: Uint8Array = none;
  const result = decodeSecret(secret, (copy) => {
    scratch = copy;
    expect(Buffer.from(copy)).toEqual(bytes);
    return copy.length;
  });
  expect(result).toBe(16);
  expect(Buffer.from(scratch)).toEqual(Buffer.alloc(16));
  scratch = none;
  expect(() =>
    decodeSecret(secret, (copy) => {
      scratch = copy;
      throw new Error("malformed");
    }),
  ).toThrow("malformed");
  expect(Buffer.from(scratch)).toEqual(Buffer.alloc(16));
});
