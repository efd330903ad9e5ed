// Each function of the addon, called as no TypeScript would: nothing may crash, throw, or hand out an object that it cannot free.
import fc from "fast-check";
import { describe, expect, test } from "@jest/globals";
import { addon } from "#dist/native/addon.js";
import { sealableHandle } from "#dist/native/secret.js";
import { signature } from "tinymls/crypto";

type NativeFunction = (...args: unknown[]) => unknown;
const native = addon<Record<string, NativeFunction>>();
const functions = Object.keys(native).sort();

const live = () => native["liveHandles"]!() as number;
const release = (handle: number) => native["release"]!(handle) as number;
const usage = -2;
const lastFault = -13;

// Random costs would take hours, and strictness is of the whole process: these have tests of their own below.
const aside = new Set(["argon2id", "setStrictMemory"]);

// Live objects to be confused with one another: some kept for the file, some fresh in each run.
const ownedKey = signature.generateKeyPair("Ed25519");
const kept = ownedKey[sealableHandle];

function freshObjects(): number[] {
  const key = Buffer.alloc(32, 1);
  return [
    native["secretFrom"]!(key) as number,
    native["aeadCipher"]!(2, key) as number,
    native["secureBuffer"]!(16) as number,
  ];
}

/** Stands for the handle of the object of this number. */
class Live {
  constructor(readonly number: number) {}
}

function detached(): Uint8Array {
  const array = new Uint8Array(16);
  structuredClone(array.buffer, { transfer: [array.buffer] });
  return array;
}

const hostile = {
  get length(): never {
    throw new Error("getter");
  },
  valueOf(): never {
    throw new Error("valueOf");
  },
};

const strange = [
  () => undefined,
  () => null,
  detached,
  () => new Uint8Array(new SharedArrayBuffer(16)),
  () => new DataView(new ArrayBuffer(16)),
  () => new Float32Array(4),
  () => new ArrayBuffer(16),
  () => new Proxy(new Uint8Array(16), {}),
  () => hostile,
  () => [new Uint8Array(16), 5, hostile],
];
const edges = [NaN, -0, -1, 0.5, 2 ** 31, 2 ** 32, 2 ** 49 + 1, 2 ** 53 - 1, 2 ** 53, 1e300, Infinity];

const argument: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 0, max: 3 }).map((number) => new Live(number)) },
  { weight: 6, arbitrary: fc.integer({ min: 0, max: 70 }) },
  { weight: 6, arbitrary: fc.uint8Array({ maxLength: 80 }) },
  { weight: 3, arbitrary: fc.constantFrom(12, 16, 32, 48, 64).map((length) => Buffer.alloc(length, 5)) },
  { weight: 2, arbitrary: fc.constantFrom(...edges) },
  { weight: 1, arbitrary: fc.maxSafeInteger() },
  { weight: 2, arbitrary: fc.constantFrom(...strange).map((make) => make()) },
  { weight: 1, arbitrary: fc.anything({ withBigInt: true, withTypedArray: true, maxDepth: 2 }) },
);

// What a call answered: a count, a handle or a known fault, or an object. What it created can be freed again.
async function settle(answer: unknown, before: number): Promise<void> {
  const result: unknown = await answer;
  const values: unknown[] = Array.isArray(result) ? result : [result];
  for (const value of values) {
    if (typeof value !== "number") continue;
    expect(Number.isSafeInteger(value)).toBe(true);
    expect(value).toBeGreaterThanOrEqual(lastFault);
  }
  for (const value of values) if (live() > before && typeof value === "number") release(value);
  expect(live()).toBeLessThanOrEqual(before);
}

describe("random arguments are answered with a number or an object", () => {
  test.each(functions.filter((name) => !aside.has(name)))("%s", async (name) => {
    await fc.assert(
      fc.asyncProperty(fc.array(argument, { maxLength: 12 }), async (drawn) => {
        const fresh = freshObjects();
        const args = drawn.map((value) => (value instanceof Live ? [...fresh, kept][value.number] : value));
        const before = live();
        let answer: unknown;
        expect(() => (answer = native[name]!(...args))).not.toThrow();
        await settle(answer, before);
        for (const handle of fresh) release(handle);
      }),
      { numRuns: 200, seed: 9420 },
    );
  });
});

test("argon2id refuses each wrong argument, at once or by its promise", async () => {
  const good = [Buffer.from("password"), Buffer.alloc(16), 64, 1, 1, 32];
  const bad = [undefined, null, -1, 0.5, NaN, "8", hostile, 2 ** 40, new Float32Array(4), detached()];
  for (let index = 0; index < good.length; index++)
    for (const value of bad) {
      const args = good.map((argument, i) => (i === index ? value : argument));
      expect(await native["argon2id"]!(...args)).toBe(usage);
    }
  for (const outside of [7, 2 ** 22 + 1])
    expect(await native["argon2id"]!(good[0], good[1], outside, 1, 1, 32)).toBe(usage);
  expect(await native["argon2id"]!(good[0], Buffer.alloc(7), 64, 1, 1, 32)).toBe(usage);
  expect(await native["argon2id"]!(good[0], good[1], 64, 1, 9, 32)).toBe(usage);
  expect(await native["argon2id"]!(good[0], good[1], 64, 1, 1, 1025)).toBe(usage);
  expect(native["setStrictMemory"]!()).toBe(usage);
  expect(native["setStrictMemory"]!(2 ** 40)).toBe(usage);
});

