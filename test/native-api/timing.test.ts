// In the manner of dudect (Reparaz, Balasch, Verbauwhede): two classes of input, measured in random order, compared by Welch's t-test.
// Noise can only hide a leak or raise one measurement, so a leak is what shows in each of three.
import { randomBytes, randomInt } from "node:crypto";
import { describe, expect, test } from "@jest/globals";
import { addon } from "#dist/native/addon.js";

const native = addon<{
  constantTimeEqual(a: Uint8Array, b: Uint8Array): number;
  aeadCipher(id: number, key: Uint8Array): number;
  aeadCipherSeal(cipher: number, nonce: Uint8Array, aad: Uint8Array, text: Uint8Array, out: Uint8Array): number;
  aeadCipherOpen(cipher: number, nonce: Uint8Array, aad: Uint8Array, sealed: Uint8Array, out: Uint8Array): number;
  release(handle: number): number;
}>();

const threshold = 10;
const samples = 6000;

interface Subject {
  /** Makes the input of a class, outside the measured time. */
  prepare: (late: boolean) => void;
  run: () => void;
}

// Nanoseconds of each sample, by class.
function measure({ prepare, run }: Subject): [number[], number[]] {
  const times: [number[], number[]] = [[], []];
  for (let i = 0; i < samples; i++) {
    const late = randomInt(2);
    prepare(late === 1);
    const start = process.hrtime.bigint();
    run();
    times[late]!.push(Number(process.hrtime.bigint() - start));
  }
  return times;
}

// What the system interrupted says nothing: above the ninth decile of both classes together.
function crop(times: [number[], number[]]): [number[], number[]] {
  const all = [...times[0], ...times[1]].sort((a, b) => a - b);
  const limit = all[Math.floor(all.length * 0.9)]!;
  return [times[0].filter((time) => time <= limit), times[1].filter((time) => time <= limit)];
}

function welch([a, b]: [number[], number[]]): number {
  const statistics = (values: number[]) => {
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1);
    return { mean, error: variance / values.length };
  };
  const [x, y] = [statistics(a), statistics(b)];
  return (x.mean - y.mean) / Math.sqrt(x.error + y.error || 1);
}

function leaks(subject: Subject): boolean {
  measure(subject); // the compiler settles
  for (let attempt = 0; attempt < 3; attempt++) if (Math.abs(welch(crop(measure(subject)))) < threshold) return false;
  return true;
}

// A leak that is there may hide in noise for a while.
function leaksAtLast(subject: Subject): boolean {
  for (let attempt = 0; attempt < 5; attempt++) if (leaks(subject)) return true;
  return false;
}

// Two arrays that differ in the first octet alone, or in the last alone.
function comparison(length: number, times: number, equal: (a: Uint8Array, b: Uint8Array) => unknown): Subject {
  const a = randomBytes(length);
  const b = Buffer.from(a);
  return {
    prepare(late) {
      b[0] = a[0]! ^ (late ? 0 : 1);
      b[length - 1] = a[length - 1]! ^ (late ? 1 : 0);
    },
    run() {
      for (let i = 0; i < times; i++) equal(a, b);
    },
  };
}

function earlyExit(a: Uint8Array, b: Uint8Array): boolean {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

// A sealed text whose tag is wrong in its first octet, or in its last.
function opening(
  id: number,
  open: (right: Buffer, tag: Buffer, call: () => number) => unknown,
): Subject & { end(): void } {
  const [nonce, aad, text] = [Buffer.alloc(12), Buffer.alloc(16), Buffer.alloc(64)];
  const cipher = native.aeadCipher(id, randomBytes(32));
  const sealed = Buffer.alloc(80);
  const out = Buffer.alloc(64);
  native.aeadCipherSeal(cipher, nonce, aad, text, sealed);
  const tag = sealed.subarray(64);
  const right = Buffer.from(tag);
  const call = () => native.aeadCipherOpen(cipher, nonce, aad, sealed, out);
  return {
    prepare(late) {
      tag[0] = right[0]! ^ (late ? 0 : 1);
      tag[15] = right[15]! ^ (late ? 1 : 0);
    },
    run() {
      for (let i = 0; i < 10; i++) open(right, tag, call);
    },
    end: () => void native.release(cipher),
  };
}

describe("a comparison that stops at the first difference is caught", () => {
  test.each([
    [16, 40],
    [32, 20],
    [1024, 4],
  ])("of %i octets", (length, times) => {
    expect(leaksAtLast(comparison(length, times, earlyExit))).toBe(true);
  });
});

describe("constantTimeEqual takes the same time wherever the difference is", () => {
  test.each([
    [16, 20],
    [32, 20],
    [1024, 4],
    [16384, 1],
  ])("of %i octets", (length, times) => {
    expect(leaks(comparison(length, times, (a, b) => native.constantTimeEqual(a, b)))).toBe(false);
  });
});

describe("opening takes the same time wherever the tag is wrong", () => {
  test.each([
    ["AES-256-GCM", 2],
    ["CHACHA20-POLY1305", 3],
  ])("%s", (_name, id) => {
    const subject = opening(id, (_right, _sealed, call) => call());
    expect(leaks(subject)).toBe(false);
    subject.end();
  });

  test("and one that compared the tag with an early exit would be caught", () => {
    const subject = opening(2, (right, tag, call) => call() < 0 && earlyExit(right, tag));
    expect(leaksAtLast(subject)).toBe(true);
    subject.end();
  });
});
