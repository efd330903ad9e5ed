import { expect, test } from "@jest/globals";
import { hkdf, LabelList } from "#dist/native/kdf.js";
import { Secret } from "#dist/native/secret.js";
import { heldHandles } from "../held-handles.js";

const none = new Uint8Array(0);
const names = ["init", "a label that takes an octet more than sixty-three, all of it on the wire", "x".repeat(255)];
const octets = names.map((name) => Buffer.from(name));
const usage = expect.objectContaining({ code: "usage" });

test.each(["SHA-256", "SHA-384", "SHA-512"] as const)("%s: each label gives what it gives alone", (algorithm) => {
  using secret = Secret.random(48);
  for (const format of ["mls", "tls13"] as const) {
    const all = hkdf.expandLabels(algorithm, secret, new LabelList(octets), 40, format);
    expect(all).toHaveLength(names.length);
    all.forEach((derived, i) => {
      using alone = hkdf.expandLabel(algorithm, secret, octets[i]!, none, 40, format);
      expect(derived.equals(alone)).toBe(true);
      derived.dispose();
    });
  }
  expect(hkdf.expandLabels(algorithm, secret, new LabelList([]), 32, "mls")).toEqual([]);
});

test("what is refused leaves no secret behind", () => {
  const secret = Secret.random(32);
  const labels = new LabelList(octets);
  const before = heldHandles();
  expect(() => hkdf.expandLabels("SHA-256", secret, labels, 255 * 32 + 1, "mls")).toThrow(usage);
  expect(() => hkdf.expandLabels("SHA-256", secret, labels, 32, "tls14" as never)).toThrow(usage);
  // The second label is cut off, after the first was derived.
  const cut = { count: 2, octets: Buffer.from([1, 0x61, 9, 0x62]) };
  expect(() => hkdf.expandLabels("SHA-256", secret, cut, 32, "mls")).toThrow(usage);
  const miscounted = { count: 3, octets: labels.octets.subarray(0, 5) };
  expect(() => hkdf.expandLabels("SHA-256", secret, miscounted, 32, "mls")).toThrow(usage);
  expect(heldHandles()).toBe(before);
  secret.dispose();
  expect(() => hkdf.expandLabels("SHA-256", secret, labels, 32, "mls")).toThrow(usage);
  expect(() => new LabelList([Buffer.alloc(256)])).toThrow(usage);
});
