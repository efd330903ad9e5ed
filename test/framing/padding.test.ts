import { expect, test } from "@jest/globals";
import { paddingFor, type PaddingPolicy } from "#dist/mls/framing/index.js";

test("none adds nothing", () => {
  expect([0, 1, 255].map((length) => paddingFor("none", length))).toEqual([0, 0, 0]);
});

test("a multiple is met, and an exact length kept", () => {
  const lengths = [0, 1, 31, 32, 33, 1000];
  expect(lengths.map((length) => length + paddingFor({ multipleOf: 32 }, length))).toEqual([0, 32, 32, 32, 64, 1024]);
});

test("steps: few lengths, at most 12 percent more, never less", () => {
  const padded = new Set<number>();
  const wrong: number[] = [];
  for (let length = 0; length <= 70_000; length++) {
    const total = length + paddingFor("steps", length);
    if (total < length || (length > 8 && total > length * 1.12) || paddingFor("steps", total) !== 0) wrong.push(length);
    if (length > 256) padded.add(total);
  }
  expect(wrong).toEqual([]);
  expect(padded.size).toBeLessThan(140);
  expect(9 + paddingFor("steps", 9)).toBe(10);
  expect(1000 + paddingFor("steps", 1000)).toBe(1024);
});

test.each([{ multipleOf: 0 }, { multipleOf: 1.5 }, { multipleOf: 2 ** 21 }, {}, "all", undefined])(
  "%j is no policy",
  (policy) => {
    expect(() => paddingFor(policy as PaddingPolicy, 5)).toThrow(expect.objectContaining({ code: "config" }));
  },
);
