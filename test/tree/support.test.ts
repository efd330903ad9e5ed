import { expect, test } from "@jest/globals";
import { SharedSupport, type Support } from "#dist/mls/tree/support.js";

const support = (extensions: number[], proposals: number[] = []): Support => ({
  ...{ credentialsInUse: [1], credentials: [1, 2] },
  ...{ extensions, proposals },
});

test("members who are alike share one support", () => {
  const shelf = new SharedSupport();
  expect(shelf.of(support([7]))).toEqual(support([7]));
  expect(shelf.of(support([7]))).toBe(shelf.of(support([7])));
});

test("members who differ in one list share the others, and each keeps what it said", () => {
  const shared = new SharedSupport();
  const all = Array.from({ length: 500 }, (_, i) => support([5, 0x0a0a + i], [i % 3]));
  const kept = all.map((one) => shared.of(one));
  expect(kept).toEqual(all);
  for (const [i, one] of kept.entries()) {
    expect(one.credentials).toBe(kept[0]!.credentials);
    expect(one.proposals).toBe(kept[i % 3]!.proposals);
  }
});

test("lists of one hash are told apart", () => {
  const shared = new SharedSupport();
  // 31 * (31 * 2 + 1) + 62 and 31 * (31 * 2 + 2) + 31
  const [a, b] = [shared.of(support([1, 62])), shared.of(support([2, 31]))];
  expect(a.extensions).toEqual([1, 62]);
  expect(b.extensions).toEqual([2, 31]);
});
