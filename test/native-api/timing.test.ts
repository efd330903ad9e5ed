// In the manner of dudect (Reparaz, Balasch, Verbauwhede): two classes of input, measured in random order, compared by a test of ranks.
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
const blockLength = 200;

interface Subject {
  /** Makes the input of a class, outside the measured time. */
  prepare: (late: boolean) => void;
  run: () => void;
}

interface Sample {
  readonly late: boolean;
  readonly nanoseconds: number;
}

function measure({ prepare, run }: Subject): Sample[] {
  return Array.from({ length: samples }, () => {
    const late = randomInt(2) === 1;
    prepare(late);
    const start = process.hrtime.bigint();
    run();
    return { late, nanoseconds: Number(process.hrtime.bigint() - start) };
  });
}

// The rank sum of a class less what chance gives, and the variance of that sum. Samples of one duration share their mean rank.
function rankSum(block: readonly Sample[]): { excess: number; variance: number } {
  const sorted = [...block].sort((a, b) => a.nanoseconds - b.nanoseconds);
  const n = sorted.length;
  const late = sorted.filter((sample) => sample.late).length;
  let [sum, ties] = [0, 0];
  for (let from = 0, to; from < n; from = to) {
    for (to = from; to < n && sorted[to]!.nanoseconds === sorted[from]!.nanoseconds; to++);
    const equal = to - from;
    sum += sorted.slice(from, to).filter((sample) => sample.late).length * ((from + 1 + to) / 2);
    ties += equal ** 3 - equal;
  }
  return {
    excess: sum - (late * (n + 1)) / 2,
    variance: ((late * (n - late)) / 12) * (n + 1 - ties / (n * (n - 1))),
  };
}

// Standard deviations from chance (Wilcoxon's test in van Elteren's form). Ranks, since what the system interrupted must not weigh more
// than any other; within blocks of neighbours, since the clock of a machine changes with its load.
function evidence(measured: readonly Sample[]): number {
  let [excess, variance] = [0, 0];
  for (let i = 0; i < measured.length; i += blockLength) {
    const block = rankSum(measured.slice(i, i + blockLength));
    excess += block.excess;
    variance += block.variance;
  }
  return Math.abs(excess) / Math.sqrt(variance || 1);
}

function leaks(subject: Subject): boolean {
  measure(subject); // the compiler settles
  for (let attempt = 0; attempt < 3; attempt++) if (evidence(measure(subject)) < threshold) return false;
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
