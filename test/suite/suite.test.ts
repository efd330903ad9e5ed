import { describe, expect, test } from "@jest/globals";
import { cipherSuites, CipherSuite, isCipherSuite, suiteOf } from "#dist/mls/suite/index.js";
import { Secret } from "#dist/native/secret.js";

test("the registry is that of RFC 9420 §17.1", () => {
  expect([...cipherSuites.keys()]).toEqual([1, 2, 3, 4, 5, 6, 7]);
  expect(suiteOf(5)).toMatchObject({ name: "MLS_256_DHKEMP521_AES256GCM_SHA512_P521", Nh: 64, Nk: 32, Nn: 12 });
  expect(suiteOf(1)).toBe(suiteOf(CipherSuite.MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519));
});

test.each([0, 8, 0x0a0a, 0xf000, -1, 1.5])("%d is no suite", (id) => {
  expect(isCipherSuite(id)).toBe(false);
  expect(() => suiteOf(id)).toThrow(expect.objectContaining({ code: "config" }));
});

describe.each([...cipherSuites.values()])("$name", ({ id }) => {
  const suite = suiteOf(id);

  test("a MAC that is empty, truncated, longer or changed is refused", () => {
    const key = Secret.random(suite.Nh);
    const tag = suite.mac(key, Buffer.from("a"), Buffer.from("b"));
    const verify = (candidate: Uint8Array): boolean => suite.verifyMac(key, candidate, Buffer.from("ab"));
    expect(verify(tag)).toBe(true);
    for (const length of [0, 1, 16, suite.Nh - 1]) expect(verify(tag.subarray(0, length))).toBe(false);
    expect(verify(Buffer.concat([tag, Buffer.alloc(1)]))).toBe(false);
    for (let at = 0; at < tag.byteLength; at++) {
      const changed = Buffer.from(tag);
      changed[at]! ^= 1;
      expect(verify(changed)).toBe(false);
    }
    key.dispose();
  });
});
