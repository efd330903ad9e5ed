import { expect, test } from "@jest/globals";
import { createHash, randomBytes } from "node:crypto";
import { hashEach } from "#dist/native/hash.js";

const algorithms = [
  ["SHA-256", "sha256", 32],
  ["SHA-384", "sha384", 48],
  ["SHA-512", "sha512", 64],
] as const;

test.each(algorithms)("%s of each of many inputs, empty ones too", (algorithm, name, size) => {
  const inputs = [0, 1, 55, 56, 64, 0, 127, 1000, 0].map((length) => randomBytes(length));
  const out = Buffer.alloc(inputs.length * size);
  hashEach(
    algorithm,
    Buffer.concat(inputs),
    Uint32Array.from(inputs, (input) => input.length),
    out,
  );
  expect(out).toEqual(Buffer.concat(inputs.map((input) => createHash(name).update(input).digest())));
  hashEach(algorithm, new Uint8Array(0), new Uint32Array(0), new Uint8Array(0));
});

test("lengths that do not add up, and room that does not fit, are refused", () => {
  const usage = expect.objectContaining({ code: "usage" });
  const call = (joined: number, lengths: number[], out: number) => () =>
    hashEach("SHA-256", new Uint8Array(joined), Uint32Array.from(lengths), new Uint8Array(out));
  for (const wrong of [
    call(10, [4, 7], 64),
    call(10, [4, 5], 64),
    call(10, [], 0),
    call(10, [0xffffffff, 11], 64),
    call(10, [10], 31),
    call(10, [10], 64),
  ]) {
    expect(wrong).toThrow(usage);
  }
});