describe("forged handles", () => {
  const secret = () => native["secretFrom"]!(Buffer.alloc(16, 3)) as number;

  test("each neighbour of a live handle names nothing", () => {
    const handle = secret();
    for (let bit = 0; bit < 53; bit++) {
      const forged = Number(BigInt(handle) ^ (1n << BigInt(bit)));
      expect(native["secretLength"]!(forged)).toBe(usage);
      expect(release(forged)).toBe(usage);
    }
    for (const forged of [handle + 0.5, -handle, handle + 2 ** 53, handle * 2 ** 10, String(handle), BigInt(handle)])
      expect(native["secretLength"]!(forged)).toBe(usage);
    expect(native["secretLength"]!(handle)).toBe(16);
    expect(release(handle)).toBe(0);
  });

  test("freeing twice is refused, and a slot that is used again has another handle", () => {
    const handle = secret();
    expect(release(handle)).toBe(0);
    const next = secret();
    expect(next).not.toBe(handle);
    expect(release(handle)).toBe(usage);
    expect(native["secretLength"]!(handle)).toBe(usage);
    expect(native["secretLength"]!(next)).toBe(16);
    expect(release(next)).toBe(0);
  });

  test("the handle of one kind is refused as another", () => {
    const [aSecret, cipher, buffer] = freshObjects() as [number, number, number];
    const nonce = Buffer.alloc(12);
    for (const other of [cipher, buffer, kept]) expect(native["secretLength"]!(other)).toBe(usage);
    for (const other of [aSecret, buffer, kept])
      expect(native["aeadCipherSeal"]!(other, nonce, nonce, nonce, Buffer.alloc(28))).toBe(usage);
    for (const other of [aSecret, cipher, kept]) expect(native["secureBufferWipe"]!(other)).toBe(usage);
    expect(native["aeadSeal"]!(2, buffer, nonce, nonce, nonce, Buffer.alloc(28))).toBe(usage);
    for (const handle of [aSecret, cipher, buffer]) expect(release(handle)).toBe(0);
  });

  test("a hundred thousand random numbers name nothing", () => {
    const handles = freshObjects();
    fc.assert(
      fc.property(
        fc.oneof(fc.maxSafeNat(), fc.double()),
        (number) => handles.includes(number) || release(number) === usage,
      ),
      { numRuns: 100_000, seed: 9420 },
    );
    for (const handle of handles) expect(release(handle)).toBe(0);
  });
});

test("an output that overlaps its input is refused, unless they start together", () => {
  const memory = Buffer.alloc(200, 4);
  const before = Buffer.from(memory);
  const [key, nonce, none] = [Buffer.alloc(32), Buffer.alloc(12), Buffer.alloc(0)];
  for (const [from, to] of [
    [0, 1],
    [1, 0],
    [0, 63],
    [79, 0],
  ] as const) {
    const input = memory.subarray(from, from + 64);
    const out = memory.subarray(to, to + 80);
    expect(native["aeadSeal"]!(2, key, nonce, none, input, out)).toBe(usage);
    expect(memory).toEqual(before);
  }
  const aad = memory.subarray(0, 64);
  expect(native["aeadSeal"]!(2, key, nonce, aad, none, memory.subarray(0, 16))).toBe(usage);
  expect(native["aeadSeal"]!(2, key, nonce, aad, none, memory.subarray(63, 79))).toBe(usage);
  expect(memory).toEqual(before);
  const together = memory.subarray(0, 80);
  expect(native["aeadSeal"]!(2, key, nonce, none, memory.subarray(0, 64), together)).toBe(80);
  expect(native["aeadOpen"]!(2, key, nonce, none, together, memory.subarray(0, 64))).toBe(64);
  expect(memory.subarray(0, 64)).toEqual(before.subarray(0, 64));
});

test("a refused opening leaves no plaintext in the output", () => {
  const [key, nonce, none] = [Buffer.alloc(32), Buffer.alloc(12), Buffer.alloc(0)];
  const sealed = Buffer.alloc(80);
  native["aeadSeal"]!(2, key, nonce, none, Buffer.alloc(64, 0x61), sealed);
  sealed[79]! ^= 1;
  const out = Buffer.alloc(64, 0xee);
  expect(native["aeadOpen"]!(2, key, nonce, none, sealed, out)).toBe(-6);
  expect(out).toEqual(Buffer.alloc(64));
});
