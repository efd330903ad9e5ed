import { describe, expect, test } from "@jest/globals";
import { cipherSuites, CipherSuite, isCipherSuite, suiteOf } from "#dist/mls/suite/index.js";
import { Secret } from "#dist/native/secret.js";
import { heldHandles } from "../held-handles.js";

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

  test("a public key that is none verifies nothing and encrypts nothing", async () => {
    const key = suite.generateSignatureKeyPair();
    const signature = suite.signWithLabel(key, "LeafNodeTBS", Buffer.from("content"));
    const before = heldHandles();
    for (const publicKey of [
      Buffer.alloc(0),
      key.publicKey.subarray(1),
      Buffer.alloc(key.publicKey.byteLength, 0xff),
    ]) {
      const item = { publicKey, label: "LeafNodeTBS", content: Buffer.from("content"), signature };
      expect(suite.verifyWithLabel(publicKey, item.label, item.content, signature)).toBe(false);
      expect(await suite.verifyWithLabelAll([item, { ...item, publicKey: key.publicKey }])).toEqual([false, true]);
    }
    for (const publicKey of [Buffer.alloc(0), Buffer.alloc(7)]) {
      expect(suite.isHpkePublicKey(publicKey)).toBe(false);
      expect(() => suite.encryptWithLabel(publicKey, "Welcome", Buffer.alloc(0), Buffer.alloc(1))).toThrow();
      expect(() => suite.externalInitSender(publicKey)).toThrow();
    }
    expect(heldHandles()).toBe(before);
    key.dispose();
  });

  test("a raw signature key is one of its length; ECDSA scalars may come without leading zeros", () => {
    const before = heldHandles();
    const key = (octets: Uint8Array): string => {
      const raw = Secret.from(octets);
      try {
        const imported = suite.signatureKey(raw);
        imported.dispose();
        return imported.publicKey.toString("hex");
      } finally {
        raw.dispose();
      }
    };
    const { signature } = suite.algorithms;
    for (const length of [0, 100]) expect(() => key(Buffer.alloc(length, 1))).toThrow();
    if (signature.startsWith("ECDSA")) {
      const size = { "ECDSA-P256": 32, "ECDSA-P384": 48, "ECDSA-P521": 66 }[signature as "ECDSA-P256"];
      expect(key(Buffer.from([7]))).toBe(key(Buffer.concat([Buffer.alloc(size - 1), Buffer.from([7])])));
    } else {
      expect(() => key(Buffer.alloc(31, 1))).toThrow(expect.objectContaining({ code: "malformed" }));
    }
    expect(heldHandles()).toBe(before);
  });

  test("external initialization gives both sides one secret", () => {
    const before = heldHandles();
    const external = suite.generateHpkeKeyPair();
    const { kemOutput, initSecret } = suite.externalInitSender(external.publicKey);
    const received = suite.externalInitReceiver(external, kemOutput);
    expect(received.byteLength).toBe(suite.Nh);
    expect(received.equals(initSecret)).toBe(true);
    expect(() => suite.externalInitReceiver(external, kemOutput.subarray(1))).toThrow(
      expect.objectContaining({ code: "undecryptable" }),
    );
    for (const handle of [external, initSecret, received]) handle.dispose();
    expect(heldHandles()).toBe(before);
  });
});
